import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Value } from "../../src/databank/json.js";
import { type MergeInput, merge } from "../../src/store/merge.js";

const fields = (value: object) => new Map(Object.entries(value) as [string, Value][]);

function merged({ base, mine, theirs }: { base: object; mine: object; theirs: object }) {
  const result = merge({ base: fields(base), mine: fields(mine), theirs: fields(theirs) });
  return { value: Object.fromEntries(result.fields), conflicts: result.conflicts };
}

describe("merge", () => {
  it("keeps what only I changed and what only they changed", () => {
    const { value, conflicts } = merged({
      base: { a: 1, b: 1, c: 1 },
      mine: { a: 2, b: 1, c: 1 },
      theirs: { a: 1, b: 2, c: 1 },
    });

    expect(value).toEqual({ a: 2, b: 2, c: 1 });
    expect(conflicts).toEqual([]);
  });

  it("keeps deletions of both sides", () => {
    const { value } = merged({ base: { a: 1, b: 1 }, mine: { b: 1 }, theirs: { a: 1 } });

    expect(value).toEqual({});
  });

  it("lets mine stand where both changed the same key, and says so", () => {
    const { value, conflicts } = merged({ base: { a: 1 }, mine: { a: 2 }, theirs: { a: 3 } });

    expect(value).toEqual({ a: 2 });
    expect(conflicts).toEqual([{ key: "a", kept: "mine" }]);
  });

  it("sees no conflict where both made the same change", () => {
    const { conflicts } = merged({
      base: { a: 1 },
      mine: { a: { x: 1, y: 2 } },
      theirs: { a: { y: 2, x: 1 } },
    });

    expect(conflicts).toEqual([]);
  });

  it.each([
    ["deletion", {}],
    ["null", { user: null }],
  ])("lets their %s beat my change", (_what, theirs) => {
    const { value, conflicts } = merged({ base: { user: 1 }, mine: { user: 2 }, theirs });

    expect(value).toEqual(theirs);
    expect(conflicts).toEqual([{ key: "user", kept: "theirs" }]);
  });

  it("lets my deletion beat their change", () => {
    const { value } = merged({ base: { user: 1 }, mine: {}, theirs: { user: 2 } });

    expect(value).toEqual({});
  });

  it("does not merge inside a property", () => {
    const { value } = merged({
      base: { cart: { a: 1 } },
      mine: { cart: { a: 1, b: 1 } },
      theirs: { cart: { c: 1 } },
    });

    expect(value).toEqual({ cart: { a: 1, b: 1 } });
  });

  it("does not delete what an earlier merge stored and my session has never seen", () => {
    const { value } = merged({
      base: { mine: 1 },
      mine: { mine: 2 },
      theirs: { mine: 1, theirs: 1 },
    });

    expect(value).toEqual({ mine: 2, theirs: 1 });
  });

  it("asks resolve, except about their deletion", () => {
    const asked: unknown[] = [];
    const input: MergeInput = {
      base: fields({ n: 1, user: 1 }),
      mine: fields({ n: 3, user: 2 }),
      theirs: fields({ n: 6 }),
      resolve: (...args) => {
        asked.push(args);
        return 8;
      },
    };

    const { fields: result, conflicts } = merge(input);

    expect(asked).toEqual([["n", 1, 3, 6]]);
    expect(Object.fromEntries(result)).toEqual({ n: 8 });
    expect(conflicts).toEqual([
      { key: "n", kept: "resolved" },
      { key: "user", kept: "theirs" },
    ]);
  });

  it("asks resolve about the same change too: who counts has counted twice", () => {
    const { fields: result } = merge({
      base: fields({ n: 1, user: 1, a: 1 }),
      mine: fields({ n: 2, user: null }),
      theirs: fields({ n: 2, user: null }),
      resolve: (key, base, mine, theirs) => {
        expect(key).toBe("n");
        return Number(theirs) + Number(mine) - Number(base);
      },
    });

    expect(Object.fromEntries(result)).toEqual({ n: 3, user: null });
  });

  it("treats __proto__ as a property like any other", () => {
    const mine = new Map<string, Value>([["__proto__", { polluted: true }]]);
    const { fields: result } = merge({
      base: new Map(),
      mine,
      theirs: fields({ a: 1 }),
    });

    expect([...result.keys()]).toEqual(["a", "__proto__"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  const session = fc.dictionary(
    fc.constantFrom("a", "b", "c", "d"),
    fc.constantFrom<Value>(0, 1, "x", false, { n: 1 }),
    { noNullPrototype: true },
  );

  it("never loses a change of mine to a key that they left alone, and the reverse", () => {
    fc.assert(
      fc.property(session, session, session, (base, mine, theirs) => {
        const { value } = merged({ base, mine, theirs });
        for (const key of ["a", "b", "c", "d"]) {
          const same = (x: Record<string, Value>, y: Record<string, Value>) =>
            JSON.stringify(x[key]) === JSON.stringify(y[key]);
          if (same(base, theirs)) expect(value[key]).toEqual(mine[key]);
          if (same(base, mine)) expect(value[key]).toEqual(theirs[key]);
        }
      }),
    );
  });
});
