import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { registerDrivers } from "../../src/drivers/catalog.js";
import type { DatabankStoreOptions } from "../../src/store/options.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { FRAMEWORKS, startApp } from "./app.mjs";
import { Browser } from "./browser.js";
import { messageOf } from "./message-of.js";

registerDrivers();

/** Fifty saves of one session take turns, and a machine may be busy with something else. */
const BUSY_TIMEOUT_MS = 25_000;

/** What the promises' tests need of a database. */
export interface PromisesOptions {
  /** Where the sessions are; a driver whose databank is one object in one process opens it here. */
  readonly bank: () => string | object;
  /** A URL by which a second process reaches the same sessions, where there can be one. */
  readonly url?: () => string;
  readonly frameworks?: readonly string[];
}

interface Servers {
  /** Two servers that share the sessions, and what ends them. */
  readonly urls: readonly [string, string];
  readonly close: () => Promise<void>;
}

/**
 * P1, logout means logout, and P2, no lost writes, over real HTTP: each on one server, on two
 * stores in one process, and on two processes.
 */
export function testPromises(name: string, options: PromisesOptions): void {
  for (const framework of options.frameworks ?? Object.keys(FRAMEWORKS)) {
    // One type for each run: nothing has to be emptied, and nothing left over is in the way.
    const storeOptions: DatabankStoreOptions = { type: `session-${randomUUID()}` };
    const settings = { framework, storeOptions };
    describe(`${name}, ${framework}, one server`, () => {
      suite(() => oneServer(options, settings));
    });
    describe(`${name}, ${framework}, two stores in one process`, () => {
      suite(() => twoStores(options, settings));
    });
    if (options.url) {
      const { url } = options;
      describe(`${name}, ${framework}, two processes`, () => {
        suite(() => twoProcesses(url(), options, settings));
      });
    }
  }
}

interface Settings {
  readonly framework: string;
  readonly storeOptions: DatabankStoreOptions;
}

async function oneServer({ bank }: PromisesOptions, settings: Settings): Promise<Servers> {
  const app = await server(bank(), settings);
  return { urls: [app.url, app.url], close: app.close };
}

async function twoStores({ bank }: PromisesOptions, settings: Settings): Promise<Servers> {
  const shared = bank();
  const [first, second] = [await server(shared, settings), await server(shared, settings)];
  const close = async () => {
    await first.close();
    await second.close();
  };
  return { urls: [first.url, second.url], close };
}

async function twoProcesses(
  url: string,
  { bank }: PromisesOptions,
  settings: Settings,
): Promise<Servers> {
  const app = await server(bank(), settings);
  const script = join(__dirname, "app-process.mjs");
  const child = fork(script, [JSON.stringify({ url, ...settings })]);
  const close = async () => {
    if (child.connected) {
      child.disconnect();
      await once(child, "exit");
    }
    await app.close();
  };
  try {
    const { url: secondUrl } = (await messageOf(child)) as { url: string };
    return { urls: [app.url, secondUrl], close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function server(given: string | object, { framework, storeOptions }: Settings) {
  const isUrl = typeof given === "string";
  const bank = isUrl ? Databank.open(given, { timeoutMs: BUSY_TIMEOUT_MS }) : given;
  const store = new DatabankStore(bank, storeOptions);
  const app = await startApp({ framework, store });
  const close = async () => {
    await app.close();
    await store.close();
    if (isUrl) await (bank as Databank).disconnect();
  };
  return { url: app.url, close };
}

function suite(start: () => Promise<Servers>): void {
  let servers: Servers;
  beforeAll(async () => {
    servers = await start();
  });
  afterAll(async () => {
    await servers.close();
  });

  /** Somebody who is logged in, in front of both servers. */
  async function loggedIn(): Promise<[first: Browser, second: Browser]> {
    const [first, second] = servers.urls;
    const browser = new Browser(first);
    await browser.set("user", "ann");
    return [browser, browser.at(second)];
  }

  describe("logout means logout", () => {
    for (const [what, action, query] of [
      ["changes it", "set", { key: "cart", value: 1 }],
      ["changes its lifetime", "maxAge", { ms: 90_000 }],
      ["only looks at it", "look", {}],
      ["deletes a property", "delete", { key: "user" }],
    ] as const) {
      it(`a request that began before a logout and ${what} afterwards does not bring it back`, async () => {
        const [slow, quick] = await loggedIn();
        const gate = randomUUID();

        const held = slow.ask(action, { ...query, gate });
        await slow.arrived(gate);
        const { status } = await quick.ask("logout");
        await slow.open(gate);
        const answer = await held;

        expect(status).toBe(200);
        expect(answer.status).toBe(200);
        expect(await slow.session()).toBeNull();
        expect(await quick.session()).toBeNull();
      });
    }

    it("the old session does not survive a new one under a new id", async () => {
      const [slow, quick] = await loggedIn();
      const old = slow.cookie;
      const gate = randomUUID();

      const held = slow.set("cart", 1, gate);
      await slow.arrived(gate);
      await quick.ask("regenerate", { key: "user", value: "bob" });
      await slow.open(gate);
      await held;

      expect(await new Browser(servers.urls[0], old).session()).toBeNull();
      expect(await quick.session()).toEqual({ user: "bob" });
    });
  });

  describe("no lost writes", () => {
    for (const parallel of [4, 50]) {
      it(`${parallel} parallel requests that each set a key of their own all keep it`, async () => {
        const browsers = await loggedIn();
        const gate = randomUUID();

        const held = Array.from({ length: parallel }, (_, i) =>
          browsers[i % 2]?.set(`key${i}`, i, `${gate}-${i}`),
        );
        await Promise.all(held.map((_, i) => browsers[i % 2]?.arrived(`${gate}-${i}`)));
        await Promise.all(held.map((_, i) => browsers[i % 2]?.open(`${gate}-${i}`)));
        await Promise.all(held);

        const expected = Object.fromEntries(held.map((_, i) => [`key${i}`, i]));
        expect(await browsers[0].session()).toEqual({ user: "ann", ...expected });
      });
    }

    it("a deletion survives a parallel change of another key", async () => {
      const [slow, quick] = await loggedIn();
      await slow.set("coupon", "x");
      const gate = randomUUID();

      const held = slow.set("cart", 1, gate);
      await slow.arrived(gate);
      await quick.ask("delete", { key: "coupon" });
      await slow.open(gate);
      await held;

      expect(await slow.session()).toEqual({ user: "ann", cart: 1 });
    });

    it("logging out by null beats a parallel change of the same key", async () => {
      const [slow, quick] = await loggedIn();
      const gate = randomUUID();

      const held = slow.set("user", "ann, seen", gate);
      await slow.arrived(gate);
      await quick.set("user", null);
      await slow.open(gate);
      await held;

      expect(await slow.session()).toEqual({ user: null });
    });
  });
}
