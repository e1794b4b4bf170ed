import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findDriver } from "../../src/databank/registry.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { ROOT, textOf } from "../support/workshop.js";

registerDrivers();

interface Manifest {
  readonly exports: Record<string, unknown>;
  readonly peerDependencies: Record<string, string>;
  readonly peerDependenciesMeta: Record<string, { readonly optional: boolean }>;
}

const manifest = JSON.parse(textOf("package.json")) as Manifest;
const names = Object.keys(manifest.exports).flatMap(
  (path) => path.match(/(?<=^\.\/drivers\/).+/) ?? [],
);

describe.each(names)("connect-databank/drivers/%s", (name) => {
  it("exports the function that makes the driver", async () => {
    const module: Record<string, unknown> = await import(`../../src/drivers/${name}.ts`);

    expect(manifest.exports[`./drivers/${name}`]).toBe(`./dist/drivers/${name}.js`);
    expect(module[`${name}Driver`]).toBeTypeOf("function");
  });

  it("is known by its name", async () => {
    expect(await findDriver(name)?.load()).toBeTypeOf("function");
  });

  it("has the options of every databank in its URL", () => {
    const place = name === "memory" ? "" : "x";
    const options = findDriver(name)?.fromUrl?.(`${name}:${place}?timeoutMs=5&maxPending=3`);

    expect(options).toMatchObject({ timeoutMs: 5, maxPending: 3 });
    expect(Object.values(options ?? {}).join()).not.toContain("timeoutMs");
  });
});

describe("the drivers of the package", () => {
  it("are all exported", () => {
    const folder = join(ROOT, "src/drivers");
    const drivers = readdirSync(folder)
      .filter((file) => file.endsWith(".ts"))
      .map((file) => file.slice(0, -3))
      .filter((file) => textOf(`src/drivers/${file}.ts`).includes(`function ${file}Driver(`));

    expect(drivers.toSorted()).toEqual(names.toSorted());
  });

  it("need no package but optional peers", () => {
    const files = readdirSync(join(ROOT, "src/drivers"), { recursive: true, encoding: "utf8" });
    const code = files
      .filter((file) => file.endsWith(".ts"))
      .map((file) => textOf(`src/drivers/${file}`));
    const needed = code.flatMap((text) => [
      ...(text.match(/(?<=^(?:import|export|\}).* from ")(?!\.|node:)[^"]+/gm) ?? []),
      ...(text.match(/(?<=importPackage\S*(?: [^(]*)?\("\w+", ")[^"]+/g) ?? []),
      ...(text.match(/(?<=const PACKAGE = ")[^"]+/g) ?? []),
    ]);
    const peers = Object.keys(manifest.peerDependencies);

    expect(needed).toEqual(expect.arrayContaining(["pg", "lmdb", "mysql2", "better-sqlite3"]));
    expect([...new Set(needed)].filter((name) => !peers.includes(name))).toEqual([]);
    for (const name of peers)
      expect(manifest.peerDependenciesMeta[name]?.optional, name).toBe(true);
  });
});
