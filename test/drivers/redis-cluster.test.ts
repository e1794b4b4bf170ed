import { describe, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { redisDriver } from "../../src/drivers/redis.js";
import { testDriver } from "../../src/testing/index.js";
import { expectFidelity } from "../support/fidelity.js";
import { testPromises } from "../support/promises.js";
import { describeServer } from "../support/servers.js";

describeServer("REDIS_CLUSTER_URL", (url) => {
  const place = (name: string) => `${url}?prefix=${name}:`;

  for (const name of ["redis", "ioredis"] as const) {
    describe(`over ${name}`, () => {
      testDriver(
        { describe, it },
        {
          async open(schema) {
            const driver = redisDriver({ url: place("contract"), package: name });
            await driver.connect(schema);
            return driver;
          },
        },
      );

      it("gives back every value and every id as it was", () =>
        expectFidelity(() => new Databank(redisDriver({ url: place("fidelity"), package: name }))));
    });
  }

  testPromises("redis", {
    bank: () => place("promises"),
    url: () => place("promises"),
    frameworks: ["express 5"],
  });
});
