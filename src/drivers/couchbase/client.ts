/** The part of the `couchbase` package that the driver uses. */
export interface CouchbaseModule {
  connect(connectionString: string, options: object): Promise<ClosableCluster>;
  readonly MutateInSpec: { upsert(path: string, value: unknown): unknown };
}

/** A cluster of the `couchbase` package, version 4. */
export interface CouchbaseCluster {
  bucket(name: string): CouchbaseBucket;
  query(statement: string, options?: object): Promise<{ readonly rows: unknown[] }>;
}

/** A cluster that the driver has connected to itself. */
export interface ClosableCluster extends CouchbaseCluster {
  close(): Promise<unknown>;
}

/** A bucket of the `couchbase` package. */
export interface CouchbaseBucket {
  scope(name: string): CouchbaseScope;
}

/** A scope of the `couchbase` package. */
export interface CouchbaseScope {
  collection(name: string): CouchbaseCollection;
}

/** A collection of the `couchbase` package. */
export interface CouchbaseCollection {
  get(key: string, options?: object): Promise<{ readonly content: unknown; readonly cas: unknown }>;
  insert(key: string, value: unknown, options?: object): Promise<Changed>;
  upsert(key: string, value: unknown, options?: object): Promise<Changed>;
  replace(key: string, value: unknown, options?: object): Promise<Changed>;
  remove(key: string, options?: object): Promise<Changed>;
  mutateIn(key: string, specs: never[], options?: object): Promise<Changed>;
}

interface Changed {
  readonly cas: unknown;
}
