import { describe, expect, it } from "vitest";
import { valueAt } from "../../src/databank/criteria.js";
import type { Driver, EntryPage, Page, StoredEntry } from "../../src/databank/driver.js";
import { toJson } from "../../src/databank/json.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { testDriver } from "../../src/testing/index.js";
import { outcomeOf } from "../support/contract-outcome.js";

/** Whether an entry is found under a path with a value. */
type Finds = (value: unknown, path: string, json: string) => boolean;
type Searching = Driver & Required<Pick<Driver, "scan" | "search">>;

const exactly: Finds = (value, path, json) => textOf(valueAt(value, path)) === json;

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : toJson(value);
}

/** A driver that searches by looking at each entry, as `finds` says. */
function searching(finds: Finds = exactly): Searching {
  const memory = memoryDriver();
  const scan = (type: string, page: Page): Promise<EntryPage> => {
    if (!memory.scan) throw new Error("The memory driver scans");
    return memory.scan(type, page);
  };
  return {
    ...memory,
    scan,
    capabilities: { ...memory.capabilities, search: true },
    async search(type, criteria, page) {
      const { entries, cursor } = await scan(type, page);
      const isFound = ({ json }: StoredEntry) =>
        criteria.every((criterion) => finds(JSON.parse(json), criterion.path, criterion.json));
      return { entries: entries.filter(isFound), cursor };
    },
  };
}

/** One whose pages of a search are changed on their way out. */
function paging(change: (page: EntryPage, asked: Page) => EntryPage): Driver {
  const good = searching();
  return {
    ...good,
    search: async (type, criteria, page) => change(await good.search(type, criteria, page), page),
  };
}

/** One whose index holds each entry as it was at some moment. */
function indexing(isKept: (old: string | undefined, json: string) => boolean): Driver {
  const indexed = new Map<string, string>();
  const good = searching();
  return {
    ...good,
    async write(type, writes) {
      for (const { id, json } of writes) {
        if (!isKept(indexed.get(id), json)) indexed.set(id, json);
      }
      return good.write(type, writes);
    },
    async search(type, criteria, page) {
      const { entries, cursor } = await good.scan(type, page);
      const isFound = ({ id }: StoredEntry) =>
        criteria.every(({ path, json }) =>
          exactly(JSON.parse(indexed.get(id) ?? "null"), path, json),
        );
      return { entries: entries.filter(isFound), cursor };
    },
  };
}

/** One that goes on showing what it has once shown. */
function remembering(isShown: (entry: StoredEntry) => boolean): Driver {
  const seen = new Map<string, StoredEntry>();
  const good = searching();
  return {
    ...good,
    async write(type, writes) {
      for (const write of writes) if (isShown(write)) seen.set(write.id, write);
      return good.write(type, writes);
    },
    async search(type, criteria, page) {
      const { entries, cursor } = await good.search(type, criteria, page);
      const others = [...seen.values()].filter(({ json }) =>
        criteria.every((criterion) => exactly(JSON.parse(json), criterion.path, criterion.json)),
      );
      return { entries: cursor === null ? [...entries, ...others] : entries, cursor };
    },
  };
}

const at = "search › finds the entries with a value at a path, as they were written";
const scalars = "search › finds values of every scalar type, and of any length";
const pages = "search › goes by pages of about the limit, and comes to an end";

/** Drivers that are wrong in one way each, and the test that notices. */
const faults: readonly [what: string, noticedBy: string, open: () => Driver][] = [
  [
    "takes a dotted path for a name",
    at,
    () => searching((value, path, json) => textOf(Object(value)[path]) === json),
  ],
  ["finds nothing", at, () => searching(() => false)],
  [
    "misses a name with a full stop",
    "search › finds a property whose name is the whole path",
    () =>
      searching((value, path, json) => {
        const found = path.split(".").reduce((inner, name) => Object(inner)[name], value);
        return textOf(found) === json;
      }),
  ],
  [
    "looks for numbers among texts",
    scalars,
    () =>
      searching((value, path, json) => {
        const wanted: unknown = JSON.parse(json);
        return valueAt(value, path) === (typeof wanted === "number" ? String(wanted) : wanted);
      }),
  ],
  [
    "takes null for missing",
    scalars,
    () => searching((value, path, json) => json !== "null" && exactly(value, path, json)),
  ],
  [
    "indexes no long values",
    scalars,
    () => searching((value, path, json) => json.length < 255 && exactly(value, path, json)),
  ],
  [
    "looks for the second criterion only where the first is not met",
    "search › finds what meets two criteria",
    () => {
      const good = searching();
      return {
        ...good,
        search: async (type, criteria, page) =>
          criteria.length > 1 ? { entries: [], cursor: null } : good.search(type, criteria, page),
      };
    },
  ],
  [
    "refuses an object where it expects a scalar",
    "search › stores what has objects and arrays where a scalar is looked for",
    () => {
      const good = searching();
      return {
        ...good,
        async write(type, writes) {
          const results = await good.write(type, writes);
          return results.map((result, i) =>
            typeof valueAt(JSON.parse(writes[i]?.json ?? ""), "tag") === "object"
              ? new Error("No scalar")
              : result,
          );
        },
      };
    },
  ],
  [
    "does not change its index",
    "search › follows a value that changes",
    () => indexing((old) => old !== undefined),
  ],
  [
    "shows what was deleted",
    "search › does not show what was deleted",
    () => remembering(({ expiresAt }) => expiresAt !== null),
  ],
  [
    "shows what has expired",
    "search › does not show what has expired, but what was touched in time",
    () => remembering(({ expiresAt }) => expiresAt !== null),
  ],
  [
    "leaves out members of the second page",
    pages,
    () =>
      paging(({ entries, cursor }, asked) => ({
        entries: asked.cursor === null ? entries : entries.slice(1),
        cursor,
      })),
  ],
  ["knows one page only", pages, () => paging(({ entries }) => ({ entries, cursor: null }))],
  [
    "comes to no end",
    pages,
    () => paging(({ entries, cursor }) => ({ entries, cursor: cursor ?? "0" })),
  ],
  [
    "declares a search that it has not",
    "capabilities › have their methods, and undeclared ones have none",
    () => {
      const { search: _, ...others } = searching();
      return others;
    },
  ],
];

function outcome(name: string, open: () => Driver): Promise<"passed" | "failed"> {
  const register = (runner: Parameters<typeof testDriver>[0]) =>
    testDriver(runner, { seed: 1, open: async () => open() });
  return outcomeOf(register, `driver contract › ${name}`);
}

describe("the driver contract, of search", () => {
  const names = [...new Set(faults.map(([, noticedBy]) => noticedBy))];

  it.concurrent.each(names)("lets a good driver pass: %s", async (name) => {
    expect(await outcome(name, () => searching())).toBe("passed");
  });

  it.concurrent.each(faults)("catches a driver that %s: %s", async (_what, noticedBy, open) => {
    expect(await outcome(noticedBy, open)).toBe("failed");
  });

  it("has a faulty driver for each test of search", () => {
    const registered: string[] = [];
    const path: string[] = [];
    testDriver(
      {
        describe(title, body) {
          path.push(title);
          body();
          path.pop();
        },
        it: (title) => registered.push([...path.slice(1), title].join(" › ")),
      },
      { open: async () => searching() },
    );
    const ofSearch = registered.filter((name) => name.startsWith("search"));

    expect(names.filter((name) => name.startsWith("search")).toSorted()).toEqual(
      ofSearch.toSorted(),
    );
  });
});
