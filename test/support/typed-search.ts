import { expect } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type { Driver } from "../../src/databank/driver.js";
import { collect } from "./collect.js";

const VALUES: Record<string, unknown> = {
  number: { user: { id: 1 } },
  text: { user: { id: "1" } },
  true: { user: { id: true } },
  null: { user: { id: null } },
  missing: { user: {} },
  object: { user: { id: { b: 2, a: 1 } } },
  array: { user: { id: [1, 2] } },
  zero: { user: { id: 0 } },
  minus: { user: { id: -0 } },
  literal: { "user.id": 1 },
  "literal null": { "user.id": null, user: { id: 1 } },
  quote: { user: { id: "it's \"\\ \0 \ud800 ü" } },
  long: { user: { id: "ü".repeat(500) } },
  "as long": { user: { id: `${"ü".repeat(499)}x` } },
  text_value: "user.id",
};

/** Expects searches to tell types apart, on a database that gives entries in order of their ids. */
export async function expectTypedSearch(driver: Driver): Promise<void> {
  const bank = new Databank(driver, { schema: { session: { indices: ["user.id"] } } });
  for (const [id, value] of Object.entries(VALUES)) await bank.save("session", id, value);
  const search = async (id: unknown) => {
    const found = await collect(bank.search("session", { "user.id": id }));
    return found.map((each) => each.id);
  };

  expect(await search(1)).toEqual(["literal", "number"]);
  expect(await search("1")).toEqual(["text"]);
  expect(await search(true)).toEqual(["true"]);
  expect(await search(false)).toEqual([]);
  expect(await search(null)).toEqual(["literal null", "null"]);
  expect(await search({ a: 1, b: 2 })).toEqual(["object"]);
  expect(await search([1, 2])).toEqual(["array"]);
  expect(await search([2, 1])).toEqual([]);
  expect(await search(0)).toEqual(["zero"]);
  expect(await search(-0)).toEqual(["minus"]);
  expect(await search("it's \"\\ \0 \ud800 ü")).toEqual(["quote"]);
  expect(await search("ü".repeat(500))).toEqual(["long"]);
  await bank.disconnect();
}
