import { createRequire } from "node:module";
import type { Driver } from "../../src/databank/driver.js";
import type { CouchbaseCluster } from "../../src/drivers/couchbase.js";

/** A cluster as the tests use it; the package's own types need others that are not installed. */
export interface OwnCluster extends CouchbaseCluster {
  close(): Promise<unknown>;
}

/** A collection as the tests use it, with documents as parsed JSON. */
export interface OwnCollection {
  get(key: string): Promise<{ readonly content: Record<string, unknown> }>;
  upsert(key: string, value: unknown): Promise<unknown>;
}

const couchbase = createRequire(__filename)("couchbase") as {
  connect(connectionString: string, options: object): Promise<OwnCluster>;
};

/** A cluster object of one's own on a server of the tests, or on a real one. */
export async function openCluster(url: string): Promise<OwnCluster> {
  const { protocol, host, username, password } = new URL(url);
  const timeouts = { bootstrapTimeout: 10_000 };
  return couchbase.connect(`${protocol}//${host}`, {
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
    timeouts,
  });
}

/** The bucket that a URL names. */
export function bucketOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** The collection of a URL, for a look at the documents themselves. */
export function collectionOf(cluster: OwnCluster, url: string): OwnCollection {
  const collection: unknown = cluster
    .bucket(bucketOf(url))
    .scope("_default")
    .collection("_default");
  return collection as OwnCollection;
}

/** Whether a cluster lists entries, as real ones do. */
export async function lists(open: () => Driver): Promise<boolean> {
  const driver = open();
  try {
    await driver.connect({});
    return driver.capabilities.scan;
  } finally {
    await driver.disconnect();
  }
}

/** A cluster whose collections tell which of their methods are called, and on which key. */
export function spied(
  cluster: CouchbaseCluster,
  onCall: (method: string, key: string) => void,
): CouchbaseCluster {
  const spy = <T extends object>(target: T, name: string, wrap: (result: object) => object): T =>
    new Proxy(target, {
      get(from, property) {
        const value: unknown = Reflect.get(from, property);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(value, from, args);
          return property === name ? wrap(Object(result)) : result;
        };
      },
    });
  const collection = (target: object) =>
    new Proxy(target, {
      get(from, property) {
        const value: unknown = Reflect.get(from, property);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          onCall(String(property), String(args[0]));
          return Reflect.apply(value, from, args);
        };
      },
    });
  return spy(cluster, "bucket", (bucket) =>
    spy(bucket, "scope", (scope) => spy(scope, "collection", collection)),
  );
}
