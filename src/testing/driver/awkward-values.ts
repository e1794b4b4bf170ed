import assert from "node:assert/strict";
import type { Driver } from "../../databank/driver.js";
import { assertConflict, assertEntry, assertStored } from "./assertions.js";
import { read, readAll, store, touch, write } from "./calls.js";
import { HOUR_MS } from "./deadlines.js";
import { change, entry } from "./entries.js";
import { scan } from "./listing.js";
import { Random, randomValue } from "./random.js";
import type { Subject, Suite } from "./suite.js";

const MEGABYTE = 1_000_000;

const nested = (depth: number, open: string, close: string) =>
  open.repeat(depth) + close.repeat(depth);

/** Values as JSON text that some database, or some way to store JSON in it, does not keep. */
const VALUES: Readonly<Record<string, string>> = {
  false: "false",
  true: "true",
  null: "null",
  "an empty string": '""',
  zero: "0",
  "negative zero": "-0",
  "negative zeros inside": '{"a":-0,"b":[-0,0]}',
  "an empty array": "[]",
  "an empty object": "{}",
  "an array of null": "[null]",
  "nulls in objects": '{"a":null,"b":{"c":null}}',
  "mixed arrays": '[1,"1",true,null,[[]],{"a":[]}]',
  "nested arrays": "[[1,[2,[3]]],[[]]]",
  "big and small numbers": "[1e308,-1e308,5e-324,1.7976931348623157e308,2.2250738585072014e-308]",
  "whole numbers at the edges":
    "[9007199254740991,-9007199254740991,9007199254740993,2147483648,4294967296,18446744073709552000]",
  "fractions to the last digit": "[0.1,0.30000000000000004,1.1,123456789.12345679,1e21,1e-7]",
  "strings like numbers": '["1","01","1e3","-0","NaN","true","null"]',
  "strings like dates": '"2020-01-01T00:00:00.000Z"',
  "strings with quotes": JSON.stringify('"\'`\\ \\" \b\f\n\r\t /'),
  "escaped NUL": JSON.stringify({ "a\0b": "\0", c: ["x\0y\0"] }),
  "escaped lone surrogates": JSON.stringify({ "\ud800": "\udc00", a: "x\ud83d" }),
  "every plane of Unicode": JSON.stringify("aé漢😀\u2028\u2029\ufeff\uffff\u0080\u{10ffff}"),
  "composed and decomposed letters": JSON.stringify({ é: 1, "e\u0301": 2 }),
  "keys that only case tells apart": '{"a":1,"A":2}',
  "an empty key": '{"":{"":""}}',
  "dots and dollars in keys": '{"a.b":1,"$set":{"$gt":""},".":0,"a":{"b":2},"$":1,"a$b":3}',
  "keys like numbers": '{"2":"b","1":"a","01":"c","-1":"d"}',
  "__proto__ and its kin": '{"__proto__":{"x":1},"constructor":{"prototype":{}},"toString":1}',
  "names that drivers use":
    '{"_id":1,"id":2,"json":3,"version":4,"expiresAt":5,"type":6,"value":7}',
  "long keys": JSON.stringify({ ["k".repeat(5000)]: 1 }),
  "many keys": JSON.stringify(
    Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`k${i}`, i])),
  ),
  "deep arrays": nested(500, "[", "]"),
  "deep objects": `${'{"a":'.repeat(500)}1${"}".repeat(500)}`,
};

export function testAwkwardValues(suite: Suite): void {
  for (const [name, json] of Object.entries(VALUES)) {
    const fits = (driver: Driver) => isWithinLimit(driver, json);
    const body = async ({ driver, type }: Subject) => {
      const created = entry("a", { json, if: "absent" });
      const changed = change(created, created.version, { json: "1" });
      const restored = change(changed, changed.version, { json });

      await store(driver, type, [created]);
      await assertStored(driver, type, created);
      await store(driver, type, [changed]);
      await assertStored(driver, type, changed);
      await store(driver, type, [restored]);
      await touch(driver, type, [{ id: "a", expiresAt: Date.now() + 2 * HOUR_MS }]);

      const found = await read(driver, type, "a");
      assert.deepEqual(JSON.parse(found?.json ?? ""), JSON.parse(json));
    };
    suite.test(`keeps ${name}`, body, fits);
  }

  const all = (driver: Driver) =>
    Object.entries(VALUES)
      .filter(([, json]) => isWithinLimit(driver, json))
      .map(([id, json]) => entry(id, { json }));

  suite.test("keeps all of them in one batch", async ({ driver, type }) => {
    const written = all(driver);
    await store(driver, type, written);

    const found = await readAll(
      driver,
      type,
      written.map(({ id }) => id),
    );

    for (const [i, each] of written.entries()) assertEntry(driver, found[i], each);
  });

  suite.test("tells all of them in conflicts", async ({ driver, type }) => {
    const written = all(driver);
    await store(driver, type, written);

    const results = await write(
      driver,
      type,
      written.map(({ id }) => entry(id, { if: "absent" })),
    );

    for (const [i, each] of written.entries()) assertConflict(driver, results[i], each);
  });

  suite.test(
    "shows all of them in a scan",
    async ({ driver, type }) => {
      const written = all(driver);
      await store(driver, type, written);

      const shown = new Map((await scan(driver, type)).map((each) => [each.id, each]));

      assert.equal(shown.size, written.length);
      for (const each of written) assertEntry(driver, shown.get(each.id), each);
    },
    ({ capabilities }) => capabilities.scan,
  );

  suite.test("keeps a megabyte, or as much as the driver declares", async ({ driver, type }) => {
    const size = Math.min(MEGABYTE, driver.capabilities.maxValueBytes ?? MEGABYTE);
    const written = entry("a", { json: JSON.stringify(`é\0😀"`.repeat(size).slice(0, size / 8)) });
    const plain = entry("b", { json: JSON.stringify("x".repeat(size - 2)) });

    await store(driver, type, [written, plain]);

    await assertStored(driver, type, written);
    await assertStored(driver, type, plain);
  });

  suite.test("keeps random values", async ({ driver, type }) => {
    const { scale, seed } = suite.options;
    const random = new Random(seed);
    const written = Array.from({ length: scale }, (_, i) =>
      entry(`${i}`, { json: JSON.stringify(randomValue(random)) }),
    ).filter(({ json }) => isWithinLimit(driver, json));
    await store(driver, type, written);

    const found = await readAll(
      driver,
      type,
      written.map(({ id }) => id),
    );

    for (const [i, { json }] of written.entries()) {
      const message = `value ${i} of seed ${seed}`;
      assert.deepEqual(JSON.parse(found[i]?.json ?? ""), JSON.parse(json), message);
    }
  });
}

function isWithinLimit({ capabilities }: Driver, json: string): boolean {
  const { maxValueBytes } = capabilities;
  return maxValueBytes === null || Buffer.byteLength(json) <= maxValueBytes;
}
