import { randomUUID } from "node:crypto";
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import type {
  Criterion,
  Driver,
  EntryPage,
  Schema,
  StoredEntry,
  Write,
} from "../../src/databank/driver.js";
import { keyOf } from "../../src/drivers/dynamodb/key.js";
import { type DynamodbClient, dynamodbDriver } from "../../src/drivers/dynamodb.js";
import { clear, count } from "../../src/testing/driver/listing.js";
import { change, entry, HOUR_MS } from "../support/entry.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer } from "../support/servers.js";
import { clientFor, named, type Tap, tableUrl, tapped } from "./dynamodb-table.js";

const BY_USER: Schema = { session: { indices: ["user.id"] } };

const asItIs = ({ if: _condition, extend: _extend, ...stored }: Write) => stored;
const newTable = () => `test-${randomUUID()}`;
const owned = (id: string, user: unknown, more: Partial<Write> = {}) =>
  entry(id, { json: JSON.stringify({ user: { id: user } }), ...more });

async function connected(
  client: DynamodbClient,
  table: string,
  schema: Schema = {},
): Promise<Driver> {
  const driver = dynamodbDriver({ client, table });
  await driver.connect(schema);
  return driver;
}

/** The ids of all that a search of the driver gives, page by page. */
async function search(driver: Driver, user: unknown, limit = 100): Promise<readonly string[]> {
  const criteria: Criterion[] = [{ path: "user.id", json: JSON.stringify(user) }];
  const found: StoredEntry[] = [];
  let cursor: string | null = null;
  do {
    const page: EntryPage | undefined = await driver.search?.("session", criteria, {
      limit,
      cursor,
    });
    found.push(...(page?.entries ?? []));
    cursor = page?.cursor ?? null;
  } while (cursor !== null);
  const key = JSON.stringify({ user: { id: user } });
  return found.filter(({ json }) => json === key).map(({ id }) => id);
}

