import assert from "node:assert/strict";
import { assertAbsent, assertStored } from "./assertions.js";
import { del, store, write } from "./calls.js";
import { entry } from "./entries.js";
import { freshType, type Suite } from "./suite.js";

export function testLifeCycle(suite: Suite): void {
  const type = freshType();

  suite.testAlone("connects twice", async (driver) => {
    const written = entry("twice");
    await store(driver, type, [written]);

    await driver.connect(suite.schema);

    await assertStored(driver, type, written);
  });

  suite.testAlone("disconnects twice", async (driver) => {
    await driver.disconnect();

    await driver.disconnect();
  });

  suite.testAlone("connects again after it was disconnected", async (driver) => {
    const written = entry("again");
    await driver.disconnect();
    await driver.connect(suite.schema);

    await store(driver, type, [written]);

    await assertStored(driver, type, written);
  });

  suite.testAlone("works with a schema that says nothing", async (driver) => {
    const written = entry("schema");
    await driver.disconnect();
    await driver.connect({});

    await store(driver, type, [written]);

    await assertStored(driver, type, written);
  });

  suite.test(
    "keeps what it has acknowledged when it is disconnected",
    async () => {
      const [kept, gone] = [entry("kept", { expiresAt: null }), entry("gone")];
      await suite.withOwnDriver(async (driver) => {
        await store(driver, type, [kept, gone]);
        await del(driver, type, [{ id: "gone" }]);
        await driver.disconnect();
        await driver.connect(suite.schema);
        await assertStored(driver, type, kept);
      });

      await suite.withOwnDriver(async (driver) => {
        await assertStored(driver, type, kept);
        await assertAbsent(driver, type, "gone");
        const [refused] = await write(driver, type, [entry("kept", { if: "absent" })]);
        assert.notEqual(refused, "done");
      });
    },
    ({ capabilities }) => capabilities.durable,
  );

  suite.test(
    "disconnects without disturbing another driver",
    async ({ driver, type: mine }) => {
      const written = entry("a");
      await store(driver, mine, [written]);

      await suite.withOwnDriver(async (own) => assertStored(own, mine, written));

      await assertStored(driver, mine, written);
    },
    ({ capabilities }) => capabilities.shared,
  );
}
