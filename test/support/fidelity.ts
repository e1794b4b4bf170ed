import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect } from "vitest";
import type { Databank } from "../../src/databank/databank.js";
import type { Value } from "../../src/databank/json.js";

const AWKWARD = [
  "",
  " ",
  "a ",
  "A",
  "a",
  "ä",
  "a\u0308",
  "a:b",
  "a.b",
  "a/b",
  "../a",
  "a%62",
  "$where",
  "%",
  "_",
  "'",
  '"',
  "\\",
  "\0",
  "a\0b",
  "\ud800",
  "\udc00\ud800",
  "\uffff",
  "😀",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "null",
  "0",
  "-0",
  "CON",
  "x".repeat(300),
  "é".repeat(200),
];

// Any UTF-16 code units: names with NUL and with half of a surrogate pair.
const codeUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
const texts = fc.oneof(fc.constantFrom(...AWKWARD), fc.string({ unit: "grapheme" }), codeUnits);
const numbers = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 0, 1e21, 5e-324, 2 ** 53 + 2, -1e308),
);
const { value: values } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom(null, true, false),
    numbers,
    texts,
    fc.array(tie("value"), { maxLength: 4 }),
    // Its properties are defined, so that "__proto__" is one of them.
    fc.array(fc.tuple(texts, tie("value")), { maxLength: 4 }).map(Object.fromEntries),
  ),
}));

/**
 * Expects a databank to give back every value as it was, under every id, and to keep ids and types
 * apart, however much alike they are.
 *
 * @param openBank - Called once; the databank is disconnected at the end.
 */
export async function expectFidelity(
  openBank: () => Databank | Promise<Databank>,
  { runs = process.env.FULL ? 10_000 : 300 }: { readonly runs?: number } = {},
): Promise<void> {
  const bank = await openBank();
  const prefix = `fidelity-${process.hrtime.bigint()}`;
  try {
    await fc.assert(
      fc.asyncProperty(texts, values, (id, value) => keepsValue(bank, prefix, id, value)),
      { numRuns: runs },
    );
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(texts, { minLength: 1, maxLength: 12 }), (ids) =>
        keepsIdsApart(bank, `${prefix}-ids`, ids),
      ),
      { numRuns: Math.ceil(runs / 10) },
    );
    await keepsTypesApart(bank, prefix);
  } finally {
    await bank.disconnect();
  }
}

async function keepsValue(
  bank: Databank,
  type: string,
  id: string,
  value: Value,
): Promise<boolean> {
  const saved = await bank.save<Value>(type, id, value);
  const read = await bank.read(type, id);
  return isDeepStrictEqual(saved, value) && isDeepStrictEqual(read, value);
}

async function keepsIdsApart(bank: Databank, type: string, ids: readonly string[]): Promise<void> {
  const expected = Object.fromEntries(ids.map((id, i) => [id, { i }]));
  await Promise.all(ids.map((id, i) => bank.create<Value>(type, id, { i })));
  try {
    expect(isDeepStrictEqual(await bank.readAll(type, ids), expected)).toBe(true);
    if (bank.capabilities?.scan) {
      const found = new Set<string>();
      for await (const { id } of bank.scan(type)) found.add(id);
      expect([...found].sort()).toEqual([...ids].sort());
    }
  } finally {
    await Promise.all(ids.map((id) => bank.del(type, id)));
  }
  expect(Object.values(await bank.readAll(type, ids))).toEqual(ids.map(() => null));
}

async function keepsTypesApart(bank: Databank, prefix: string): Promise<void> {
  const addresses = [
    [`${prefix}a`, "b:c"],
    [`${prefix}a:b`, "c"],
    [`${prefix}a`, ""],
    [`${prefix}a:`, ""],
    [`${prefix}A`, "b:c"],
    [`${prefix}a `, "b:c"],
    [`${prefix}a.b`, "c"],
    [`${prefix}a/b`, "c"],
    [`${prefix}a\0b`, "c"],
    [`${prefix}\ud800`, "c"],
    [`${prefix}\udc00`, "c"],
  ] as const;
  await Promise.all(addresses.map(([type, id], i) => bank.create<Value>(type, id, i)));
  const read = await Promise.all(addresses.map(([type, id]) => bank.read(type, id)));
  expect(read).toEqual(addresses.map((_, i) => i));
  await Promise.all(addresses.map(([type, id]) => bank.del(type, id)));
}
