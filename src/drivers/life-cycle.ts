import type { Schema } from "../databank/driver.js";
import { NotConnectedError } from "../databank/errors.js";

/** What one driver does where all connect and disconnect in the same way. */
export interface Steps<O, R> {
  /** Opens what has to be closed, or takes what the program passed in. */
  open(): Promise<O>;
  /** Makes ready for a schema, again for each `connect`; gives what the driver's methods need. */
  prepare(opened: O, schema: Schema): R | Promise<R>;
  /** Closes what `open` has opened, and nothing of the program's. */
  close(opened: O): void | Promise<void>;
}

/** The part of a driver that connects and disconnects, one after the other, each as often as asked. */
export function lifeCycle<O, R extends object>({ open, prepare, close }: Steps<O, R>) {
  let opened: O | undefined;
  let ready: R | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function inTurn(task: () => Promise<void>): Promise<void> {
    const turn = last.then(task);
    last = turn.catch(() => {});
    return turn;
  }

  async function leave(): Promise<void> {
    const closing = opened;
    opened = undefined;
    ready = undefined;
    if (closing !== undefined) await close(closing);
  }

  return {
    /** @throws NotConnectedError before `connect` has succeeded, and after `disconnect`. */
    connected(): R {
      if (!ready) throw new NotConnectedError();
      return ready;
    },

    connect: (schema: Schema) =>
      inTurn(async () => {
        opened ??= await open();
        try {
          ready = await prepare(opened, schema);
        } catch (error) {
          // Some clients that have not reached their server go on trying: the next attempt has its own.
          if (!ready) await leave();
          throw error;
        }
      }),

    disconnect: () => inTurn(leave),
  };
}
