import { DatabankError } from "../../databank/errors.js";
import { importPackage } from "../import-package.js";
import { type Connection, patiently } from "./connection.js";
import { type IoredisPackage, isIoredis, openIoredis, useIoredis } from "./ioredis.js";
import { isNodeRedis, type NodeRedisPackage, openNodeRedis, useNodeRedis } from "./node-redis.js";
import type { PackageName, Settings, Target } from "./options.js";

const RANGES = { redis: ">=5", ioredis: ">=5" };

/** Opens a client of our own, or takes the caller's. */
export async function openConnection({ client, target, packageName }: Settings) {
  return patiently(client ? use(client) : await openOwn(target, packageName));
}

function use(client: object): Connection {
  // Which of the two it is was checked with the options.
  if (isIoredis(client)) return useIoredis(client);
  if (isNodeRedis(client)) return useNodeRedis(client);
  throw new TypeError("Neither a client of redis nor of ioredis");
}

async function openOwn(target: Target, packageName: PackageName | undefined): Promise<Connection> {
  if (packageName === "ioredis") return openIoredis(await load("ioredis"), target);
  let missing: unknown;
  try {
    return await openNodeRedis(await load<NodeRedisPackage>("redis"), target);
  } catch (error) {
    if (packageName === "redis" || !isMissing(error)) throw error;
    missing = error;
  }
  let Redis: IoredisPackage;
  try {
    Redis = await load("ioredis");
  } catch (error) {
    // Either would do; the advice is to install the first.
    throw isMissing(error) ? missing : error;
  }
  return openIoredis(Redis, target);
}

async function load<T>(name: PackageName): Promise<T> {
  const loaded = await importPackage<{ readonly default: T }>("redis", name, RANGES[name]);
  return loaded.default;
}

function isMissing(error: unknown): boolean {
  return error instanceof DatabankError && error.code === "DATABANK_DRIVER_NOT_INSTALLED";
}