describeServer("DYNAMODB_URL", (url) => {
  let client: DynamoDBClient;
  beforeAll(() => {
    client = clientFor(url);
  });
  afterAll(() => client.destroy());

  testServerDriver({
    name: "dynamodb",
    url,
    place: tableUrl,
    driver: (to) => dynamodbDriver({ url: to }),
    server: "dynamodb",
  });

  describe("the table", () => {
    it("is made for payment by request, with an index for each path", async () => {
      const table = newTable();
      await connected(client, table, {
        session: { indices: ["user.id", "größe"] },
        other: { indices: ["user.id"] },
      });

      const { Table } = await client.send(new DescribeTableCommand({ TableName: table }));
      expect(Table?.BillingModeSummary?.BillingMode).toBe("PAY_PER_REQUEST");
      expect(Table?.KeySchema).toEqual([
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ]);
      const indexes = Table?.GlobalSecondaryIndexes ?? [];
      expect(indexes.map(({ IndexName }) => IndexName).sort()).toEqual([
        expect.stringMatching(/^index-[\w-]{43}$/),
        "index.user.id",
      ]);
      expect(indexes[0]?.Projection).toMatchObject({ ProjectionType: "KEYS_ONLY" });
    });

    it("gets its time to live", async () => {
      const asked: unknown[] = [];
      const tap: Tap = async (operation, input, pass) => {
        if (operation !== "UpdateTimeToLive") return pass();
        asked.push(input);
        // As it is for all but one of those that start together.
        throw named("ValidationException");
      };
      const table = newTable();
      await connected(tapped(client, tap), table);

      expect(asked).toEqual([
        {
          TableName: table,
          TimeToLiveSpecification: { Enabled: true, AttributeName: "ttl" },
        },
      ]);
    });

    it("is waited for, and somebody else may make it first", async () => {
      let left = 2;
      const tap: Tap = async (operation, _input, pass) => {
        if (operation === "CreateTable") {
          await pass();
          throw named("ResourceInUseException");
        }
        if (operation === "DescribeTable" && left-- > 0) throw named("ResourceNotFoundException");
        return pass();
      };
      const driver = await connected(tapped(client, tap), newTable());

      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
    });

    it("is not made where that is not wanted, and is asked for", async () => {
      const table = newTable();
      const tap = tapped(client);
      const driver = dynamodbDriver({ client: tap, table, createTable: false });

      await expect(driver.connect({})).rejects.toThrow(`has no table ${table}`);
      expect(tap.operations).toEqual(["DescribeTable"]);
      await connected(client, table);
      await driver.connect({});
      expect(await driver.write("session", [entry("a")])).toEqual(["done"]);
    });

    it("is refused where it belongs to something else", async () => {
      const table = newTable();
      await client.send(
        new CreateTableCommand({
          TableName: table,
          BillingMode: "PAY_PER_REQUEST",
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
        }),
      );

      await expect(connected(client, table)).rejects.toMatchObject({
        code: "DATABANK_INVALID_OPTION",
        message: expect.stringContaining(table),
      });
    });
  });

  describe("an item", () => {
    let table: string;
    let driver: Driver;
    beforeAll(async () => {
      table = newTable();
      driver = await connected(client, table, BY_USER);
    });

    const raw = async (id: string) => {
      const { pk, sk } = keyOf("session", id);
      const command = new GetItemCommand({
        TableName: table,
        Key: { pk: { S: pk }, sk: { S: sk } },
      });
      return (await client.send(command)).Item;
    };

    it("shows what it is, and when DynamoDB may delete it", async () => {
      const written = owned("a", 7);
      await driver.write("session", [written]);

      expect(await raw("a")).toEqual({
        pk: { S: expect.stringMatching(/^session#\d+$/) },
        sk: { S: "a" },
        version: { S: written.version },
        createdAt: { N: `${written.createdAt}` },
        expiresAt: { N: `${written.expiresAt}` },
        ttl: { N: `${Math.ceil(((written.expiresAt ?? 0) + 600_000) / 1000)}` },
        value: { S: written.json },
        "index.user.id": { S: expect.stringMatching(/^[\w-]{43}$/) },
      });
    });

    it("has no time to live where it lives for ever, and has one again", async () => {
      const expiresAt = Date.now() + HOUR_MS;
      await driver.write("session", [entry("b", { expiresAt: null }), entry("c")]);
      await driver.touch("session", [{ id: "c", expiresAt: null }]);

      for (const id of ["b", "c"]) expect(await raw(id)).not.toHaveProperty("ttl");
      await driver.write("session", [entry("c", { if: "present", expiresAt })]);
      expect(await raw("c")).toMatchObject({ ttl: { N: `${Math.ceil(expiresAt / 1000) + 600}` } });
      await driver.touch("session", [{ id: "c", expiresAt: expiresAt + 5000 }]);
      expect(await raw("c")).toMatchObject({ ttl: { N: `${Math.ceil(expiresAt / 1000) + 605}` } });
    });

    it("is one of many partitions of its type", async () => {
      const ids = Array.from({ length: 400 }, () => randomUUID());
      const partitions = new Set(ids.map((id) => keyOf("session", id).pk));

      expect(partitions.size).toBe(8);
      expect(keyOf("session", "a").pk).toBe("session#0");
    });

    it("is taken for missing where it makes no sense, and told about", async () => {
      const reports: unknown[] = [];
      driver.onCorrupt = (report) => reports.push(report);
      const odd = [
        {},
        { version: { S: "a.b" }, value: { N: "7" } },
        { version: { S: "a.b" }, value: { S: "7" } },
        { version: { S: "a.b" }, value: { S: "7" }, createdAt: { N: "1" }, expiresAt: { S: "x" } },
      ];
      const intact = entry("intact");
      await driver.write("odd", [intact]);
      for (const [i, attributes] of odd.entries()) {
        const { pk, sk } = keyOf("odd", `${i}`);
        const Item = { pk: { S: pk }, sk: { S: sk }, ...attributes };
        await client.send(new PutItemCommand({ TableName: table, Item }));
      }
      const ids = odd.map((_, i) => ({ id: `${i}` }));

      expect(await driver.read("odd", ids)).toEqual(odd.map(() => null));
      expect(reports).toEqual(odd.map(() => ({ type: "odd", cause: expect.any(Error) })));
      const page = await driver.scan?.("odd", { limit: 100, cursor: null });
      expect(page?.entries).toEqual([asItIs(intact)]);
      const written = ids.map(({ id }) => entry(id, { if: "absent" }));
      expect(await driver.write("odd", written)).toEqual(odd.map(() => "done"));
      expect(await driver.read("odd", ids)).toEqual(written.map(asItIs));
    });

    it("is not confused with one whose id has the same hash", async () => {
      const [mine, other] = ["x".repeat(2000), "y".repeat(2000)];
      await driver.write("session", [entry(other)]);
      const { pk, sk } = keyOf("session", mine);
      const Item = { ...(await raw(other)), pk: { S: pk }, sk: { S: sk } };
      await client.send(new PutItemCommand({ TableName: table, Item }));

      expect(await driver.read("session", [{ id: mine }])).toEqual([null]);
    });

    it("cannot have more than 400 KB, and spoils no other when it has", async () => {
      const json = JSON.stringify("x".repeat(380 * 1024 - 2));

      for (const condition of [undefined, "absent"]) {
        const results = await driver.write("large", [
          entry("a", { json, ...(condition && { if: condition }) }),
          entry("b".repeat(40_000), { json, ...(condition && { if: condition }) }),
          entry("c", { json: `${json} `, ...(condition && { if: condition }) }),
          entry("d", { ...(condition && { if: condition }) }),
        ]);

        const tooLarge = expect.objectContaining({ code: "DATABANK_VALUE_TOO_LARGE" });
        expect(results).toEqual(["done", tooLarge, tooLarge, "done"]);
        await clear(driver, "large");
      }
    });
  });

  describe("a batch", () => {
    let table: string;
    beforeAll(async () => {
      table = newTable();
      await connected(client, table, BY_USER);
    });

    it("goes by hundreds when it is read, and by 25 when nothing has to be known", async () => {
      const tap = tapped(client);
      const driver = await connected(tap, table);
      const written = Array.from({ length: 130 }, (_, i) => entry(`batch ${i}`));
      tap.operations.length = 0;

      await driver.write("session", written);
      const found = await driver.read("session", written);

      expect(found).toEqual(written);
      expect(tap.operations.filter((name) => name === "BatchWriteItem").length).toBe(6);
      expect(tap.operations.filter((name) => name === "BatchGetItem").length).toBe(2);
      expect(tap.operations.length).toBe(8);
    });

    it("is finished when DynamoDB leaves part of it undone", async () => {
      const tap: Tap = async (operation, input, pass) => {
        const [[name, request]] = Object.entries<never[] & { Keys: never[] }>(
          input.RequestItems ?? { "": [] },
        ) as [[string, never[] & { Keys: never[] }]];
        if (operation === "BatchWriteItem" && request.length > 3) {
          const later = request.splice(3);
          return { ...((await pass()) as object), UnprocessedItems: { [name]: later } };
        }
        if (operation === "BatchGetItem" && request.Keys.length > 5) {
          const later = request.Keys.splice(5);
          return { ...((await pass()) as object), UnprocessedKeys: { [name]: { Keys: later } } };
        }
        return pass();
      };
      const driver = await connected(tapped(client, tap), table);
      const written = Array.from({ length: 12 }, (_, i) => entry(`undone ${i}`));

      expect(await driver.write("session", written)).toEqual(written.map(() => "done"));
      expect(await driver.read("session", written)).toEqual(written);
    });

    it("is finished however long that takes, as long as there is progress", async () => {
      let asked = 0;
      const tap: Tap = async (operation, input, pass) => {
        if (operation !== "BatchGetItem") return pass();
        asked += 1;
        const [key, ...later] = input.RequestItems[table].Keys;
        const { Responses } = (await pass()) as { Responses: Record<string, (typeof key)[]> };
        const found = Responses[table]?.filter(({ sk }) => sk.S === key.sk.S);
        const left = later.length > 0 && { [table]: { Keys: later } };
        return { Responses: { [table]: found }, UnprocessedKeys: left || {} };
      };
      const driver = await connected(tapped(client, tap), table);
      const written = Array.from({ length: 12 }, (_, i) => entry(`slowly ${i}`));
      await driver.write("session", written);

      expect(await driver.read("session", written)).toEqual(written);
      expect(asked).toBe(12);
    });

    it("fails when that goes on for long", async () => {
      const tap: Tap = async (operation, input, pass) =>
        operation === "BatchGetItem" ? { UnprocessedKeys: input.RequestItems } : pass();
      const driver = await connected(tapped(client, tap), table);

      await expect(driver.read("session", [{ id: "a" }])).rejects.toThrow("too little capacity");
    });

    it("asks once for each write, touch and deletion on a condition that holds", async () => {
      const tap = tapped(client);
      const driver = await connected(tap, table);
      const created = entry("once", { if: "absent" });
      const changed = change(created, { extend: true });
      tap.operations.length = 0;

      await driver.write("session", [created]);
      await driver.write("session", [changed]);
      await driver.touch("session", [{ id: "once", expiresAt: Date.now() + 2 * HOUR_MS }]);
      await driver.del("session", [{ id: "once", if: changed.version }]);
      expect(await driver.del("session", [{ id: "once" }])).toEqual([false]);

      expect(tap.operations).toEqual([
        ...["PutItem", "PutItem", "UpdateItem", "DeleteItem", "DeleteItem"],
      ]);
    });

    it("needs no look at what a refusal tells", async () => {
      const current = entry("told");
      const tap = tapped(client, async (operation, input, pass) => {
        if (operation !== "PutItem") return pass();
        expect(input).toMatchObject({ ReturnValuesOnConditionCheckFailure: "ALL_OLD" });
        const { pk, sk } = input.Item;
        const command = new GetItemCommand({ TableName: table, Key: { pk, sk } });
        const { Item } = await client.send(command);
        return pass().catch(() => {
          throw named("ConditionalCheckFailedException", { Item });
        });
      });
      const driver = await connected(tap, table);
      await driver.write("session", [current]);
      tap.operations.length = 0;

      const refused = await driver.write("session", [entry("told", { if: "absent" })]);

      expect(refused).toEqual([{ conflict: current }]);
      expect(tap.operations).toEqual(["PutItem"]);
    });

    it("decides anew when somebody writes between its look and its write", async () => {
      const first = entry("between", { expiresAt: Date.now() + 5 * HOUR_MS });
      const theirs = change(first, { if: first.version, json: "1" });
      const other = await connected(client, table);
      await other.write("session", [first]);
      let isFirst = true;
      const tap = tapped(client, async (operation, _input, pass) => {
        const answer = await pass();
        if (operation === "BatchGetItem" && isFirst) {
          isFirst = false;
          await other.touch("session", [{ id: "between", expiresAt: null }]);
          await other.write("session", [{ ...theirs, extend: true }]);
        }
        return answer;
      });
      const driver = await connected(tap, table);

      // It extends a life that ends later, so it has to look first.
      const mine = change(first, { extend: true, expiresAt: Date.now() + HOUR_MS });
      const results = await driver.write("session", [mine]);

      expect(results).toEqual([{ conflict: { ...asItIs(theirs), expiresAt: null } }]);
    });

    it("keeps a deadline that is moved between its look and its write", async () => {
      const first = entry("moved", { expiresAt: Date.now() + 5 * HOUR_MS });
      const other = await connected(client, table);
      await other.write("session", [first]);
      let isFirst = true;
      const tap = tapped(client, async (operation, _input, pass) => {
        const answer = await pass();
        if (operation === "BatchGetItem" && isFirst) {
          isFirst = false;
          await other.touch("session", [{ id: "moved", expiresAt: null }]);
        }
        return answer;
      });
      const driver = await connected(tap, table);

      const mine = change(first, { extend: true, expiresAt: Date.now() + HOUR_MS });

      expect(await driver.write("session", [mine])).toEqual(["done"]);
      expect(await other.read("session", [{ id: "moved" }])).toEqual([
        { ...asItIs(mine), expiresAt: null },
      ]);
    });

    it("fails a member that others are always faster with", async () => {
      const tap = tapped(client, async (operation, _input, pass) => {
        if (operation === "UpdateItem") throw named("ConditionalCheckFailedException");
        return pass();
      });
      const driver = await connected(tap, table);
      await driver.write("session", [entry("slow")]);

      const [result] = await driver.touch("session", [
        { id: "slow", expiresAt: Date.now() + 2 * HOUR_MS },
      ]);

      expect(result).toMatchObject({ code: "DATABANK_CONFLICT" });
    });

    it("fails the members that it cannot look at, and no others", async () => {
      const tap = tapped(client, async (operation, _input, pass) => {
        if (operation === "BatchGetItem") throw named("ProvisionedThroughputExceededException");
        return pass();
      });
      const driver = await connected(tap, table);
      await driver.write("session", [entry("unseen")]);

      const results = await driver.write("session", [
        entry("unseen", { if: "absent" }),
        entry("needs no look", { if: "absent" }),
      ]);

      expect(results).toEqual([
        expect.objectContaining({ name: "ProvisionedThroughputExceededException" }),
        "done",
      ]);
    });

    it("fails no other when nothing has to be known", async () => {
      const tap = tapped(client, async (operation, input, pass) => {
        if (operation === "BatchWriteItem" && JSON.stringify(input).includes("other 3")) {
          throw named("ProvisionedThroughputExceededException");
        }
        return pass();
      });
      const driver = await connected(tap, table);
      const written = Array.from({ length: 60 }, (_, i) => entry(`other ${10 + i}`));

      const results = await driver.write("session", written);

      expect(results.map((result) => result === "done")).toEqual(written.map((_, i) => i >= 50));
      expect(await driver.read("session", written.slice(50))).toEqual(written.slice(50));
    });

    it("fails the members that a server has no capacity for, and no others", async () => {
      const tap = tapped(client, async (operation, input, pass) => {
        if (operation === "PutItem" && input.Item.sk.S === "busy") {
          throw named("ProvisionedThroughputExceededException");
        }
        return pass();
      });
      const driver = await connected(tap, table);

      const results = await driver.write("session", [
        entry("busy", { if: "absent" }),
        entry("idle", { if: "absent" }),
      ]);

      expect(results).toEqual([
        expect.objectContaining({ name: "ProvisionedThroughputExceededException" }),
        "done",
      ]);
    });
  });

  describe("a search", () => {
    it("goes by the index, and reads what it finds as it is now", async () => {
      const table = newTable();
      const gone = keyOf("session", "gone");
      const tap = tapped(client, async (_operation, input, pass) => {
        const answer = await pass();
        if (!input.IndexName) return answer;
        // Indexes lag behind: this one still has an entry that was deleted.
        const { Items } = answer as { Items: object[] };
        return { ...Object(answer), Items: [{ pk: { S: gone.pk }, sk: { S: gone.sk } }, ...Items] };
      });
      const driver = await connected(tap, table, BY_USER);
      await driver.write("session", [owned("a", 7), owned("b", "7"), owned("gone", 7)]);
      await driver.write("session", [owned("c", 7, { if: "absent" }), owned("d", { y: 1, x: 2 })]);
      await driver.write("other", [owned("e", 7)]);
      await driver.del("session", [{ id: "gone" }]);
      tap.operations.length = 0;

      expect([...(await search(driver, 7))].sort()).toEqual(["a", "c"]);
      expect(tap.operations).toEqual(["Query", "BatchGetItem"]);
      expect(await search(driver, "7")).toEqual(["b"]);
      expect(await search(driver, { y: 1, x: 2 })).toEqual(["d"]);
      const turned = [{ path: "user.id", json: '{"x":2,"y":1}' }];
      const page = await driver.search?.("session", turned, { limit: 10, cursor: null });
      expect(page?.entries.map(({ id }) => id)).toEqual(["d"]);
    });

    it("finds a property whose name is the whole path", async () => {
      const bank = new Databank(dynamodbDriver({ client, table: newTable() }), {
        schema: BY_USER,
      });
      await bank.save("session", "literal", { "user.id": 7, user: { id: 8 } });
      await bank.save("session", "nested", { user: { id: 7 } });
      const found: string[] = [];
      for await (const { id } of bank.search("session", { "user.id": 7 })) found.push(id);

      expect(found.sort()).toEqual(["literal", "nested"]);
      await bank.disconnect();
    });

    it("goes through all entries once, if there were any before the path was declared", async () => {
      const table = newTable();
      await connected(client, table, { other: BY_USER.session ?? {} });
      const before = await connected(client, table);
      await before.write("session", [owned("a", 7), owned("b", 8), entry("c")]);
      const tap = tapped(client);
      const driver = await connected(tap, table, BY_USER);
      await driver.write("session", [owned("d", 7)]);
      const indexed = () => tap.inputs.filter((input) => Object(input).IndexName).length;

      expect([...(await search(driver, 7, 2))].sort()).toEqual(["a", "d"]);
      expect(indexed()).toBe(0);
      tap.operations.length = 0;
      expect([...(await search(driver, 7, 1))].sort()).toEqual(["a", "d"]);
      expect(indexed()).toBeGreaterThanOrEqual(2);
      expect(tap.operations).not.toContain("UpdateItem");

      const later = tapped(client);
      const next = await connected(later, table, BY_USER);
      expect([...(await search(next, 7))].sort()).toEqual(["a", "d"]);
      expect(later.inputs.filter((input) => Object(input).IndexName).length).toBe(1);
    });

    it("does not bring an index up to date with a value that was replaced meanwhile", async () => {
      const table = newTable();
      await connected(client, table, { other: BY_USER.session ?? {} });
      const before = await connected(client, table);
      const first = owned("a", 7);
      await before.write("session", [first]);
      const tap = tapped(client, async (operation, _input, pass) => {
        if (operation === "UpdateItem") {
          await other.write("session", [change(first, { json: '{"user":{"id":8}}' })]);
        }
        return pass();
      });
      const driver = await connected(tap, table, BY_USER);
      const other = await connected(client, table, BY_USER);

      await search(driver, 7);

      expect(await search(driver, 7)).toEqual([]);
      expect(await search(driver, 8)).toEqual(["a"]);
    });

    it("does without an index that is not there yet, and asks for it", async () => {
      const table = newTable();
      await connected(client, table);
      const tap = tapped(client, async (operation, _input, pass) => {
        if (operation === "UpdateTable") throw named("LimitExceededException");
        return pass();
      });
      const driver = await connected(tap, table, BY_USER);
      await driver.write("session", [owned("a", 7), owned("b", 8)]);

      expect(await search(driver, 7)).toEqual(["a"]);
      const asked = tap.inputs[tap.operations.indexOf("UpdateTable")];
      expect(asked).toMatchObject({
        GlobalSecondaryIndexUpdates: [{ Create: { IndexName: "index.user.id" } }],
      });
    });
  });

  it("counts and deletes what does not fit into one answer", async () => {
    const table = newTable();
    const driver = await connected(client, table);
    const json = JSON.stringify("x".repeat(300_000));
    const written = Array.from({ length: 60 }, (_, i) => entry(`${i}`, { json }));
    await driver.write("large", written);

    expect(await count(driver, "large")).toBe(60);
    expect((await driver.read("large", written)).filter(Boolean).length).toBe(60);
    await clear(driver, "large");
    expect((await client.send(new ScanCommand({ TableName: table, Select: "COUNT" }))).Count).toBe(
      0,
    );
  });

  it("sees what was acknowledged: only an index is asked for what may be old", async () => {
    const tap = tapped(client);
    const driver = await connected(tap, newTable(), BY_USER);
    await driver.write("session", [owned("a", "ann")]);
    // One that is refused looks at what is there.
    await driver.write("session", [entry("a", { if: "absent" })]);
    await driver.read("session", [{ id: "a" }]);
    await driver.scan?.("session", { limit: 10, cursor: null });
    await count(driver, "session");
    await search(driver, "ann");
    await clear(driver, "session");

    const inputs = JSON.stringify(tap.inputs);
    const asked = tap.operations.flatMap((operation, i) => {
      const input = Object(tap.inputs[i]);
      if (operation === "Query" && !input.IndexName) return [input];
      return operation === "BatchGetItem" ? Object.values(input.RequestItems) : [];
    });
    expect(inputs).toContain("IndexName");
    expect(asked.length).toBeGreaterThan(20);
    for (const each of asked) expect(each).toMatchObject({ ConsistentRead: true });
  });

  describe("a connection", () => {
    it("leaves a client that it was given open", async () => {
      const tap = tapped(client);
      const driver = await connected(tap, newTable());
      await driver.disconnect();

      await expect(driver.read("session", [{ id: "a" }])).rejects.toMatchObject({
        code: "DATABANK_NOT_CONNECTED",
      });
      await expect(client.send(new ScanCommand({ TableName: "missing" }))).rejects.toMatchObject({
        name: "ResourceNotFoundException",
      });
    });

    it("fails soon where nobody listens", async () => {
      const driver = dynamodbDriver({
        url: "dynamodb://id:secret@us-east-1/sessions?endpoint=http://127.0.0.1:1",
      });
      const begun = performance.now();

      await expect(driver.connect({})).rejects.toMatchObject({ code: "ECONNREFUSED" });
      expect(performance.now() - begun).toBeLessThan(5000);
    });

    it("fails whole and is not repeated where the table is gone", async () => {
      const driver = await connected(
        tapped(client, async (operation, _input, pass) => {
          if (operation === "BatchGetItem") throw named("ResourceNotFoundException");
          return pass();
        }),
        newTable(),
      );

      const error = await Promise.resolve(driver.read("session", [{ id: "a" }])).catch(
        (caught: unknown) => caught,
      );
      expect(driver.retry?.(error)).toBe("never");
    });
  });
});

describe("keys", () => {
  it("fit, and each is that of one entry only", () => {
    const names = ["", "#", "#1", "a", "a#1", "\\", "\\#", "\\u0000", "\0", "\ud800", "é", "漢"];
    const long = names.map((name) => name + "漢".repeat(400));
    const keys = new Set<string>();
    for (const type of [...names, ...long]) {
      for (const id of [...names, ...long]) {
        const { pk, sk } = keyOf(type, id);
        expect(Buffer.byteLength(pk)).toBeLessThanOrEqual(2048);
        expect(Buffer.byteLength(sk)).toBeLessThanOrEqual(1024);
        expect(pk && sk).toBeTruthy();
        expect((pk + sk).isWellFormed()).toBe(true);
        keys.add(JSON.stringify([pk, sk]));
      }
    }
    expect(keys.size).toBe((names.length + long.length) ** 2);
  });
});

describe("options", () => {
  it.each([
    [{}, "url must be a text"],
    [{ url: "dynamodb:" }, "names a region and a table"],
    [{ url: "dynamodb://us-east-1" }, "names a region and a table"],
    [{ url: "dynamodb://id:verysecret@us east/a" }, "names a region and a table"],
    [{ url: "dynamodb://id:very/secret@us-east-1/abc" }, "a slash in a key is written as %2F"],
    [{ url: "dynamodb://id:%verysecret@us-east-1/abc" }, "must have their % written as %25"],
    [{ url: "dynamodb://us-east-1/ab" }, "3 to 255 letters"],
    [{ url: "dynamodb://us-east-1/sessions?endpont=x" }, "did you mean endpoint"],
    [{ url: "dynamodb://us-east-1/sessions?endpoint=localhost:8000" }, "endpoint must be a URL"],
    [{ url: "dynamodb://us-east-1/sessions?createTable=1" }, "createTable must be true or false"],
    [{ url: "dynamodb://us-east-1/sessions", creatTable: true }, "did you mean createTable"],
    [{ url: "dynamodb://us-east-1/sessions", table: "other" }, "has no option table"],
    [{ client: {}, table: "sessions" }, "client must be a DynamoDBClient"],
    [{ client: { send() {} } }, "3 to 255 letters"],
    [{ client: { send() {} }, table: "sessions", url: "x" }, "has no option url"],
  ])("refused: %j", (options, message) => {
    const given: unknown = options;
    const make = () => dynamodbDriver(given as Parameters<typeof dynamodbDriver>[0]);
    expect(make).toThrow(message);
    expect(make).not.toThrow("verysecret");
  });

  it("accepted: a client of the AWS SDK, a URL without credentials", () => {
    const client = clientFor("dynamodb://a:b@127.0.0.1:1");
    expect(dynamodbDriver({ client, table: "sessions" }).name).toBe("dynamodb");
    expect(dynamodbDriver({ url: "dynamodb://eu-central-1/sessions" }).name).toBe("dynamodb");
    client.destroy();
  });
});
