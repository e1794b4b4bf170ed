import { afterEach, describe, expect, it, vi } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { DatabankStore } from "../../src/store/store-class.js";
import { FRAMEWORKS, startApp } from "../support/app.mjs";
import { Browser } from "../support/browser.js";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function open(framework: string, sessionOptions: object = {}) {
  const store = new DatabankStore(new Databank(memoryDriver()));
  const app = await startApp({ framework, store, sessionOptions });
  closers.push(app.close, () => store.close());
  return { store, browser: new Browser(app.url) };
}

describe.each(Object.keys(FRAMEWORKS))("express-session on %s", (framework) => {
  it("keeps a session from request to request", async () => {
    const { browser } = await open(framework);
    await browser.set("user", "ann");
    await browser.set("cart", [1]);

    expect(await browser.session()).toEqual({ user: "ann", cart: [1] });
  });

  it("stores nothing for a visitor without a session", async () => {
    const { store, browser } = await open(framework);
    await browser.ask("look");

    expect(await store.length()).toBe(0);
    expect(browser.cookie).toBe("");
  });

  it("stores every visitor's session with saveUninitialized", async () => {
    const { store, browser } = await open(framework, { saveUninitialized: true });
    await browser.ask("look");

    expect(await store.length()).toBe(1);
  });

  it("regenerate gives a new id and forgets the old session", async () => {
    const { store, browser } = await open(framework);
    await browser.set("user", "ann");
    const before = browser.cookie;
    await browser.ask("regenerate", { key: "user", value: "bob" });

    expect(browser.cookie).not.toBe(before);
    expect(await browser.session()).toEqual({ user: "bob" });
    expect(await store.length()).toBe(1);
  });

  it("reload brings what another request saved, and saving afterwards is no conflict", async () => {
    const { store, browser } = await open(framework);
    await browser.set("user", "ann");
    const other = browser.at(browser.url);
    const held = browser.ask("reload", { gate: "reload", key: "mine", value: 1 });
    await browser.arrived("reload");
    await other.set("theirs", 1);
    await browser.open("reload");
    await held;

    expect(await browser.session()).toEqual({ user: "ann", theirs: 1, mine: 1 });
    expect(store.counts).toMatchObject({ conflict: 0, merged: 0 });
  });

  it("saves twice in one request, and once more at its end", async () => {
    const { store, browser } = await open(framework);
    await browser.set("user", "ann");
    const { result } = await browser.ask("save", { times: 2 });

    expect(result).toEqual(["written", "written"]);
    expect(await browser.session()).toEqual({ user: "ann", saves: 2 });
    expect(store.counts).toMatchObject({ conflict: 0, merged: 0 });
  });

  it("destroy logs out", async () => {
    const { store, browser } = await open(framework);
    await browser.set("user", "ann");
    await browser.ask("logout");

    expect(await browser.session()).toBeNull();
    expect(await store.length()).toBe(0);
  });

  it("setting the session to null destroys it with unset: destroy, and keeps it otherwise", async () => {
    for (const [unset, left] of [
      ["destroy", 0],
      ["keep", 1],
    ] as const) {
      const { store, browser } = await open(framework, { unset });
      await browser.set("user", "ann");
      await browser.ask("unset");

      expect(await store.length()).toBe(left);
    }
  });

  it("unset: destroy ends the session for a request that is still running", async () => {
    const { store, browser } = await open(framework, { unset: "destroy", rolling: true });
    await browser.set("user", "ann");
    const held = [
      browser.set("cart", 1, "unset-set"),
      browser.ask("look", { gate: "unset-look" }),
      browser.ask("maxAge", { ms: 90_000, gate: "unset-age" }),
    ];
    const gates = ["unset-set", "unset-look", "unset-age"];
    for (const gate of gates) await browser.arrived(gate);
    await browser.at(browser.url).ask("unset");
    for (const gate of gates) await browser.open(gate);
    const answers = await Promise.all(held);

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await store.length()).toBe(0);
    expect(store.counts["resurrection-prevented"]).toBe(3);
  });

  it("resave: true does not write a session without changes", async () => {
    const { browser, store } = await open(framework, { resave: true });
    await browser.set("user", "ann");
    const held = browser.ask("look", { gate: "resave" });
    await browser.arrived("resave");
    await browser.at(browser.url).set("cart", 1);
    await browser.open("resave");
    await held;

    expect(await browser.session()).toEqual({ user: "ann", cart: 1 });
    expect(store.counts).toMatchObject({ merged: 0 });
  });

  it("rolling sends the cookie again, and the session lives on", async () => {
    const { browser } = await open(framework, { rolling: true, cookie: { maxAge: 400 } });
    await browser.set("user", "ann");
    for (let i = 0; i < 4; i += 1) {
      await new Promise((done) => setTimeout(done, 150));
      await browser.ask("look");
    }

    expect(await browser.session()).toEqual({ user: "ann" });
  });

  it("a session that is used lives on, and one that is not ends", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const { browser } = await open(framework, { cookie: { maxAge: 60_000 } });
      await browser.set("user", "ann");
      for (let i = 0; i < 4; i += 1) {
        vi.advanceTimersByTime(40_000);
        expect(await browser.session()).toEqual({ user: "ann" });
      }
      vi.advanceTimersByTime(60_001);

      expect(await browser.session()).toBeNull();
    } finally {
      vi.useRealTimers();
    }
  });

  it("a browser session stays one: its cookie gets no expiry", async () => {
    const { browser } = await open(framework, { cookie: { maxAge: null } });
    await browser.set("user", "ann");
    const { session } = await browser.ask("look");

    expect(session?.cookie).toMatchObject({ expires: null, originalMaxAge: null });
  });
});
