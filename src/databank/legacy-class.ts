import type { Driver } from "./driver.js";
import { call, hasLegacyMethods, isNamed, type LegacyDatabank } from "./legacy-databank.js";
import { legacyDriver } from "./legacy-driver.js";
import type { DriverFactory } from "./registry.js";

/** A driver class of the first generation, as `databank-<name>` packages export it. */
export type LegacyClass = new (params: object) => LegacyDatabank;

/** Whether something is a driver class of the first generation and no driver factory. */
export function isLegacyClass(value: unknown): value is LegacyClass {
  if (typeof value !== "function") return false;
  const prototype: unknown = value.prototype;
  return hasLegacyMethods(prototype);
}

/** A factory of drivers that make an object of the class, connect it and disconnect it. */
export function driverOfClass(Class: LegacyClass): DriverFactory {
  return (options, schema): Driver => {
    const params = { ...options, schema };
    const bank = new Class(params);
    const driver = legacyDriver(bank);
    return {
      ...driver,

      async connect(connectSchema) {
        await driver.connect(connectSchema);
        await unless(
          "AlreadyConnectedError",
          call((done) => bank.connect(params, done)),
        );
      },

      async disconnect() {
        await unless(
          "NotConnectedError",
          call((done) => bank.disconnect(done)),
        );
      },
    };
  };
}

async function unless(name: string, calling: Promise<unknown>): Promise<void> {
  await calling.catch((error: unknown) => {
    if (!isNamed(error, name)) throw error;
  });
}
