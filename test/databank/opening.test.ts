import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { Databank, type OpenOptions } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import type { DriverOptions } from "../../src/databank/registry.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import { pathAndOptions } from "../../src/drivers/driver-url.js";
import { memoryDriver } from "../../src/drivers/memory.js";

beforeAll(registerDrivers);

const thrown = (act: () => unknown): { code?: unknown; message: string } => {
  try {
    act();
  } catch (error) {
    return Object(error);
  }
  throw new Error("nothing was thrown");
};

/** Registers a driver that remembers its options, and returns them after one call to a databank. */
async function optionsOf(open: (name: string) => Databank): Promise<DriverOptions | undefined> {
  let seen: DriverOptions | undefined;
  Databank.register("listening", (options) => {
    seen = options;
    return memoryDriver();
  });
  await open("listening").find("t", "a");
  return seen;
}

describe("open", () => {
  it("takes a URL", async () => {
    const bank = Databank.open("memory:");

    await bank.save("t", "a", 1);

    expect([bank.driverName, await bank.read("t", "a")]).toEqual(["memory", 1]);
    expect(Databank.open("MEMORY:").driverName).toBe("memory");
  });

  it("takes options with a driver's name, or with a URL", async () => {
    expect(Databank.open({ driver: "memory", maxEntries: 5 }).driverName).toBe("memory");
    expect(Databank.open({ url: "memory:" }).driverName).toBe("memory");
    expect(await optionsOf((driver) => Databank.open({ driver, host: "h", timeoutMs: 9 }))).toEqual(
      {
        host: "h",
      },
    );
    expect(await optionsOf((driver) => Databank.open({ driver, url: "x:y", tls: true }))).toEqual({
      url: "x:y",
      tls: true,
    });
  });

  it("takes a driver's name beside its URL", async () => {
    const driver = "memory";
    const bank = Databank.open({ driver, url: "memory:?maxEntries=1", timeoutMs: 900 });
    await bank.save("t", "a", 1);
    await bank.save("t", "b", 2);

    expect(await bank.count("t")).toBe(1);
    expect(() => Databank.open({ driver, url: "memory:?maxEntries=few" })).toThrow(/maxEntries/);
  });

  it("takes an option that is undefined for one that is not given", async () => {
    const url = "memory:?maxEntries=1";
    const nothing = { maxEntries: undefined };
    for (const bank of [
      Databank.open(url, nothing),
      Databank.open({ url, ...nothing }),
      Databank.open({ driver: "memory", url, ...nothing }),
    ]) {
      await bank.save("t", "a", 1);
      await bank.save("t", "b", 2);

      expect(await bank.count("t")).toBe(1);
    }
  });

  it("hands a URL whole to a driver that takes none apart, with the options beside it", async () => {
    const url = "listening://user:pass@one:1,two:2/name?x=1";

    const options = await optionsOf(() => Databank.open(url, { pool: 5, maxPending: 7 }));

    expect(options).toEqual({ url, pool: 5 });
  });

  it("sets options of the driver by parameters of the URL", async () => {
    const bank = Databank.open("memory:?maxEntries=1&timeoutMs=200");
    await bank.save("t", "a", 1);
    await bank.save("t", "b", 2);

    expect(await bank.find("t", "a")).toBeNull();
    expect(thrown(() => Databank.open("memory:?maxEntries=many")).message).toBe(
      "maxEntries must be a number",
    );
    expect(thrown(() => Databank.open("memory:?maxEntires=1")).message).toContain(
      "did you mean maxEntries?",
    );
  });

  it("says that an option of every databank is written otherwise", () => {
    expect(thrown(() => Databank.open("memory:", { timeoutMS: 200 }))).toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: "A databank has no option timeoutMS; did you mean timeoutMs?",
    });
  });

  it("misses the folder in a disk URL, and a question mark in that of memory", () => {
    expect(thrown(() => Databank.open("disk:?durable=false")).message).toContain("disk:./sessions");
    expect(thrown(() => Databank.open("memory:maxEntries=9")).message).toContain(
      "memory:?maxEntries=9",
    );
  });

  it("keeps files where a disk URL says", async () => {
    const dir = mkdtempSync(join(tmpdir(), "opening-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const path = join(dir, "with space");

    const bank = Databank.open(`disk:${encodeURI(path)}?durable=false`);
    await bank.save("t", "a", 1);
    await bank.disconnect();

    const same = Databank.open({ driver: "disk", dir: path });
    expect(await same.read("t", "a")).toBe(1);
    await same.disconnect();
  });

  it.each([
    ["redis", ["redis", "rediss", "valkey", "valkeys", "redis+cluster", "rediss+cluster"]],
    ["postgres", ["postgres", "postgresql"]],
    ["mysql", ["mysql", "mariadb"]],
    ["mongodb", ["mongodb", "mongodb+srv"]],
    ["couchbase", ["couchbase", "couchbases"]],
    ["memcached", ["memcached"]],
    ["dynamodb", ["dynamodb"]],
  ])("knows %s by each of its schemes", (name, schemes) => {
    for (const scheme of schemes) {
      expect(Databank.open(`${scheme}://db.example.com/b`).driverName).toBe(name);
      expect(Databank.open(`${scheme.toUpperCase()}://h/b`).driverName).toBe(name);
    }
  });

  it("says which driver may have been meant", () => {
    expect(thrown(() => Databank.open("memori:"))).toMatchObject({
      code: "DATABANK_UNKNOWN_DRIVER",
      message: 'There is no driver "memori"; did you mean memory?',
    });
    expect(thrown(() => Databank.open("gopher://x")).message).toMatch(/there are memory, disk/);
  });

  it.each([
    ["disk", "A databank URL starts with"],
    ["", "A databank URL starts with"],
    [{}, "driver must be a text"],
    [null, "must be an object"],
    [{ driver: "" }, "driver must be a text"],
    [{ url: 5 }, "url must be a text"],
  ])("refuses %j", (target, message) => {
    const given: unknown = target;
    expect(thrown(() => Databank.open(given as string))).toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: expect.stringContaining(message),
    });
  });

  it("never repeats a URL, which may hold a password", () => {
    for (const url of ["user:s3cret@host", "gopher://user:s3cret@host", "//u:s3cret@h"]) {
      expect(thrown(() => Databank.open(url)).message).not.toContain("s3cret");
    }
  });
});

