// The contract of the built SQLite driver on the SQLite of the Node that runs this, by node:test.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Databank } from "connect-databank/databank";
import { sqliteDriver } from "connect-databank/drivers/sqlite";
import { testDriver } from "connect-databank/testing";

const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
const dir = await mkdtemp(join(tmpdir(), "sqlite-contract-"));
after(() => rm(dir, { recursive: true }));

async function connected(driver, schema) {
  await driver.connect(schema);
  return driver;
}

describe("in a file", () => {
  const url = `sqlite:${join(dir, "file.db")}`;
  testDriver({ describe, it }, { open: (schema) => connected(sqliteDriver({ url }), schema) });
});

describe("in a database object of one's own", () => {
  const database = new DatabaseSync(join(dir, "own.db"));
  after(() => database.close());
  testDriver({ describe, it }, { open: (schema) => connected(sqliteDriver({ database }), schema) });
});

it("keeps NUL wherever it stands, which this SQLite may cut texts at", async () => {
  const text = "\0a\0b\0";
  const bank = new Databank(sqliteDriver({ url: "sqlite::memory:" }), {
    schema: { [text]: { indices: [text] } },
  });
  const value = { [text]: text };

  await bank.create(text, text, value);
  await bank.create(text, "\0", {});
  const found = [];
  for await (const { id } of bank.search(text, value)) found.push(id);
  const scanned = [];
  for await (const { id } of bank.scan(text)) scanned.push(id);

  assert.deepEqual(await bank.read(text, text), value);
  assert.deepEqual(found, [text]);
  assert.deepEqual(scanned.sort(), ["\0", text]);
  await bank.disconnect();
});
