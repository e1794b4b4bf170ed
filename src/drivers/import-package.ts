import { DatabankError } from "../databank/errors.js";

/**
 * Loads a client package that only users of one driver need, or says how to install it.
 *
 * @param driver - The driver that needs it, for the message.
 * @param range - The versions that the driver works with, such as `^8.11`.
 * @returns The module's namespace; of a CommonJS package, `default` is what it exports.
 * @throws DatabankError `DATABANK_DRIVER_NOT_INSTALLED`.
 */
export async function importPackage<T>(
  driver: string,
  packageName: string,
  range?: string,
): Promise<T> {
  try {
    // By a variable, so that neither compilers nor bundlers look for what may not be there.
    const loaded: unknown = await import(packageName);
    return loaded as T;
  } catch (cause) {
    if (!isMissing(cause, packageName)) {
      throw new DatabankError(
        `The package ${packageName}, which the ${driver} driver needs, cannot be loaded; see the cause of this error`,
        { cause },
      );
    }
    const wanted = range === undefined ? packageName : `${packageName}@${range}`;
    throw new DatabankError(
      `The ${driver} driver needs a package that is not installed: npm install ${quoted(wanted)}`,
      { code: "DATABANK_DRIVER_NOT_INSTALLED", cause },
    );
  }
}

/** Whether this package is missing, and not one that it needs in turn. */
function isMissing(error: unknown, packageName: string): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  const { code, message } = error;
  const isNotFound = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
  return isNotFound && message.includes(`'${packageName}'`);
}

// Shells give a meaning to > and ^.
function quoted(text: string): string {
  return /^[\w@./-]+$/.test(text) ? text : `"${text}"`;
}
