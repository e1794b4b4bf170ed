import { type Answer, andThen, asAnswer } from "./answer.js";
import { BatchQueue, type Connected } from "./batch-queue.js";
import { Deadlines } from "./deadlines.js";
import type {
  Conflict,
  Deletion,
  Driver,
  Read,
  StoredEntry,
  Touch,
  UnchangedEntry,
  Write,
  WriteResult,
} from "./driver.js";
import { DatabankError } from "./errors.js";
import { KeyedQueue } from "./keyed-queue.js";
import { type Lane, Operation } from "./operation.js";
import { isLonger } from "./text-bytes.js";

/** Limits on what a databank may have under way. */
export interface CollectorOptions {
  /** How long one call may take, in milliseconds, waiting included. */
  readonly timeoutMs: number;
  /** How many calls may be waiting or under way; one more fails with `DATABANK_QUEUE_FULL`. */
  readonly maxPending: number;
}

interface TypeQueues {
  readonly lanes: Map<string, Lane>;
  readonly read: BatchQueue<Read, StoredEntry | UnchangedEntry | null>;
  readonly write: BatchQueue<Write, "done" | Conflict>;
  readonly touch: BatchQueue<Touch, boolean>;
  readonly del: BatchQueue<Deletion, boolean>;
}

/**
 * Turns single calls into batches, so that calls made in one turn of the event loop share one
 * round trip.
 *
 * Calls with one id run one after another, in the order they were made. Reads of one id that wait
 * share one read. A call that takes longer than `timeoutMs` fails; what it asked for may still
 * happen.
 *
 * A driver that answers at once is answered for at once: what these methods return is then no
 * promise.
 */
export class Collector {
  readonly #connected: Connected;
  readonly #deadlines: Deadlines;
  readonly #types = new Map<string, TypeQueues>();

  constructor(connected: Connected, options: CollectorOptions) {
    this.#connected = connected;
    this.#deadlines = new Deadlines(options);
  }

  /** The live entry or `null`; without its value if its version is `known`. */
  read(type: string, read: Read): Answer<StoredEntry | UnchangedEntry | null> {
    const { lanes, read: queue } = this.#queues(type);
    const last = lanes.get(read.id);
    const shared =
      last instanceof Operation && last.queue === queue ? last.share(read, mergeReads) : undefined;
    return shared ?? this.#ask(lanes, queue, read, last);
  }

  /** Stores an entry if its condition holds, and otherwise gives what is there. */
  write(type: string, write: Write): Answer<"done" | Conflict> {
    const { lanes, write: queue } = this.#queues(type);
    return this.#ask(lanes, queue, write);
  }

  /** Moves a deadline forward, and tells whether the entry was live. */
  touch(type: string, touch: Touch): Answer<boolean> {
    const { lanes, touch: queue } = this.#queues(type);
    return this.#ask(lanes, queue, touch);
  }

  /** Deletes an entry, and tells whether it was live and had the version asked for. */
  del(type: string, deletion: Deletion): Answer<boolean> {
    const { lanes, del: queue } = this.#queues(type);
    return this.#ask(lanes, queue, deletion);
  }

  /** A queue for what takes several calls, under the same limits of time and number. */
  turns(): KeyedQueue {
    return new KeyedQueue(this.#deadlines);
  }

  /** Resolves once no call is waiting or under way. */
  whenIdle(): Promise<void> {
    return this.#deadlines.whenNone();
  }

  #ask<M extends { readonly id: string }, R>(
    lanes: Map<string, Lane>,
    queue: BatchQueue<M, R>,
    member: M,
    last = lanes.get(member.id),
  ): Answer<R> {
    const isFirst = last === undefined && !this.#deadlines.isFull;
    const answer = isFirst ? queue.callAtOnce(member) : undefined;
    if (answer !== undefined && !(answer instanceof Promise)) return queue.resultIn(answer);
    return new Promise((resolve, reject) => {
      const operation = new Operation(queue, lanes, member, resolve, reject);
      if (!this.#deadlines.add(operation)) return;
      if (answer !== undefined) operation.enterSent(answer);
      else operation.enter();
    });
  }

  #queues(type: string): TypeQueues {
    let queues = this.#types.get(type);
    if (!queues) {
      const connected = this.#connected;
      queues = {
        lanes: new Map(),
        read: new BatchQueue("read", connected, (driver, members) =>
          asAnswer(driver.read(type, members)),
        ),
        write: new BatchQueue("write", connected, (driver, members) =>
          write(driver, type, members),
        ),
        touch: new BatchQueue("touch", connected, (driver, members) =>
          asAnswer(driver.touch(type, members)),
        ),
        del: new BatchQueue("del", connected, (driver, members) =>
          asAnswer(driver.del(type, members)),
        ),
      };
      this.#types.set(type, queues);
    }
    return queues;
  }
}

/** One read for two callers may leave the value out only if both know it. */
function mergeReads(a: Read, b: Read): Read {
  return a.known === b.known ? a : { id: a.id };
}

function write(
  driver: Driver,
  type: string,
  writes: readonly Write[],
): Answer<readonly WriteResult[]> {
  const { maxValueBytes } = driver.capabilities;
  if (maxValueBytes !== null) {
    const large = writes.filter(({ json }) => isLonger(json, maxValueBytes));
    if (large.length > 0) return writeOthers(driver, type, writes, new Set(large));
  }
  return andThen(asAnswer(driver.write(type, writes)), (results) =>
    results.map((result, i) =>
      typeof result === "object" && "conflict" in result && isOwn(result, writes[i])
        ? "done"
        : result,
    ),
  );
}

// A write that was carried out and then repeated, because its answer was lost, finds itself.
function isOwn({ conflict }: Conflict, write: Write | undefined): boolean {
  return conflict !== null && conflict.version === write?.version;
}

async function writeOthers(
  driver: Driver,
  type: string,
  writes: readonly Write[],
  large: ReadonlySet<Write>,
): Promise<readonly WriteResult[]> {
  const others = writes.filter((member) => !large.has(member));
  const results = others.length > 0 ? await write(driver, type, others) : [];
  const error = new DatabankError(
    `The value is larger than the ${driver.capabilities.maxValueBytes} bytes that the ${driver.name} databank can hold`,
    { code: "DATABANK_VALUE_TOO_LARGE" },
  );
  let next = 0;
  return writes.map((member) => (large.has(member) ? error : (results[next++] ?? error)));
}
