import type { Driver } from "../../databank/driver.js";
import { toJson } from "../../databank/json.js";
import { invalidOption } from "../../databank/options.js";
import { newLife } from "../../databank/version.js";

/**
 * A driver that has some entries from the beginning of each connection, as the memory driver of
 * the first generation could have them.
 *
 * @param data - For each type an object with the values of its ids.
 */
export function withData(driver: Driver, data: unknown): Driver {
  const types = entriesOf("data", data).map(
    ([type, values]) => [type, entriesOf(`data[${JSON.stringify(type)}]`, values)] as const,
  );
  let isFilled = false;
  return {
    ...driver,

    async connect(schema) {
      await driver.connect(schema);
      if (isFilled) return;
      isFilled = true;
      for (const [type, values] of types) {
        const createdAt = Date.now();
        const writes = values.map(([id, value]) => {
          return { id, json: toJson(value), version: newLife(), createdAt, expiresAt: null };
        });
        if (writes.length > 0) await driver.write(type, writes);
      }
    },

    async disconnect() {
      isFilled = false;
      await driver.disconnect();
    },
  };
}

function entriesOf(name: string, value: unknown): [string, unknown][] {
  if (typeof value === "object" && value !== null) return Object.entries(value);
  throw invalidOption(`${name} must be an object, such as { planet: { mars: { moons: 2 } } }`);
}
