import { describe, it } from "vitest";
import { redisDriver } from "../../src/drivers/redis.js";
import { testDriver } from "../../src/testing/index.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer } from "../support/servers.js";

const place = (url: string, name: string) => `${url}?prefix=${name}:`;

describeServer("REDIS_URL", (url) => {
  testServerDriver({
    name: "redis",
    url,
    place,
    driver: (to) => redisDriver({ url: to }),
    server: "redis",
  });

  describe("over ioredis", () => {
    testDriver(
      { describe, it },
      {
        async open(schema) {
          const driver = redisDriver({ url: place(url, "contract"), package: "ioredis" });
          await driver.connect(schema);
          return driver;
        },
      },
    );
  });
});
