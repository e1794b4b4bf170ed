import { pathToFileURL } from "node:url";
import { DatabankError } from "./errors.js";
import { driverOfClass, isLegacyClass } from "./legacy-class.js";
import type { NamedDriver } from "./registry.js";
import { resolvePackage } from "./resolve-package.js";

// Nothing that could lead out of the folder of packages.
const PACKAGE_NAME = /^[a-z0-9][a-z0-9._-]*$/;

/**
 * The driver in an installed package `databank-<name>` of the first generation. It is looked for
 * beside the application, and loaded when it connects.
 */
export function installedDriver(name: string): NamedDriver | undefined {
  const lowered = name.toLowerCase();
  if (!PACKAGE_NAME.test(lowered)) return undefined;
  const path = resolvePackage(`databank-${lowered}`);
  if (path === undefined) return undefined;
  return {
    name: lowered,
    async load() {
      const loaded: unknown = await import(pathToFileURL(path).href);
      const { default: main } = Object(loaded);
      if (isLegacyClass(main)) return driverOfClass(main);
      throw new DatabankError(
        `The package databank-${lowered} does not export a driver class of the first generation`,
      );
    },
  };
}
