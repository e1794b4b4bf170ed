import type { Answer } from "./answer.js";

/**
 * The driver contract: what a database must do to be a databank.
 *
 * A driver translates; it does not decide. Waiting for neighbours, order, retries, time-outs,
 * defaults and error classes belong to the databank, so that every driver behaves alike.
 *
 * Rules that hold for every data method:
 *
 * - It takes an array of one or more members and resolves to an array of the same length, in the
 *   same order. Ids within one call are distinct. A database that has nothing to wait for may
 *   return the array itself.
 * - A result may be an `Error`: that member failed and the others stand. Rejecting means that
 *   the whole call failed; {@link Driver.retry} says what may be done about it.
 * - An entry whose deadline has passed is as absent as a deleted one, for every method.
 * - Calls overlap. Those of one databank with one id follow each other, unless one has timed out.
 * - Types and ids are any strings, and a driver encodes what its database cannot hold, so that no
 *   two pairs of type and id ever meet.
 */
export interface Driver {
  /** How the driver is called in URLs, messages and the documentation. */
  readonly name: string;

  /** What the database does unaided. The contract suite verifies each statement. */
  readonly capabilities: Capabilities;

  /**
   * Prepares the database: opens connections, creates tables and the indexes of `schema`.
   * Called again after a rejection, and after `disconnect`; safe to call twice.
   */
  connect(schema: Schema): Promise<void>;

  /** Releases what `connect` opened, never what the caller passed in. Safe to call twice. */
  disconnect(): Promise<void>;

  /**
   * Resolves to the live entry, or `null`, for each id.
   * Where `known` is still the entry's version the driver may leave `json` out.
   */
  read(type: string, reads: readonly Read[]): Answer<readonly ReadResult[]>;

  /** Stores each entry as given, where its condition holds. */
  write(type: string, writes: readonly Write[]): Answer<readonly WriteResult[]>;

  /**
   * Moves deadlines, forward only, and resolves to whether each entry was live.
   * Never creates an entry, never shortens a life, never changes a version.
   */
  touch(type: string, touches: readonly Touch[]): Answer<readonly (boolean | Error)[]>;

  /** Deletes entries, and resolves to whether each was live and had the version asked for. */
  del(type: string, deletions: readonly Deletion[]): Answer<readonly (boolean | Error)[]>;

  /**
   * A page of live entries of `type`, in any order. An entry that is there from the first page
   * to the last appears on at least one of them. Absent where the database cannot list entries.
   */
  scan?(type: string, page: Page): Promise<EntryPage>;

  /**
   * A page of the live entries that may satisfy `criteria`: none that does is left out, others
   * may be there, because the databank looks at each again. Called only with paths that the
   * schema declares as indices of `type`. Absent where nothing is indexed.
   */
  search?(type: string, criteria: readonly Criterion[], page: Page): Promise<EntryPage>;

  /**
   * Counts live entries of `type`, a step at a time; one that is there throughout is in one of the
   * steps. Absent where the database cannot list entries.
   */
  count?(type: string, page: Page): Promise<CountedPage>;

  /**
   * Deletes entries of `type` and no other, live or not, a step at a time; after the last step
   * none is left that was there before the first. Absent where the database cannot list entries.
   */
  clear?(type: string, page: Page): Promise<DeletedPage>;

  /**
   * Deletes up to about `limit` expired entries and none that is live, however late the touch
   * that saved it. Where `clock` is `process`, spares what expired in the last minute, because
   * clocks of several machines differ. Absent where the database deletes them itself.
   */
  deleteExpired?(type: string, page: Page): Promise<DeletedPage>;

  /**
   * What to do after a call with this error. Without the method, `each`.
   *
   * - `whole`: the call lost a deadlock or a race; the same call may succeed now.
   * - `each`: one member may have spoilt it for the others; call again, one by one.
   * - `never`: the database is out of reach; more calls would make it worse.
   */
  retry?(error: unknown): "whole" | "each" | "never";

  /** How the databank shall call this driver, where the usual way does not suit it. */
  readonly calling?: Calling;

  /**
   * Set by the databank. A driver calls it when it has found something stored that it cannot make
   * sense of, and takes that for missing.
   */
  onCorrupt?: (report: CorruptReport) => void;
}

/** Where something unreadable was found, and why it is unreadable. */
export interface CorruptReport {
  readonly type: string;
  readonly cause: unknown;
}

/** How a driver wishes to be called. */
export interface Calling {
  /**
   * Methods to call at once, with one member, instead of gathering the calls of a turn: for
   * clients that pipeline by themselves, and for databases that answer without waiting.
   * @default none
   */
  readonly immediate?: readonly Method[];
  /**
   * The most members of one call, from 1. A full batch does not wait for the end of the turn, and
   * only one goes out in a turn, so that the database works on one while the answers to another are
   * handed out. Half of the calls that are usually under way is a good number.
   * @default 256
   */
  readonly maxBatch?: number;
  /**
   * The most calls of one method and type under way at once, from 1.
   * @default 2
   */
  readonly maxInFlight?: number;
}

