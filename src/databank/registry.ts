import type { Driver, Schema } from "./driver.js";
import { DatabankError } from "./errors.js";
import { checkNames, invalidOption, similarTo } from "./options.js";

/** What a program hands to a driver. */
export type DriverOptions = Readonly<Record<string, unknown>>;

/** Makes a driver. Opens nothing: that is for `connect`. */
export type DriverFactory = (options: DriverOptions, schema: Schema) => Driver | Promise<Driver>;

/** A driver that has a name, so that a URL or an option can choose it. */
export interface NamedDriver {
  /** In lower case. It is a URL scheme too. */
  readonly name: string;
  /** Other URL schemes of this driver. */
  readonly schemes?: readonly string[];
  /** The options that it knows; left out where the driver checks for itself. */
  readonly optionNames?: readonly string[];
  /** Turns a URL into options; without it the driver gets the whole URL as `url`. */
  fromUrl?(url: string): DriverOptions;
  /** Loads the driver's module, and with it its client package. */
  load(): Promise<DriverFactory>;
}

const SCHEME = /^([a-z][a-z0-9+.-]*):/i;

const drivers = new Map<string, NamedDriver>();

/** Gives a driver its name. A later one takes the place of an earlier one. */
export function nameDriver(driver: NamedDriver): void {
  drivers.set(driver.name, driver);
}

/** The driver of that name, upper and lower case alike. */
export function findDriver(name: string): NamedDriver | undefined {
  return drivers.get(name.toLowerCase());
}

/** The driver of a URL, and what the URL says to it. */
export function driverOfUrl(url: string): { driver: NamedDriver; options: DriverOptions } {
  const scheme = SCHEME.exec(url)?.[1]?.toLowerCase();
  // The text is not repeated in the message: it may hold a password.
  if (scheme === undefined) {
    throw invalidOption(
      'A databank URL starts with the name of a driver and a colon, such as "memory:" or "disk:./sessions"',
    );
  }
  for (const driver of drivers.values()) {
    if (driver.name !== scheme && !driver.schemes?.includes(scheme)) continue;
    return { driver, options: driver.fromUrl?.(url) ?? { url } };
  }
  throw unknownDriver(scheme);
}

/** A `DATABANK_UNKNOWN_DRIVER` with the name that may have been meant. */
export function unknownDriver(name: string): DatabankError {
  const known = [...drivers.values()].flatMap((driver) => [driver.name, ...(driver.schemes ?? [])]);
  const similar = similarTo(name, known);
  const advice = similar ? `did you mean ${similar}?` : `there are ${known.join(", ")}`;
  return new DatabankError(`There is no driver ${JSON.stringify(name)}; ${advice}`, {
    code: "DATABANK_UNKNOWN_DRIVER",
  });
}

/** @throws DatabankError `DATABANK_INVALID_OPTION` for an option that the driver does not have. */
export function checkDriverOptions(driver: NamedDriver, options: DriverOptions): void {
  if (driver.optionNames) checkNames(`The ${driver.name} driver`, options, driver.optionNames);
}
