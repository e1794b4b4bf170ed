import type { Id } from "./address.js";
import { type Callback, callbackIn, type Rest, report } from "./callback.js";
import { copyProperties } from "./copy-properties.js";
import type { HookWith } from "./hook.js";
import { makeClass } from "./object-class.js";
import { deleteObject, saveObject, updateObject } from "./object-operations.js";

type Done = Callback<never>;

/** What a class of stored objects asks of a databank, be it ours or one of the old package. */
export interface ObjectBank {
  readonly schema?: unknown;
  create(type: string, id: Id, value: unknown, callback: Done): void;
  read(type: string, id: Id, callback: Done): void;
  update(type: string, id: Id, value: unknown, callback: Done): void;
  save(type: string, id: Id, value: unknown, callback: Done): void;
  del(type: string, id: Id, callback: Done): void;
  readAll(type: string, ids: readonly Id[], callback: Done): void;
  scan(type: string, onResult: (value: unknown) => void, callback: Done): void;
  search(type: string, criteria: object, onResult: (value: unknown) => void, callback: Done): void;
}

/** What `DatabankObject.subClass` returns: a class whose objects are kept in a databank. */
export interface DatabankObjectClass<T extends DatabankObject = DatabankObject> {
  new (properties?: object): T;
  readonly prototype: T;
  /** The type of the objects in the databank. */
  readonly type: string;
  /** The class that this one was made from. */
  readonly parent: ParentClass;
  /** Where to look for the name of the id first: `{ pkey }`, or a schema of several types. */
  schema?: object;
  /** Gives an object its properties; called by the constructor. */
  init(object: DatabankObject, properties?: object): void;
  /** The databank of the objects: `DatabankObject.bank`, unless it is replaced. */
  bank(): ObjectBank | null;
  /** The property that holds the id: from the schema of the class or of the databank, or `id`. */
  pkey(): string;
  /** Called before `create`, with the properties; may call back with others. */
  beforeCreate: HookWith<object>;
  /** Called before `get`, `readAll` and `readArray`, with each id; may call back with another. */
  beforeGet: HookWith<Id>;

  /** Resolves to the object with that id. */
  get(id: Id): Promise<T>;
  get(id: Id, callback: Callback<T>): void;
  /** Stores a new object. */
  create(properties: object): Promise<T>;
  create(properties: object, callback: Callback<T>): void;
  /** Resolves to the objects with the given values at the given dotted paths. */
  search(criteria: object): Promise<T[]>;
  search(criteria: object, callback: Callback<T[]>): void;
  /** Calls `onResult` with every object of the class. */
  scan(onResult: (object: T) => void): Promise<void>;
  scan(onResult: (object: T) => void, callback: Callback): void;
  /** Resolves to the objects by their ids, as `beforeGet` gave them; `null` where there is none. */
  readAll(ids: readonly Id[]): Promise<Record<string, T | null>>;
  readAll(ids: readonly Id[], callback: Callback<Record<string, T | null>>): void;
  /** Resolves to the objects in the order of their ids; `null` where there is none. */
  readArray(ids: readonly Id[]): Promise<(T | null)[]>;
  readArray(ids: readonly Id[], callback: Callback<(T | null)[]>): void;
}

/** What a class of stored objects can be made from. */
export type ParentClass = (new (
  properties?: object,
) => DatabankObject) &
  Pick<DatabankObjectClass, "init" | "beforeCreate" | "beforeGet">;

/**
 * An object that is kept in a databank. Make a class for each type with `subClass`.
 *
 * Hooks may be replaced, on the class or its prototype. They call back or return a promise.
 */
export class DatabankObject {
  [property: string]: unknown;

  /** The databank of all classes that do not name their own. */
  static bank: ObjectBank | null = null;
  static beforeCreate: HookWith<object> = (properties, callback) => callback(null, properties);
  static beforeGet: HookWith<Id> = (id, callback) => callback(null, id);

  /** Gives an object its properties. */
  static init(object: DatabankObject, properties?: object): void {
    copyProperties(object, properties);
  }

  /** Copies what an object has of its own. */
  static copy(target: object, source: object): void {
    copyProperties(target, source);
  }

  /**
   * Makes a class of objects that are kept under a type.
   *
   * @param Parent - Whose methods and hooks it inherits.
   */
  static subClass<T extends DatabankObject = DatabankObject>(
    type: string,
    Parent: ParentClass = DatabankObject,
  ): DatabankObjectClass<T> {
    const Class: unknown = makeClass(type, Parent, () => DatabankObject.bank);
    return Class as DatabankObjectClass<T>;
  }

  constructor(properties?: object) {
    new.target.init(this, properties);
  }

  /** Sets some properties and stores the object, which must be there; it cannot remove any. */
  update(properties: object): Promise<this>;
  update(properties: object, callback: Callback<this>): void;
  update(properties: object, ...rest: Rest<never, this>): Promise<unknown> {
    return report(updateObject(classOf(this), this, properties), callbackIn(rest));
  }

  /** Stores the object, whether or not it is there. */
  save(): Promise<this>;
  save(callback: Callback<this>): void;
  save(...rest: Rest<never, this>): Promise<unknown> {
    return report(saveObject(classOf(this), this), callbackIn(rest));
  }

  /** Deletes the object; rejects with `NoSuchThingError` where it is not there. */
  del(): Promise<void>;
  del(callback: Callback): void;
  del(...rest: Rest<never, void>): Promise<unknown> {
    return report(deleteObject(classOf(this), this), callbackIn(rest));
  }

  /** The type and the id. */
  toString(): string {
    const { type, pkey } = classOf(this);
    return `[${type} ${String(this[pkey()] ?? "Undefined")}]`;
  }

  /** Called after `create`. */
  afterCreate(callback: Callback<unknown>): unknown {
    return callback(null);
  }

  /** Called with each object that was read. */
  afterGet(callback: Callback<unknown>): unknown {
    return callback(null);
  }

  /** Called before `update`, with the properties; may call back with others. */
  beforeUpdate(properties: object, callback: Callback<object>): unknown {
    return callback(null, properties);
  }

  /** Called after `update`. */
  afterUpdate(callback: Callback<unknown>): unknown {
    return callback(null);
  }

  /** Called before `save`. */
  beforeSave(callback: Callback<unknown>): unknown {
    return callback(null);
  }

  /** Called after `save`. */
  afterSave(callback: Callback<unknown>): unknown {
    return callback(null);
  }

  /** Called before `del`. */
  beforeDel(callback: Callback<unknown>): unknown {
    return callback(null);
  }

  /** Called after `del`. */
  afterDel(callback: Callback<unknown>): unknown {
    return callback(null);
  }
}

// By the prototype, because the object may have a property called "constructor".
function classOf(object: DatabankObject): DatabankObjectClass {
  const prototype: unknown = Object.getPrototypeOf(object);
  const Class: unknown = Reflect.get(Object(prototype), "constructor");
  return Class as DatabankObjectClass;
}
