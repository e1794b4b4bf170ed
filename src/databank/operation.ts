import type { BatchQueue, Results } from "./batch-queue.js";
import type { Deadlines, Timed } from "./deadlines.js";

/** What stands in the lane of an id: an operation of some method, whichever it is. */
export interface Lane {
  next: Lane | undefined;
  readonly isSettled: boolean;
  start(): void;
}

/**
 * One call on one id, from the moment it was made until its promise settles.
 *
 * Operations of one id form a lane: a linked list whose head is queued or under way, while
 * those behind it wait. The map of lanes holds the last of each list.
 */
export class Operation<M extends { readonly id: string }, R> implements Lane, Timed {
  readonly queue: BatchQueue<M, R>;
  member: M;
  next: Lane | undefined;
  isSettled = false;
  earlier: Timed | undefined;
  later: Timed | undefined;
  deadline = 0;
  deadlines: Deadlines | undefined;
  /** Told once, when a batch that carries this operation need not wait for it any more. */
  onLeft: (() => void) | undefined;

  readonly #lanes: Map<string, Lane>;
  readonly #resolve: (result: R) => void;
  readonly #reject: (error: Error) => void;
  #sharers: { resolve: (result: R) => void; reject: (error: Error) => void }[] | undefined;
  #state: "waiting" | "queued" | "sent" = "waiting";

  constructor(
    queue: BatchQueue<M, R>,
    lanes: Map<string, Lane>,
    member: M,
    resolve: (result: R) => void,
    reject: (error: Error) => void,
  ) {
    this.queue = queue;
    this.member = member;
    this.#lanes = lanes;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Takes its place behind the earlier operations of its id. */
  enter(): void {
    const last = this.#lanes.get(this.member.id);
    this.#lanes.set(this.member.id, this);
    if (last) last.next = this;
    else this.start();
  }

  /** The same for the only operation of its id, for which the driver has been called already. */
  enterSent(answer: Promise<Results<R>>): void {
    this.#lanes.set(this.member.id, this);
    this.queue.adopt(this, answer);
  }

  start(): void {
    this.#state = "queued";
    this.queue.add(this);
  }

  /** Marks it as part of a batch under way. From then on nobody can share it. */
  send(): void {
    this.#state = "sent";
  }

  /**
   * Lets a second caller have the result too, if the batch has not gone out yet: a result that
   * was asked for earlier may be older than what the second caller has already seen.
   */
  share(member: M, merge: (a: M, b: M) => M): Promise<R> | undefined {
    if (this.#state === "sent" || this.isSettled) return undefined;
    this.member = merge(this.member, member);
    return new Promise((resolve, reject) => {
      this.#sharers ??= [];
      this.#sharers.push({ resolve, reject });
    });
  }

  succeed(result: R): void {
    if (this.isSettled) return;
    this.#resolve(result);
    for (const sharer of this.#sharers ?? []) sharer.resolve(result);
    this.#settle();
  }

  fail(error: Error): void {
    if (this.isSettled) return;
    this.#reject(error);
    for (const sharer of this.#sharers ?? []) sharer.reject(error);
    this.#settle();
  }

  #settle(): void {
    this.isSettled = true;
    this.deadlines?.remove(this);
    this.onLeft?.();
    if (this.#state !== "waiting") this.#leaveLane();
  }

  /** Starts the next operation of this id that has not timed out while it waited. */
  #leaveLane(): void {
    let next = this.next;
    while (next?.isSettled) next = next.next;
    if (next) next.start();
    else this.#lanes.delete(this.member.id);
  }
}