/** A data method that takes a batch. */
export type Method = "read" | "write" | "touch" | "del";

/** What a database does unaided, as data that users can see and the contract suite verifies. */
export interface Capabilities {
  /** Whether a condition and its write are one step, whoever else writes. */
  readonly conditionalWrites: "atomic" | "best-effort";
  /**
   * Whose clock decides what has expired: the database's, or that of each process, which is
   * `Date.now()`. The contract suite sets that one back, to see what has expired long ago.
   */
  readonly clock: "database" | "process";
  /** Deadlines are kept to the millisecond or, rounded up, to the second. */
  readonly expiryGranularityMs: 1 | 1000;
  /** Whether the database deletes expired entries itself, so that there is no `deleteExpired`. */
  readonly nativeExpiry: boolean;
  /** Whether a touch leaves the value where it is, or writes it again. */
  readonly touch: "in-place" | "rewrite";
  /** Whether there are `scan`, `count` and `clear`. */
  readonly scan: boolean;
  /** Whether there is `search`, on indices that the schema declares. */
  readonly search: boolean;
  /** Whether an acknowledged write survives `kill -9` of the application. */
  readonly durable: boolean;
  /** Whether several processes may use the database at once. */
  readonly shared: boolean;
  /** The longest value, in bytes of UTF-8, or `null` for no limit worth a name. */
  readonly maxValueBytes: number | null;
}

/** For each type, which property holds the id and which dotted paths are searched. */
export type Schema = Readonly<Record<string, TypeSchema>>;

/** What is declared of one type. Types that are not declared are ordinary types. */
export interface TypeSchema {
  /** The property that holds the id, for `DatabankObject`. */
  readonly pkey?: string;
  /** Dotted paths to index, such as `user.id`. */
  readonly indices?: readonly string[];
  /** Ignored; programs of the first generation pass it. */
  readonly fields?: readonly string[];
}

/** An entry as drivers store it. */
export interface StoredEntry {
  readonly id: string;
  /**
   * The value as JSON text. Its characters are valid Unicode without NUL, because JSON escapes
   * NUL and the databank escapes lone surrogates. Only `known` of {@link Read} leaves it out.
   */
  readonly json: string;
  /** Made by the databank, new on each change of the value; see {@link newLife}. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds; `null` means never. */
  readonly expiresAt: number | null;
}

/** One member of a `read`. */
export interface Read {
  readonly id: string;
  /** The version that the caller already holds. */
  readonly known?: string;
}

/** An entry whose value was left out, because its version is the one the reader knows. */
export type UnchangedEntry = Omit<StoredEntry, "json"> & { readonly json?: undefined };

/** What one `read` found. */
export type ReadResult = StoredEntry | UnchangedEntry | null | Error;

/** One member of a `write`. */
export interface Write extends StoredEntry {
  /** Store whatever is there when left out. */
  readonly if?: Condition;
  /** The later of the stored deadline and this one stays; without it this one does. */
  readonly extend?: boolean;
}

/**
 * When a write may happen: nothing live is there (`absent`), something is (`present`), or what
 * is there has this version. A version is never one of the two words: it contains a full stop.
 */
export type Condition = string;

/**
 * What one `write` did. On a conflict nothing was written, and `conflict` is what is there.
 *
 * A conflict with the very version of the write counts as done: it is the same write, repeated
 * after its acknowledgement was lost. A write whose deadline has passed leaves nothing live.
 */
export type WriteResult = "done" | Conflict | Error;

/** The live entry that stood in the way of a write, or `null` where nothing is there. */
export interface Conflict {
  readonly conflict: StoredEntry | null;
}

/** One member of a `touch`. */
export interface Touch {
  readonly id: string;
  /** Epoch milliseconds; `null` means never. An earlier deadline than the stored one is ignored. */
  readonly expiresAt: number | null;
}

/** One member of a `del`. */
export interface Deletion {
  readonly id: string;
  /** Delete only what has this version. */
  readonly if?: string;
}

/** Which part of a long answer is asked for. */
export interface Page {
  /** About how many entries to look at or return, from 1. */
  readonly limit: number;
  /** What the page before returned; `null` for the first. */
  readonly cursor: string | null;
}

/** Part of a long answer. A page may be empty and not be the last. */
export interface EntryPage {
  readonly entries: readonly StoredEntry[];
  /** How to ask for the next page; `null` after the last. */
  readonly cursor: string | null;
}

/** What one step of `count` saw. */
export interface CountedPage {
  /** How many of them are live. */
  readonly live: number;
  /** How to ask for the next step; `null` after the last. */
  readonly cursor: string | null;
}

/** What one step of `clear` or `deleteExpired` did. */
export interface DeletedPage {
  /** How many there were that are gone now. */
  readonly deleted: number;
  /** How to ask for the next step; `null` after the last. */
  readonly cursor: string | null;
}

/** One condition of a search: the value at a dotted path equals this JSON text, type included. */
export interface Criterion {
  readonly path: string;
  /** JSON text of the value that is looked for. */
  readonly json: string;
}
