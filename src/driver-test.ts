import { createRequire, Module } from "node:module";
import { dirname, sep } from "node:path";
import { Databank } from "./databank/databank.js";
import { DatabankObject } from "./databank/databank-object.js";
import * as errors from "./databank/errors.js";
import { resolvePackage } from "./databank/resolve-package.js";

/** A suite of vows. */
export interface DriverTestSuite {
  run(...args: readonly unknown[]): unknown;
  export(module: object, ...args: readonly unknown[]): unknown;
}

/**
 * The suite that drivers of the first generation had to pass, of the npm package `databank-test`. For
 * drivers of today there is `testDriver` of `connect-databank/testing`.
 *
 * @param driver - A name for `Databank.get`.
 * @param params - Its parameters; the suite adds its types to their schema.
 * @throws DatabankError `DATABANK_DRIVER_NOT_INSTALLED` if `databank-test` is not installed.
 */
export function DriverTest(driver: string, params: object): DriverTestSuite {
  const entry = resolvePackage("databank-test");
  if (entry === undefined) {
    throw new errors.DatabankError(
      "DriverTest needs a package that is not installed: npm install --save-dev databank-test",
      { code: "DATABANK_DRIVER_NOT_INSTALLED" },
    );
  }
  return withOurDatabank(entry, (require) => {
    const { DriverTest: suiteFor } = require(entry);
    return suiteFor(driver, params) as DriverTestSuite;
  });
}

/** Lets what a package requires as `databank` be this package, while it is loaded. */
function withOurDatabank<T>(entry: string, load: (require: NodeJS.Require) => T): T {
  const require = createRequire(entry);
  const { cache } = require;
  const place = require.resolve("databank");
  const theirs = cache[place];
  const ours = new Module(place);
  Object.assign(ours, { loaded: true, exports: { ...errors, Databank, DatabankObject } });
  cache[place] = ours;
  try {
    forget();
    return load(require);
  } finally {
    forget();
    if (theirs) cache[place] = theirs;
    else delete cache[place];
  }

  // Else the suite would go on with the databank that it was first loaded with.
  function forget(): void {
    for (const file of Object.keys(cache)) {
      if (file.startsWith(dirname(entry) + sep)) delete cache[file];
    }
  }
}
