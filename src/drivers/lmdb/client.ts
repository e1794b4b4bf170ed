import { importPackage } from "../import-package.js";

/** The part of a root database of lmdb that the driver uses. */
export interface LmdbDatabase {
  openDB(options: { readonly name: string }): unknown;
  /** Runs a function in the next transaction, and takes back what it did if it throws. */
  childTransaction<T>(work: () => T): Promise<T>;
  /** Lets reads see what has been committed until now. */
  resetReadTxn(): void;
  /** What settles when the last transaction does. */
  readonly committed: PromiseLike<unknown>;
  close(): Promise<void>;
}

/** The part of a named database with texts as keys and values that the driver uses. */
export interface TextDatabase {
  get(key: string): string | undefined;
  doesExist(key: string): boolean;
  put(key: string, value: string): unknown;
  remove(key: string): unknown;
  getRange(range: KeyRange): Iterable<{ readonly key: string; readonly value: string }>;
  getKeys(range: KeyRange): Iterable<string>;
}

/** Keys from `start` to before `end`, in the order of their bytes. */
export interface KeyRange {
  readonly start: string;
  readonly end: string;
  readonly limit: number;
}

/** Settings of lmdb; two of them are not in its documentation, but in its code since version 2. */
interface RootOptions {
  readonly path: string;
  readonly noSubdir: boolean;
  readonly maxDbs: number;
  readonly permissionsMode: number;
  readonly noSync: boolean;
  readonly overlappingSync: boolean;
  readonly eventTurnBatching: boolean;
}

type Open = (options: RootOptions) => LmdbDatabase;

const RANGE = "^3.0.0";
// Drivers with a `name` of their own may share a folder; each opens four databases.
const MAX_DATABASES = 64;

/** Opens a folder, which is there, as a root database. */
export async function openRoot(
  path: string,
  { durable, mode }: { readonly durable: boolean; readonly mode: number },
): Promise<LmdbDatabase> {
  const { open } = await importPackage<{ open: Open }>("lmdb", "lmdb", RANGE);
  return open({
    path,
    noSubdir: false,
    maxDbs: MAX_DATABASES,
    permissionsMode: mode,
    noSync: !durable,
    // A commit that is seen before it is on the disk would be no faster here, and is younger code.
    overlappingSync: false,
    // With it, a failed commit rejects a promise that nobody has, which ends the process.
    eventTurnBatching: false,
  });
}

// Its own encoding of keys cannot hold NUL, which separates the parts of ours.
const KEY_ENCODER = {
  writeKey: (key: string, target: Buffer, start: number) => start + target.write(key, start),
  readKey: (source: Buffer, start: number, end: number) => source.toString("utf8", start, end),
};

/** Opens a named database, which is made if it is missing. Needs a transaction. */
export function openText(root: LmdbDatabase, name: string): TextDatabase {
  const options = { name, encoding: "string", compression: false, keyEncoder: KEY_ENCODER };
  return root.openDB(options) as TextDatabase;
}

// Of LMDB, the errors after which nothing more can be done with a database, and of the system.
const FATAL = new Set([-30_796, -30_795, -30_794, -30_793, 13, 30]);

/** Whether an error concerns the database, rather than one transaction. */
export function isFatal(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && isFatalCode(error.code);
}

function isFatalCode(code: unknown): boolean {
  return typeof code === "number" && FATAL.has(code);
}
