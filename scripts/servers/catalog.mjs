import { couchbase } from "./couchbase.mjs";
import { dynamodb } from "./dynamodb.mjs";
import { mariadb } from "./mariadb.mjs";
import { memcached } from "./memcached.mjs";
import { mongodb } from "./mongodb.mjs";
import { mysql } from "./mysql.mjs";
import { postgres } from "./postgres.mjs";
import { redis } from "./redis.mjs";
import { redisCluster } from "./redis-cluster.mjs";
import { redisSentinel } from "./redis-sentinel.mjs";

/** Every server that can be started here. `env` is the variable that names one to the tests. */
export const catalog = [
  redis,
  redisCluster,
  redisSentinel,
  postgres,
  mariadb,
  mysql,
  mongodb,
  couchbase,
  memcached,
  dynamodb,
];
