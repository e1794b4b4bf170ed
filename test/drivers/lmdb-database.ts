import { type Database, open, type RootDatabase, type RootDatabaseOptions } from "lmdb";

/** Opens a folder as a program would. */
export function openOwn(path: string, options: RootDatabaseOptions = {}): RootDatabase {
  return open({ path, noSubdir: false, maxDbs: 20, ...options });
}

/** One of the driver's databases, for keys with | instead of NUL. */
export class Raw {
  readonly #database: Database<string, Uint8Array>;

  constructor(root: RootDatabase, name: string) {
    this.#database = root.openDB({
      name,
      encoding: "string",
      keyEncoding: "binary",
      compression: false,
    });
  }

  /** All that is stored in it. */
  content(): Record<string, string> {
    const entries = this.#database
      .getRange()
      .map(({ key, value }) => [Buffer.from(key).toString().replaceAll("\0", "|"), value] as const);
    return Object.fromEntries(entries);
  }

  get(key: string): string | undefined {
    return this.#database.get(bytesOf(key));
  }

  put(key: string, value: string): void {
    this.#database.putSync(bytesOf(key), value);
  }

  remove(key: string): void {
    this.#database.removeSync(bytesOf(key));
  }
}

function bytesOf(key: string): Uint8Array {
  return Buffer.from(key.replaceAll("|", "\0"));
}
