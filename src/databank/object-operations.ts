import type { Id } from "./address.js";
import { copyProperties } from "./copy-properties.js";
import type { DatabankObject, DatabankObjectClass, ObjectBank } from "./databank-object.js";
import { runHook } from "./hook.js";
import { call } from "./legacy-databank.js";
import { invalidOption } from "./options.js";

// What a class of stored objects does, in promises, with its hooks around each step.

/** Reads an object by the id that `beforeGet` gives. */
export async function getObject(cls: DatabankObjectClass, id: Id): Promise<DatabankObject> {
  const wanted = await idToGet(cls, id);
  const value = await call((done) => bankOf(cls).read(cls.type, wanted, done));
  return loaded(cls, value);
}

/** Stores new properties and makes their object. */
export async function createObject(
  cls: DatabankObjectClass,
  given: object,
): Promise<DatabankObject> {
  const changed = await runHook(cls.beforeCreate, cls, [given]);
  const properties = isObject(changed) ? changed : given;
  const id = idOf(cls, properties);
  const value = await call((done) => bankOf(cls).create(cls.type, id, properties, done));
  const object = new cls(Object(value));
  await runHook(object.afterCreate, object, []);
  return object;
}

/** Changes some properties of an object that is there. */
export async function updateObject(
  cls: DatabankObjectClass,
  object: DatabankObject,
  given: object,
): Promise<DatabankObject> {
  const changed = await runHook(object.beforeUpdate, object, [given]);
  copyProperties(object, isObject(changed) ? changed : given);
  const id = idOf(cls, object);
  const value = await call((done) => bankOf(cls).update(cls.type, id, object, done));
  copyProperties(object, value);
  await runHook(object.afterUpdate, object, []);
  return object;
}

/** Stores an object as it is. */
export async function saveObject(
  cls: DatabankObjectClass,
  object: DatabankObject,
): Promise<DatabankObject> {
  await runHook(object.beforeSave, object, []);
  const id = idOf(cls, object);
  const value = await call((done) => bankOf(cls).save(cls.type, id, object, done));
  copyProperties(object, value);
  await runHook(object.afterSave, object, []);
  return object;
}

/** Deletes an object that is there. */
export async function deleteObject(
  cls: DatabankObjectClass,
  object: DatabankObject,
): Promise<void> {
  await runHook(object.beforeDel, object, []);
  const id = idOf(cls, object);
  await call((done) => bankOf(cls).del(cls.type, id, done));
  await runHook(object.afterDel, object, []);
}

/** The objects that match criteria. */
export async function searchObjects(
  cls: DatabankObjectClass,
  criteria: object,
): Promise<DatabankObject[]> {
  const values: unknown[] = [];
  const keep = (value: unknown) => values.push(value);
  await call((done) => bankOf(cls).search(cls.type, criteria, keep, done));
  return Promise.all(values.map((value) => loaded(cls, value)));
}

/** Calls `onResult` with each object, one after another. */
export async function scanObjects(
  cls: DatabankObjectClass,
  onResult: (object: DatabankObject) => void,
): Promise<void> {
  let earlier = Promise.resolve();
  const keep = (value: unknown) => {
    earlier = earlier.then(async () => onResult(await loaded(cls, value)));
    // It is awaited below, but may have failed long before.
    earlier.catch(() => {});
  };
  await call((done) => bankOf(cls).scan(cls.type, keep, done));
  await earlier;
}

/** The objects of several ids, `null` where there is none, in the order of the ids. */
export async function readObjects(
  cls: DatabankObjectClass,
  ids: readonly Id[],
): Promise<{ id: string; object: DatabankObject | null }[]> {
  const wanted = await Promise.all(ids.map((id) => idToGet(cls, id)));
  const values = Object(await call((done) => bankOf(cls).readAll(cls.type, wanted, done)));
  const read = async (id: string) => {
    const value: unknown = Object.hasOwn(values, id) ? values[id] : null;
    return value === null ? null : loaded(cls, value);
  };
  const names = [...new Set(wanted.map(String))];
  const objects = new Map(
    await Promise.all(names.map(async (id) => [id, await read(id)] as const)),
  );
  return wanted.map((id) => ({ id: String(id), object: objects.get(String(id)) ?? null }));
}

async function loaded(cls: DatabankObjectClass, value: unknown): Promise<DatabankObject> {
  const object = new cls(Object(value));
  await runHook(object.afterGet, object, []);
  return object;
}

async function idToGet(cls: DatabankObjectClass, id: Id): Promise<Id> {
  const changed = await runHook(cls.beforeGet, cls, [id]);
  return typeof changed === "string" || typeof changed === "number" ? changed : id;
}

function idOf(cls: DatabankObjectClass, properties: object): Id {
  const pkey = cls.pkey();
  const id: unknown = Reflect.get(properties, pkey);
  if (typeof id === "string" || typeof id === "number") return id;
  throw invalidOption(`A '${cls.type}' cannot be stored without its ${pkey}, which is its id`);
}

function bankOf(cls: DatabankObjectClass): ObjectBank {
  const bank = cls.bank();
  if (bank) return bank;
  throw invalidOption("Set DatabankObject.bank to a databank before using its classes");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
