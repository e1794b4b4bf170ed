import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(__dirname, "../..");
const { optionalDependencies } = require("../runtimes/package.json") as {
  optionalDependencies: Record<string, string>;
};

/** Node as installed here, and the versions of the matrix where there are binaries for them. */
const runtimes = [
  ["this Node", process.execPath],
  ...Object.keys(optionalDependencies).map((name) => [
    name,
    join(root, "test/runtimes/node_modules", name, "bin/node"),
  ]),
] as [string, string][];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "consumer-"));
  writeFileSync(join(folder, "package.json"), '{"name":"consumer","private":true}');
  const tarball = process.env.PACKED_PACKAGE ?? pack();
  const types = ["@types/express-session@1.19.0", "@types/node@20"];
  const packages = [tarball, "express-session@1.19.0", ...types];
  execFileSync("npm", ["install", "--no-audit", "--no-fund", ...packages], {
    cwd: folder,
    stdio: "ignore",
  });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function pack(): string {
  const args = ["pack", "--silent", "--pack-destination", folder];
  const name = execFileSync("npm", args, { cwd: root, encoding: "utf8" }).trim();
  return join(folder, name.split("\n").at(-1) ?? "");
}

function run(node: string, file: string, code: string): string {
  writeFileSync(join(folder, file), code);
  return execFileSync(node, [file], { cwd: folder, encoding: "utf8" }).trim();
}

const NAMES = [
  "AlreadyConnectedError",
  "AlreadyExistsError",
  "Databank",
  "DatabankError",
  "DatabankObject",
  "DatabankStore",
  "NoSuchItemError",
  "NoSuchThingError",
  "NotConnectedError",
  "NotImplementedError",
  "WrongTypeError",
];

describe.each(runtimes)("the packed package on %s", (name, node) => {
  const missing = existsSync(node) ? "" : ` (skipped: there is no ${name} for this machine)`;

  it.skipIf(missing)(`works by require and by import, with the same classes${missing}`, () => {
    const output = run(
      node,
      "both.mjs",
      `import { createRequire } from "node:module";
      import * as esm from "connect-databank";
      import * as testing from "connect-databank/testing";
      import { diskDriver } from "connect-databank/drivers/disk";
      const require = createRequire(import.meta.url);
      const cjs = require("connect-databank");
      const classic = require("connect-databank/databank");
      const names = Object.keys(esm).filter((key) => /^[A-Z]/.test(key)).sort();
      const same = names.every((key) => esm[key] === cjs[key]);
      const Store = cjs(require("express-session"));
      const store = new Store(classic.Databank.get("memory", {}), null, 0);
      await store.close();
      const open = new esm.DatabankStore("memory:");
      await open.set("s", { cookie: {}, n: 1 });
      console.log(JSON.stringify({
        names, same,
        classic: classic.Databank === esm.Databank,
        isFunction: typeof esm.default === "function",
        testing: typeof testing.testDriver === "function" && typeof testing.testStore === "function",
        disk: diskDriver({ dir: "./x" }).name,
        n: (await open.get("s")).n,
      }));
      await open.close();`,
    );

    expect(JSON.parse(output)).toEqual({
      names: NAMES,
      same: true,
      classic: true,
      isFunction: true,
      testing: true,
      disk: "disk",
      n: 1,
    });
  });

  it.skipIf(missing)(`loads no driver and no other package until it is asked${missing}`, () => {
    const output = run(
      node,
      "lazy.cjs",
      `require("connect-databank");
      const loaded = Object.keys(require.cache);
      const strange = loaded.filter((file) =>
        /drivers.(memory|disk)/.test(file) || !/consumer-[^/]+.(lazy.cjs|node_modules.connect-databank)/.test(file));
      console.log(JSON.stringify(strange));`,
    );

    expect(JSON.parse(output)).toEqual([]);
  });
});

describe("the packed package's types", () => {
  const consumer = `import session from "express-session";
import connectDatabank, { Databank, DatabankStore } from "connect-databank";
import type { Driver, Read, ReadResult, Touch, Write, WriteResult } from "connect-databank/databank";
import { diskDriver } from "connect-databank/drivers/disk";

const bank: Databank = Databank.open("memory:");
const store = new DatabankStore(bank, { ttlMs: 1000 });
session({ secret: "s", store });
const Store = connectDatabank(session);
session({ secret: "s", store: new Store(new Databank(diskDriver({ dir: "x" })), null, 0) });

export class OwnDriver implements Pick<Driver, "read" | "write" | "touch"> {
  read = (type: string, reads: readonly Read[]): ReadResult[] => reads.map(() => null);
  write = async (type: string, writes: readonly Write[]): Promise<WriteResult[]> =>
    writes.map((write) => (write.if === "absent" ? "done" : { conflict: null }));
  touch = (type: string, touches: readonly Touch[]) => touches.map(({ expiresAt }) => expiresAt !== null);
}
`;

  it.each([
    ["node16", "node16"],
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("fit TypeScript with module %s and resolution %s", (module, moduleResolution) => {
    writeFileSync(join(folder, "consumer.mts"), consumer);
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution,
          target: "es2022",
          strict: true,
          noEmit: true,
          esModuleInterop: true,
          types: ["node"],
        },
        files: ["consumer.mts"],
      }),
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");

    expect(execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" })).toBe("");
  });
});
