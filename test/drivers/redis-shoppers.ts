import { expect } from "vitest";
import type { RedisNode } from "../../scripts/servers/index.mjs";
import type { Databank } from "../../src/databank/databank.js";
import { DatabankError } from "../../src/databank/errors.js";
import { DatabankStore } from "../../src/store/store-class.js";

/** Somebody whose session is saved again and again, each time after another look at it. */
export interface Shopper {
  readonly sid: string;
  acknowledged: number;
  isPaused: boolean;
  isIdle: boolean;
}

/** Lets sixteen people shop meanwhile, and expects each session to hold what was acknowledged. */
export async function withShoppers(
  bank: Databank,
  body: (shoppers: readonly Shopper[]) => Promise<void>,
): Promise<void> {
  const store = new DatabankStore(bank, { log: null });
  const shoppers = Array.from({ length: 16 }, (_, i): Shopper => {
    return { sid: `shopper ${i}`, acknowledged: 0, isPaused: false, isIdle: false };
  });
  let isOver = false;
  const shopping = Promise.all(shoppers.map((shopper) => shop(store, shopper, () => isOver)));
  try {
    // What goes wrong while shopping ends the wait for progress.
    await Promise.race([body(shoppers), shopping]);
    isOver = true;
    await shopping;

    for (const { sid, acknowledged } of shoppers) {
      const session: unknown = await store.get(sid);
      expect(session).toMatchObject({ n: acknowledged });
    }
  } finally {
    isOver = true;
    await shopping.catch(() => {});
    await store.close();
    await bank.disconnect();
  }
}

async function shop(store: DatabankStore, shopper: Shopper, isOver: () => boolean): Promise<void> {
  // To the end with a success, so that what is stored is what was acknowledged.
  for (let isAcknowledged = false; !isOver() || !isAcknowledged; ) {
    shopper.isIdle = shopper.isPaused && isAcknowledged;
    if (shopper.isIdle) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      continue;
    }
    const n = shopper.acknowledged + 1;
    try {
      const found = (await store.get(shopper.sid)) as { n?: number } | null | undefined;
      // A save that failed may have been carried out.
      if (shopper.acknowledged > 0) expect([n - 1, n]).toContain(found?.n);
      await store.set(shopper.sid, { cookie: { originalMaxAge: 600_000 }, n });
      shopper.acknowledged = n;
      isAcknowledged = true;
    } catch (error) {
      if (!(error instanceof DatabankError)) throw error;
      isAcknowledged = false;
    }
  }
}

/** Kills a master while nobody shops, and has everybody go on when its replica has all that it had. */
export function killed(
  shoppers: readonly Shopper[],
  master: RedisNode,
  replica: RedisNode,
): Promise<void> {
  return replaced(shoppers, master, replica, () => master.kill());
}

/** The same with a master that stops without hanging up. */
export function frozen(
  shoppers: readonly Shopper[],
  master: RedisNode,
  replica: RedisNode,
): Promise<void> {
  return replaced(shoppers, master, replica, () => master.pause());
}

async function replaced(
  shoppers: readonly Shopper[],
  master: RedisNode,
  replica: RedisNode,
  end: () => Promise<void>,
): Promise<void> {
  for (const shopper of shoppers) shopper.isPaused = true;
  await until(() => shoppers.every(({ isIdle }) => isIdle));
  await replicated(master, replica);
  await end();
  for (const shopper of shoppers) shopper.isPaused = false;
  // A sentinel ends all connections of the one that it promotes, the one of this question too.
  await until(() => replica.isMaster().catch(() => false));
}

/** Until each has had something acknowledged that was asked for from now on. */
export async function progress(shoppers: readonly Shopper[]): Promise<void> {
  const goals = shoppers.map(({ acknowledged }) => acknowledged + 5);
  await until(() => shoppers.every(({ acknowledged }, i) => acknowledged >= (goals[i] ?? 0)));
}

/** Until a replica has all that its master has. */
async function replicated(master: RedisNode, replica: RedisNode): Promise<void> {
  const offset = async (node: RedisNode, field: string) =>
    new RegExp(`${field}:(\\d+)`).exec(await node.command("INFO", "replication"))?.[1];
  await until(async () => {
    const sent = await offset(master, "master_repl_offset");
    return sent !== undefined && sent === (await offset(replica, "slave_repl_offset"));
  });
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 10));
}
