import type { Id } from "./address.js";
import { callbackIn, report } from "./callback.js";
import type {
  DatabankObject,
  DatabankObjectClass,
  ObjectBank,
  ParentClass,
} from "./databank-object.js";
import {
  createObject,
  getObject,
  readObjects,
  scanObjects,
  searchObjects,
} from "./object-operations.js";
import { ownValue } from "./own-value.js";

/** Makes the class of the objects of a type. */
export function makeClass(
  type: string,
  Parent: ParentClass,
  defaultBank: () => ObjectBank | null,
): unknown {
  class Class extends Parent {}

  Object.assign(Class, {
    type,
    parent: Parent,
    init(object: DatabankObject, properties?: object): void {
      Parent.init(object, properties);
    },

    bank(): ObjectBank | null {
      return defaultBank();
    },

    pkey(this: unknown): string {
      const cls = classIn(this);
      return (
        ownText(cls.schema, "pkey") ??
        ownText(ownValue(cls.schema, cls.type), "pkey") ??
        ownText(ownValue(cls.bank()?.schema, cls.type), "pkey") ??
        "id"
      );
    },

    get(this: unknown, id: Id, ...rest: readonly unknown[]): Promise<unknown> {
      return report(getObject(classIn(this), id), callbackIn(rest));
    },

    create(this: unknown, given: object, ...rest: readonly unknown[]): Promise<unknown> {
      return report(createObject(classIn(this), given), callbackIn(rest));
    },

    search(this: unknown, criteria: object, ...rest: readonly unknown[]): Promise<unknown> {
      return report(searchObjects(classIn(this), criteria), callbackIn(rest));
    },

    scan(
      this: unknown,
      onResult: (object: DatabankObject) => void,
      ...rest: readonly unknown[]
    ): Promise<unknown> {
      return report(scanObjects(classIn(this), onResult), callbackIn(rest));
    },

    readAll(this: unknown, ids: readonly Id[], ...rest: readonly unknown[]): Promise<unknown> {
      const byId = readObjects(classIn(this), ids).then((found) =>
        Object.fromEntries(found.map(({ id, object }) => [id, object])),
      );
      return report(byId, callbackIn(rest));
    },

    readArray(this: unknown, ids: readonly Id[], ...rest: readonly unknown[]): Promise<unknown> {
      const inOrder = readObjects(classIn(this), ids).then((found) =>
        found.map(({ object }) => object),
      );
      return report(inOrder, callbackIn(rest));
    },
  });

  // A method may have been taken off the class, as in `async.map(ids, Planet.get)`, or be called
  // on a class that extends it.
  function classIn(self: unknown): DatabankObjectClass {
    const isOurs = typeof self === "function" && (self === Class || isDerived(self));
    const cls: unknown = isOurs ? self : Class;
    return cls as DatabankObjectClass;
  }

  function isDerived(self: object): boolean {
    return Object.prototype.isPrototypeOf.call(Class, self);
  }

  return Class;
}

function ownText(value: unknown, name: string): string | undefined {
  const found = ownValue(value, name);
  return typeof found === "string" ? found : undefined;
}
