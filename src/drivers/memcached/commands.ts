import type { StoredEntry } from "../../databank/driver.js";
import { RECLAIM_GRACE_MS } from "../../databank/entry.js";
import type { Key } from "./key.js";
import { headerOf } from "./record.js";

// memcached keeps seconds as 32 bits with a sign.
const LAST_SECOND = 2 ** 31 - 1;

/** When something may be stored: nothing is there, what is there has this number, or whatever. */
export type Guard = "absent" | "any" | { readonly cas: string };

/** Commands that go to a server together. */
export class Commands {
  text = "";
  count = 0;
  #isWide = false;

  /** How the text becomes bytes. Node is faster where each character is one. */
  get encoding(): "latin1" | "utf8" {
    return this.#isWide ? "utf8" : "latin1";
  }

  /** Asks for a record, and for the number that each change of it gets from memcached. */
  get({ text }: Key): void {
    this.#add(`mg ${text} v c\r\n`);
  }

  /** Asks for the number alone. */
  look({ text }: Key): void {
    this.#add(`mg ${text} c\r\n`);
  }

  /** Stores an entry where the guard allows it. */
  store(key: Key, entry: StoredEntry, guard: Guard): void {
    const header = headerOf(entry, key);
    const bytes = Buffer.byteLength(header) + Buffer.byteLength(entry.json);
    if (bytes > header.length + entry.json.length) this.#isWide = true;
    const lifetime = lifetimeOf(entry.expiresAt);
    const condition = guard === "absent" ? " ME" : guard === "any" ? "" : ` C${guard.cas}`;
    const command = `ms ${key.text} ${bytes}${lifetime}${condition} c\r\n`;
    this.#add(`${command}${header}${entry.json}\r\n`);
  }

  /** Deletes a record where the guard allows it. */
  delete({ text }: Key, guard: Guard): void {
    this.#add(typeof guard === "string" ? `md ${text}\r\n` : `md ${text} C${guard.cas}\r\n`);
  }

  #add(command: string): void {
    this.text += command;
    this.count += 1;
  }
}

/**
 * When memcached may drop a record by itself. The entry's own deadline ends its life; this one
 * only frees the memory, late. It is always a moment: memcached takes lengths of time too, but only
 * up to thirty days.
 */
function lifetimeOf(expiresAt: number | null): string {
  if (expiresAt === null) return "";
  const second = Math.ceil((expiresAt + RECLAIM_GRACE_MS) / 1000);
  return second <= LAST_SECOND ? ` T${second}` : "";
}
