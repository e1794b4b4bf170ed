import { createRequire } from "node:module";
import { join } from "node:path";

/** Where a package is that is installed beside the application; `undefined` where there is none. */
export function resolvePackage(name: string): string | undefined {
  const { argv, cwd } = process;
  for (const place of [argv[1] ?? cwd(), join(cwd(), "index.js")]) {
    try {
      return createRequire(place).resolve(name);
    } catch {
      // Not installed there.
    }
  }
  return undefined;
}