describe("the path in a URL", () => {
  it.each([
    ["disk:./sessions", "./sessions"],
    ["disk:sessions", "sessions"],
    ["disk:/var/lib/x", "/var/lib/x"],
    ["disk:///var/lib/x", "/var/lib/x"],
    ["disk:./a%20b%3Fc", "./a b?c"],
    ["disk:./a?x=1", "./a"],
    ["memory:", ""],
    ["memory://", ""],
  ])("of %s is %s", (url, path) => {
    expect(pathAndOptions(url, {}).path).toBe(path);
  });

  it("cannot name a host, and its % must be written as %25", () => {
    expect(thrown(() => pathAndOptions("disk://host/x", {})).message).toContain("disk:///path");
    expect(thrown(() => pathAndOptions("disk:./100%", {})).message).toContain("%25");
  });

  it("is followed by options of the right kinds", () => {
    const kinds = { a: "number", b: "boolean", c: "text" } as const;

    expect(pathAndOptions("x:?a=1&b=false&c=2&d=3&timeoutMs=4", kinds).options).toEqual({
      a: 1,
      b: false,
      c: "2",
      d: "3",
      timeoutMs: 4,
    });
    expect(thrown(() => pathAndOptions("x:?b=yes", kinds)).message).toBe("b must be true or false");
    expect(thrown(() => pathAndOptions("x:?a=", kinds)).message).toBe("a must be a number");
  });
});

describe("get", () => {
  it("finds drivers whatever the case of the letters", () => {
    Databank.register("MyDriver", () => memoryDriver());

    expect(Databank.get("Memory", {}).driverName).toBe("memory");
    expect(Databank.get("mydriver", {}).driverName).toBe("mydriver");
    expect(Databank.get("MyDriver").driverName).toBe("mydriver");
  });

  it("throws for an unknown driver at once, and for names that are no names", () => {
    expect(thrown(() => Databank.get("dsik", {}))).toMatchObject({
      code: "DATABANK_UNKNOWN_DRIVER",
      message: 'There is no driver "dsik"; did you mean disk?',
    });
    expect(thrown(() => Databank.get("../../etc/passwd", {})).code).toBe("DATABANK_UNKNOWN_DRIVER");
    const nothing: unknown = undefined;
    expect(thrown(() => Databank.get(nothing as string)).code).toBe("DATABANK_INVALID_OPTION");
    expect(thrown(() => Databank.get("memory", { maxEntires: 1 })).message).toContain(
      "did you mean maxEntries?",
    );
  });

  it("takes null for no parameters", async () => {
    const nothing: unknown = null;
    const bank = Databank.get("memory", nothing as OpenOptions);

    await bank.connect(nothing as OpenOptions);

    expect(await bank.count("t")).toBe(0);
  });

  it("gives the memory driver the data that it begins with", async () => {
    const data = { state: { KY: { name: "Kentucky" }, __proto__: null }, city: {} };
    const bank = Databank.get("memory", { data });
    await bank.connect({ data });

    expect(await bank.read("state", "KY")).toEqual({ name: "Kentucky" });
    await expect(Databank.get("memory", { data: { a: 1 } }).connect()).rejects.toMatchObject({
      code: "DATABANK_INVALID_OPTION",
    });
  });
});

describe("register", () => {
  it("lets a later driver take the place of an earlier one", async () => {
    Databank.register("mine", () => ({ ...memoryDriver(), name: "first" }));
    Databank.register("mine", async () => ({ ...memoryDriver(), name: "second" }));
    const bank = Databank.open("mine:");

    await bank.count("t");

    expect(bank.capabilities).toBeDefined();
    expect(bank.driverName).toBe("mine");
  });

  it("takes nothing but functions and classes", () => {
    const driver: unknown = memoryDriver();

    expect(thrown(() => Databank.register("made", driver as () => Driver))).toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: expect.stringContaining("driver must be a function, not "),
    });
  });

  it("finds out at connect that a factory makes no driver", async () => {
    const nothing: unknown = () => ({});
    Databank.register("nothing", nothing as () => never);

    await expect(Databank.open("nothing:").find("t", "a")).rejects.toMatchObject({
      code: "DATABANK_INVALID_OPTION",
      message: expect.stringContaining("A driver needs capabilities"),
    });
  });
});
