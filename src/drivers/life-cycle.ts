import type { Schema } from "../databank/driver.js";
import { NotConnectedError } from "../databank/errors.js";
import { withinMs } from "../databank/within.js";

// Some clients never end to open or to close when their server is silent, and the next attempt waits
// for this one. As long as the databank waits for a connection at least.
const PATIENCE_MS = 30_000;

/** What one driver does where all connect and disconnect in the same way. */
export interface Steps<O, R> {
  /** Opens what has to be closed, or takes what the program passed in. */
  open(): Promise<O>;
  /** Makes ready for a schema, again for each `connect`; gives what the driver's methods need. */
  prepare(opened: O, schema: Schema): R | Promise<R>;
  /** Closes what `open` has opened, and nothing of the program's. */
  close(opened: O): void | Promise<void>;
}

interface Opened<O> {
  readonly it: O;
  closing?: Promise<void> | undefined;
}

/** The part of a driver that connects and disconnects, one after the other, each as often as asked. */
export function lifeCycle<O, R extends object>({ open, prepare, close }: Steps<O, R>) {
  let opened: Opened<O> | undefined;
  let ready: R | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function inTurn(task: () => Promise<void>): Promise<void> {
    const turn = last.then(task);
    last = turn.catch(() => {});
    return turn;
  }

  async function leave(): Promise<void> {
    ready = undefined;
    const leaving = opened;
    if (!leaving) return;
    // What takes its time goes on to close: not every client bears to be told twice.
    leaving.closing ??= Promise.resolve(close(leaving.it)).catch((error: unknown) => {
      leaving.closing = undefined;
      throw error;
    });
    // What fails to close stays, so that it can be tried again.
    await withinMs(leaving.closing, PATIENCE_MS);
    opened = undefined;
  }

  async function openInTime(): Promise<O> {
    const opening = open();
    try {
      return await withinMs(opening, PATIENCE_MS);
    } catch (error) {
      // It may come yet, and nobody else would close it.
      opening.then(close).catch(() => {});
      throw error;
    }
  }

  return {
    /** @throws NotConnectedError before `connect` has succeeded, and after `disconnect`. */
    connected(): R {
      if (!ready) throw new NotConnectedError();
      return ready;
    },

    connect: (schema: Schema) =>
      inTurn(async () => {
        // What could not be closed is of no use to anybody.
        if (!ready) opened = undefined;
        opened ??= { it: await openInTime() };
        try {
          ready = await prepare(opened.it, schema);
        } catch (error) {
          // Some clients that have not reached their server go on trying: the next attempt has its own.
          if (!ready) await leave().catch(() => {});
          throw error;
        }
      }),

    disconnect: () => inTurn(leave),
  };
}
