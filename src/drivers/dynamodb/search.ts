import type { Criterion, EntryPage, Page, Schema } from "../../databank/driver.js";
import { parseJson } from "../../databank/json.js";
import { getItems, writeItems } from "./batches.js";
import type { Api, Item } from "./client.js";
import { isNamed } from "./errors.js";
import { indexedAttributes, indexKey, indexName } from "./indices.js";
import type { OnUnreadable } from "./item.js";
import { hashOf, toItemKey } from "./key.js";
import { isEmpty, itemsOf, liveEntriesOf, type QueryAnswer } from "./listing.js";

/** Where the driver notes which indexes are complete. No partition of a type is called so. */
const NOTES = "\\indexes";

/** Which index a search goes by, and the last key of it that was seen. */
type Cursor = readonly [name: string, pk: string, sk: string];

/**
 * Searches by the indexes of a table.
 *
 * Entries that were written before their path was declared are in no index. So an index is used
 * once it is known to be complete: when the type was empty at its declaration, or after a search
 * that went through all entries and brought them up to date.
 */
export class Search {
  readonly #api: Api;
  readonly #table: string;
  readonly #schema: Schema;
  readonly #active: ReadonlySet<string>;
  readonly #complete = new Set<string>();

  constructor(api: Api, table: string, schema: Schema, active: ReadonlySet<string>) {
    this.#api = api;
    this.#table = table;
    this.#schema = schema;
    this.#active = active;
  }

  /** The paths of a type that are indexed. */
  pathsOf(type: string): readonly string[] {
    return Object.hasOwn(this.#schema, type) ? [...new Set(this.#schema[type]?.indices)] : [];
  }

  /** Finds out which indexes are complete. */
  async prepare(): Promise<void> {
    const types = Object.keys(this.#schema).filter((type) => this.pathsOf(type).length > 0);
    const notes = types.flatMap((type) => this.pathsOf(type).map((path) => noteOf(type, path)));
    const found = await getItems(this.#api, this.#table, notes);
    for (const [i, { sk }] of notes.entries()) if (found[i]) this.#complete.add(sk);
    for (const type of types) {
      const isKnown = this.pathsOf(type).every((path) => this.#isComplete(type, path));
      if (!isKnown && (await isEmpty(this.#api, this.#table, type))) await this.#note(type);
    }
  }

  /** A page of live entries that may satisfy the criteria. */
  async page(
    type: string,
    criteria: readonly Criterion[],
    { limit, cursor }: Page,
    onUnreadable: OnUnreadable,
  ): Promise<EntryPage> {
    const last = cursor?.startsWith("index:") ? (JSON.parse(cursor.slice(6)) as Cursor) : undefined;
    const usable = criteria.find(({ path }) =>
      last
        ? indexName(path) === last[0]
        : this.#active.has(indexName(path)) && this.#isComplete(type, path),
    );
    if (!usable || cursor?.startsWith("all:")) {
      return this.#throughAll(type, { limit, cursor: cursor?.slice(4) ?? null }, onUnreadable);
    }
    return this.#byIndex(type, usable, limit, last, onUnreadable);
  }

  /** The index says who may match; each is then read as it is now, because indexes lag behind. */
  async #byIndex(
    type: string,
    { path, json }: Criterion,
    limit: number,
    last: Cursor | undefined,
    onUnreadable: OnUnreadable,
  ): Promise<EntryPage> {
    const name = indexName(path);
    const key = indexKey(type, parseJson(json));
    const answer = await this.#api.call<QueryAnswer>("Query", {
      TableName: this.#table,
      IndexName: name,
      Limit: limit,
      KeyConditionExpression: "#name = :key",
      ExpressionAttributeNames: { "#name": name },
      ExpressionAttributeValues: { ":key": key },
      ...(last && {
        ExclusiveStartKey: { ...toItemKey({ pk: last[1], sk: last[2] }), [name]: key },
      }),
    });
    const keys = (answer.Items ?? []).map(({ pk, sk }) => ({ pk: pk?.S ?? "", sk: sk?.S ?? "" }));
    const items = await getItems(this.#api, this.#table, keys);
    const { pk, sk } = answer.LastEvaluatedKey ?? {};
    const next: Cursor | undefined = pk?.S && sk?.S ? [name, pk.S, sk.S] : undefined;
    return {
      entries: liveEntriesOf(items, onUnreadable),
      cursor: next ? `index:${JSON.stringify(next)}` : null,
    };
  }

  /** Goes through all entries of a type, and gives them the attributes that they lack. */
  async #throughAll(type: string, page: Page, onUnreadable: OnUnreadable): Promise<EntryPage> {
    const { items, cursor } = await itemsOf(this.#api, this.#table, type, page);
    await Promise.all(items.map((item) => this.#repair(type, item)));
    if (cursor === null) await this.#note(type);
    return {
      entries: liveEntriesOf(items, onUnreadable),
      cursor: cursor === null ? null : `all:${cursor}`,
    };
  }

  async #repair(type: string, item: Item): Promise<void> {
    const { pk, sk, version, value } = item;
    if (!pk?.S || !sk?.S || !version || value?.S === undefined) return;
    const wanted = Object.entries(indexedAttributes(type, this.pathsOf(type), value.S));
    const missing = wanted.filter(([name, { S }]) => item[name]?.S !== S);
    if (missing.length === 0) return;
    try {
      await this.#api.call("UpdateItem", {
        TableName: this.#table,
        Key: toItemKey({ pk: pk.S, sk: sk.S }),
        UpdateExpression: `SET ${missing.map((_, i) => `#n${i} = :v${i}`).join(", ")}`,
        ConditionExpression: "#version = :version",
        ExpressionAttributeNames: {
          "#version": "version",
          ...Object.fromEntries(missing.map(([name], i) => [`#n${i}`, name])),
        },
        ExpressionAttributeValues: {
          ":version": version,
          ...Object.fromEntries(missing.map(([, key], i) => [`:v${i}`, key])),
        },
      });
    } catch (error) {
      // Whoever has written it in the meantime has given it what it needs.
      if (!isNamed(error, "ConditionalCheckFailedException")) throw error;
    }
  }

  #isComplete(type: string, path: string): boolean {
    return this.#complete.has(noteOf(type, path).sk);
  }

  async #note(type: string): Promise<void> {
    const notes = this.pathsOf(type).map((path) => ({ path, note: noteOf(type, path) }));
    await writeItems(
      this.#api,
      this.#table,
      notes.map(({ path, note }) => ({
        PutRequest: { Item: { ...toItemKey(note), path: { S: JSON.stringify([type, path]) } } },
      })),
    );
    for (const { note } of notes) this.#complete.add(note.sk);
  }
}

function noteOf(type: string, path: string) {
  return { pk: NOTES, sk: hashOf(JSON.stringify([type, path])) };
}
