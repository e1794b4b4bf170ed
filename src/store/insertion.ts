import { type Answer, andThen } from "../databank/answer.js";
import type { Collector } from "../databank/collector.js";
import type { StoredEntry } from "../databank/driver.js";
import { newLife, nextVersion } from "../databank/version.js";
import { isInstance, type Origin } from "./provenance.js";
import { deadline, type Lifetime, MAX_ATTEMPTS, overtaken, type SaveSettings } from "./save.js";
import { Snapshot } from "./snapshot.js";

/** What became of a session of unknown origin, and what it has to be remembered as. */
export interface Inserted {
  readonly outcome: "created" | "written";
  readonly origin: Origin;
}

/** Stores a session of unknown origin, over whatever is there. */
export class Insertion {
  readonly #collector: Collector;
  readonly #settings: SaveSettings;
  readonly #sid: string;
  readonly #id: string;
  readonly #mine: Lifetime;

  constructor(
    collector: Collector,
    settings: SaveSettings,
    { sid, id }: { readonly sid: string; readonly id: string },
    mine: Lifetime,
  ) {
    this.#collector = collector;
    this.#settings = settings;
    this.#sid = sid;
    this.#id = id;
    this.#mine = mine;
  }

  /** A plain object goes on with the life that is there; a new session starts its own. */
  run(session: object, base: Snapshot): Answer<Inserted> {
    const stored = this.#settings.isClassic ? withSid(base, this.#sid) : base;
    return this.#write({ base, stored }, isInstance(session), null, 0);
  }

  #write(
    session: Pick<Origin, "base" | "stored">,
    isInstance: boolean,
    current: StoredEntry | null,
    attempt: number,
  ): Answer<Inserted> {
    if (attempt === MAX_ATTEMPTS) throw overtaken("saved");
    const earlier = isInstance ? null : current;
    const createdAt = earlier?.createdAt ?? Date.now();
    const kept = {
      version: earlier ? nextVersion(earlier.version) : newLife(),
      createdAt,
      expiresAt: deadline(this.#mine, this.#settings, createdAt),
    };
    const write = { id: this.#id, json: session.stored.json, ...kept };
    const condition = current?.version ?? "absent";
    const { type } = this.#settings;
    return andThen(this.#collector.write(type, { ...write, if: condition }), (result) => {
      if (result !== "done") {
        return this.#write(session, isInstance, result.conflict, attempt + 1);
      }
      const { cookie } = this.#mine;
      const origin = { sid: this.#sid, ...kept, ...session, cookie, hidden: [] };
      return { outcome: current ? "written" : "created", origin };
    });
  }
}

function withSid(snapshot: Snapshot, sid: string): Snapshot {
  return Snapshot.made(snapshot.fields().set("sid", sid));
}
