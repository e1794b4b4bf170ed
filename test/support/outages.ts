import { describe, expect, it } from "vitest";
import type { OwnServer, ServerName } from "../../scripts/servers/index.mjs";
import { Databank } from "../../src/databank/databank.js";
import { DatabankError } from "../../src/databank/errors.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { ownServer } from "./servers.js";

const WORKERS = 16;
const OUTAGES = 5;
const TIMEOUT_MS = 1500;
/** How late a callback may be beyond its time-out on a machine that is busy with something else. */
const SLACK_MS = 10_000;

/** One session that is saved again and again under the next number. */
interface Saved {
  readonly sid: string;
  asked: number;
  acknowledged: number;
}

/** Somebody who saves sessions, one at a time. */
interface Worker {
  readonly name: string;
  /** The sessions so far. Only the last one is still saved: later saves would hide lost ones. */
  readonly sessions: [Saved, ...Saved[]];
  asked: number;
  acknowledged: number;
  failed: number;
}

/**
 * Ends a real server in the middle of the load and starts it again, five times: every callback
 * fires once and in time, no acknowledged write is missing where the server keeps its data, and
 * work goes on without a restart. Then the same with a server that is down at the start.
 *
 * @param toUrl - Makes a databank's URL of the server's.
 */
export function testOutages(server: ServerName, toUrl: (url: string) => string = (url) => url) {
  const open = ({ url }: OwnServer) =>
    new DatabankStore(Databank.open(toUrl(url), { timeoutMs: TIMEOUT_MS }), { log: null });

  describe("outages", () => {
    it("five in the middle of the load lose nothing that was acknowledged", async () => {
      const own = await ownServer(server);
      const store = open(own);
      try {
        const workers = Array.from({ length: WORKERS }, (_, i) => newWorker(`worker-${i}`));
        let isOver = false;
        const working = Promise.all(workers.map((worker) => work(store, worker, () => isOver)));
        try {
          for (let outage = 0; outage < OUTAGES; outage += 1) {
            await progress(workers);
            if (own.keeps === "stop") await own.stop();
            else await own.kill();
            for (const worker of workers) worker.sessions.unshift(newSession(worker));
            await failures(workers);
            await own.start();
          }
          await progress(workers);
        } finally {
          isOver = true;
          await working;
        }

        const sessions = workers.flatMap((worker) => worker.sessions);
        for (const { sid, acknowledged, asked } of sessions) {
          const stored = await get(store, sid);
          if (own.keeps === "nothing" && stored === null) continue;
          const least = own.keeps === "nothing" ? 0 : acknowledged;
          expect(stored?.n ?? 0, sid).toBeGreaterThanOrEqual(least);
          expect(stored?.n ?? 0, sid).toBeLessThanOrEqual(asked);
        }
      } finally {
        await store.close();
        await own.close();
      }
    }, 180_000);

    it("one at the start is over when the server is there", async () => {
      const own = await ownServer(server);
      await own.stop();
      const store = open(own);
      try {
        const before = await attempt((done) => store.set("early", session(1), done));
        await own.start();
        const worker = newWorker("late");
        let isOver = false;
        const working = work(store, worker, () => isOver);
        await progress([worker]);
        isOver = true;
        await working;

        expect(before).toBeInstanceOf(DatabankError);
        expect((await get(store, worker.sessions[0].sid))?.n).toBe(worker.asked);
      } finally {
        await store.close();
        await own.close();
      }
    });
  });
}

function session(n: number) {
  return { cookie: { originalMaxAge: 600_000 }, n };
}

function newWorker(name: string): Worker {
  const first = { sid: `${name}-0`, asked: 0, acknowledged: 0 };
  return { name, sessions: [first], asked: 0, acknowledged: 0, failed: 0 };
}

/** What a worker saves from the next save on. */
function newSession({ name, sessions }: Worker): Saved {
  return { sid: `${name}-${sessions.length}`, asked: 0, acknowledged: 0 };
}

/** Saves a session again and again, as a busy user does, and goes on after an error. */
async function work(store: DatabankStore, worker: Worker, isOver: () => boolean): Promise<void> {
  do {
    const [saved] = worker.sessions;
    worker.asked += 1;
    saved.asked += 1;
    const turn = worker.asked;
    const n = saved.asked;
    const error = await attempt((done) => store.set(saved.sid, session(n), done));
    if (error === null) {
      worker.acknowledged = turn;
      saved.acknowledged = n;
    } else {
      expect(error).toBeInstanceOf(DatabankError);
      worker.failed += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } while (!isOver() || worker.acknowledged < worker.asked);
}

/** Resolves to what a callback was given first, and fails where it comes late or twice. */
function attempt(call: (done: (error?: unknown) => void) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error("A callback was not called in time")),
      TIMEOUT_MS + SLACK_MS,
    );
    let calls = 0;
    call((error) => {
      calls += 1;
      clearTimeout(late);
      if (calls > 1) throw new Error("A callback was called twice");
      resolve(error ?? null);
    });
  });
}

async function get(store: DatabankStore, sid: string): Promise<{ readonly n: number } | null> {
  const found: unknown = await store.get(sid);
  return (found ?? null) as { readonly n: number } | null;
}

/** Until each worker has had something acknowledged that it asked for from now on. */
async function progress(workers: readonly Worker[]): Promise<void> {
  const goals = workers.map(({ asked }) => asked + 5);
  await until(() => workers.every(({ acknowledged }, i) => acknowledged >= (goals[i] ?? 0)));
}

/** Until each worker has been told of an error. */
async function failures(workers: readonly Worker[]): Promise<void> {
  const before = workers.map(({ failed }) => failed);
  await until(() => workers.every(({ failed }, i) => failed > (before[i] ?? 0)));
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}
