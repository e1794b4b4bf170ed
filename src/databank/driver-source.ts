import type { DriverSource } from "./connection.js";
import { type DatabankOptions, resolveOptions, splitOptions } from "./databank-options.js";
import type { Driver, Schema } from "./driver.js";
import { NotImplementedError } from "./errors.js";
import { installedDriver } from "./installed-driver.js";
import { isLegacyDatabank } from "./legacy-driver.js";
import { checkNames, invalidOption, text, withoutUndefined } from "./options.js";
import {
  checkDriverOptions,
  type DriverOptions,
  driverOfUrl,
  findDriver,
  type NamedDriver,
  unknownDriver,
} from "./registry.js";

/** A driver source together with what was said to the databank at the same time. */
export interface Source extends DriverSource {
  /** Whether the program has to call `connect`, as in 1.x. */
  readonly isExplicit: boolean;
  readonly options: Required<DatabankOptions>;
}

const METHODS = ["connect", "disconnect", "read", "write", "touch", "del"];

/** The source that is a driver. */
export function sourceOfDriver(driver: unknown, options: DatabankOptions): Source {
  checkDriver(driver);
  return {
    name: driver.name,
    driver,
    isExplicit: false,
    options: resolveOptions(options),
    load(params) {
      checkNames("A databank that was made with a driver object", params, ["schema"]);
      return driver;
    },
  };
}

/**
 * The source of an object that only lends its methods: driver classes of the first generation
 * have a databank as their prototype.
 */
export function sourceOfNothing(): Source {
  return {
    name: "abstract",
    isExplicit: true,
    options: resolveOptions({}),
    load() {
      throw new NotImplementedError();
    },
  };
}

/** The source for a URL or for options with a driver's name, connected at the first call. */
export function sourceToOpen(target: unknown, options: DriverOptions): Source {
  if (typeof target === "string") return sourceOfUrl(target, options);
  checkObject(target);
  const { driver, url, ...rest } = withoutUndefined({ ...target, ...options });
  if (url !== undefined && driver === undefined) return sourceOfUrl(text("url", url), rest);
  const name = text("driver", driver);
  if (url === undefined) return sourceOfName(name, rest, false);
  const fromUrl = findDriver(name)?.fromUrl?.(text("url", url)) ?? { url };
  return sourceOfName(name, { ...fromUrl, ...rest }, false);
}

/** The source for the name of a driver that ships with this package or is installed. */
export function sourceOfName(name: string, options: DriverOptions, isExplicit: boolean): Source {
  const named = findDriver(name) ?? installedDriver(name);
  if (!named) throw unknownDriver(name);
  return sourceOf(named, options, isExplicit);
}

function sourceOfUrl(url: string, options: DriverOptions): Source {
  const { driver, options: fromUrl } = driverOfUrl(url);
  return sourceOf(driver, { ...fromUrl, ...withoutUndefined({ ...options }) }, false);
}

function sourceOf(named: NamedDriver, options: DriverOptions, isExplicit: boolean): Source {
  checkObject(options);
  const { own, driver: given } = splitOptions(options);
  checkDriverOptions(named, given);
  const resolved = resolveOptions(own);
  return {
    name: named.name,
    isExplicit,
    options: resolved,
    async load(params) {
      const merged = { ...given, ...splitOptions(params).driver };
      checkDriverOptions(named, merged);
      const factory = await named.load();
      const schema: Schema = splitOptions(params).own.schema ?? resolved.schema;
      const driver = await factory(merged, schema);
      checkDriver(driver);
      return driver;
    },
  };
}

function checkObject(options: unknown): asserts options is DriverOptions {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw invalidOption(
    'The options of a databank must be an object, such as { driver: "disk", dir: "./sessions" }',
  );
}

/** Whether something came from one of the functions above. */
export function isSource(value: unknown): value is Source {
  return typeof memberOf(value, "load") === "function" && "isExplicit" in Object(value);
}

/** Whether something has what every driver has. */
export function isDriver(value: unknown): value is Driver {
  return missingIn(value) === undefined;
}

function checkDriver(driver: unknown): asserts driver is Driver {
  if (isLegacyDatabank(driver)) {
    throw invalidOption("This is a databank of the old package; pass legacyDriver(it) instead");
  }
  const missing = missingIn(driver);
  if (missing === undefined) return;
  throw invalidOption(
    `A driver needs ${missing}; to choose one by its name, use Databank.open("memory:")`,
  );
}

function missingIn(value: unknown): string | undefined {
  const capabilities = memberOf(value, "capabilities");
  if (typeof capabilities !== "object" || capabilities === null) return "capabilities";
  return METHODS.find((method) => typeof memberOf(value, method) !== "function");
}

function memberOf(value: unknown, name: string): unknown {
  return Reflect.get(Object(value), name);
}
