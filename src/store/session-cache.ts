import type { Snapshot } from "./snapshot.js";

const MAX_SESSIONS = 20_000;
// In characters of JSON: some 10 000 sessions of 1.5 KB.
const MAX_CHARACTERS = 16 * 1024 * 1024;
// Longer ones are not from a session middleware.
const MAX_SID_LENGTH = 100;

/** What one version of a stored session says. */
export interface Known {
  readonly version: string;
  readonly snapshot: Snapshot;
}

/** What is remembered of a session id. */
export interface Remembered {
  readonly sid: string;
  /** The id in the databank: to hash is a good part of what finding a session costs. */
  readonly id: string;
  readonly known: Known | undefined;
}

interface Kept extends Remembered {
  known: Known | undefined;
  isForgotten: boolean;
}

/**
 * Sessions that were asked for or saved lately, because a browser asks several times in a row.
 *
 * To copy a session is several times cheaper than to have its text sent and parsed again. Whoever
 * does asks the database whether the version that is known still is the one that is stored; every
 * change has a version of its own.
 */
export class SessionCache {
  readonly #toId: (sid: string) => string;
  readonly #sessions = new Map<string, Kept>();
  #characters = 0;

  constructor(toId: (sid: string) => string) {
    this.#toId = toId;
  }

  of(sid: string): Remembered {
    const kept = this.#sessions.get(sid);
    if (kept) return kept;
    const isForgotten = sid.length > MAX_SID_LENGTH;
    const fresh = { sid, id: this.#toId(sid), known: undefined, isForgotten };
    if (isForgotten) return fresh;
    this.#sessions.set(sid, fresh);
    if (this.#sessions.size > MAX_SESSIONS) this.#forgetOldest();
    return fresh;
  }

  /** Takes note of what is stored now. */
  learn(session: Remembered, version: string, snapshot: Snapshot): void {
    const kept = session as Kept;
    if (kept.isForgotten) return;
    this.#characters += snapshot.json.length - lengthOf(kept);
    kept.known = { version, snapshot };
    while (this.#characters > MAX_CHARACTERS) this.#forgetOldest();
  }

  /** Keeps nothing of what the session said: it may be gone. */
  unlearn(session: Remembered): void {
    const kept = session as Kept;
    if (kept.isForgotten) return;
    this.#characters -= lengthOf(kept);
    kept.known = undefined;
  }

  #forgetOldest(): void {
    for (const oldest of this.#sessions.values()) {
      this.unlearn(oldest);
      oldest.isForgotten = true;
      this.#sessions.delete(oldest.sid);
      return;
    }
  }
}

function lengthOf({ known }: Remembered): number {
  return known?.snapshot.json.length ?? 0;
}
