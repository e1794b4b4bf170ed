import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import * as ours from "../../src/databank-module.js";
import { connectDatabank } from "../../src/store/store-class.js";
import { Browser } from "../support/browser.js";

const require = createRequire(__filename);

// What version 1 asked for, in the shapes that it had.
interface OldBank {
  connect(params: object, callback: (error: Error | null) => void): void;
  disconnect(callback: (error: Error | null) => void): void;
}
interface OldStore {
  get(sid: string, callback: (error: Error | null, session?: OldSession | null) => void): void;
  set(sid: string, session: object, callback: (error: Error | null) => void): void;
  destroy(sid: string, callback: (error: Error | null) => void): void;
  all(callback: (error: Error | null, sessions?: OldSession[]) => void): void;
  length(callback: (error: Error | null, length?: number) => void): void;
  clear(callback: (error: Error | null) => void): void;
  cleanup(callback: (error: Error | null) => void): void;
  close(): void;
}
type OldSession = Record<string, unknown> & { cookie: { expires?: unknown } };
type OldStoreClass = new (bank: OldBank, log?: unknown, cleanupMs?: number) => OldStore;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The databanks that a program of version 1 may bring: ours, and the old packages'. */
const banks: [name: string, open: () => Promise<OldBank>][] = [
  [
    "disk of connect-databank/databank",
    async () => {
      const dir = await mkdtemp(join(tmpdir(), "version-one-"));
      closers.push(() => rm(dir, { recursive: true }));
      return ours.Databank.get("disk", { dir }) as OldBank;
    },
  ],
  ["memory of databank 1", async () => require("databank").Databank.get("memory", {})],
  ["memory of databank 0.19", async () => require("databank-0").Databank.get("memory", {})],
];

async function connected(open: () => Promise<OldBank>): Promise<OldBank> {
  const bank = await open();
  await called((done) => bank.connect({}, done));
  closers.push(() => called((done) => bank.disconnect(done)));
  return bank;
}

function called<T>(start: (done: (error: Error | null, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function counting(
  request: { session: Record<string, unknown> },
  response: { end(text: string): void },
) {
  request.session.user = "hunter2";
  request.session.views = Number(request.session.views ?? 0) + 1;
  response.end(JSON.stringify({ session: request.session }));
}

for (const [name, open] of banks) {
  describe(`a program of version 1 on ${name}`, () => {
    it("runs on connect 2.30 with its own session, and logs no session id", async () => {
      const connect = require("connect2");
      const bunyan = require("bunyan");
      const lines: string[] = [];
      const stream = { write: (line: string) => lines.push(line) };
      const log = new bunyan({ name: "myapp", streams: [{ level: "debug", stream }] });
      const DatabankStore = connectDatabank(connect);
      const store = new DatabankStore(await connected(open), log, 600_000);
      closers.push(() => store.close());
      const app = connect();
      app.use(connect.cookieParser());
      const cookie = { maxAge: 180_000 };
      app.use(connect.session({ secret: "my dog has fleas", store, cookie }));
      app.use(counting);

      const browser = new Browser(await listen(app));
      await browser.ask("");
      await browser.ask("");
      const { session } = await browser.ask("");

      expect(session?.views).toBe(3);
      expect(lines.length).toBeGreaterThanOrEqual(5);
      expect(lines.join("")).not.toContain(browser.sid);
      expect(lines.join("")).not.toContain("hunter2");
    });

    it("logs whatever version 1 logged, without session ids and contents", async () => {
      const bunyan = require("bunyan");
      const lines: Record<string, unknown>[] = [];
      const stream = { write: (line: string) => lines.push(JSON.parse(line)) };
      const log = new bunyan({ name: "myapp", streams: [{ level: "debug", stream }] });
      const bank = await connected(open);
      const store = new (connectDatabank(require("express-session")))(bank, log);
      closers.push(() => store.close());
      const cookie = { expires: new Date(Date.now() + 60_000) };
      const ended = { cookie: { expires: new Date(Date.now() - 120_000) } };
      // As version 1 stored it: its end is in the cookie alone.
      const Old: OldStoreClass = require("connect-databank-1")(require("express-session"));
      for (const sid of ["secret-ended-1", "secret-ended-2"]) {
        await called((done) => new Old(bank).set(sid, ended, done));
      }

      await store.get("secret-missing");
      await store.set("secret-found", { cookie, user: "hunter2" });
      await store.get("secret-found");
      await store.get("secret-ended-1");
      await store.destroy("secret-found");
      await store.destroy("secret-found");
      await store.all();
      await store.length();
      await store.cleanup();
      await store.clear();
      await store.set("secret-bad", { cookie, n: 1n }).catch(() => {});
      await new Promise((done) => setImmediate(done));

      const told = lines.map(({ msg, found, count, outcome }) =>
        [msg, found, count, outcome].filter((part) => part !== undefined).join(" "),
      );
      for (const line of [
        "Session store: get false", // No session in get()
        "Session store: set created", // Saved session.
        "Session store: get true", // Got session.
        "Session store event: expired 1", // Inactive session; deleted.
        "Session store: destroy true", // Destroy for found session
        "Session store: destroy false", // Destroy for non-existent session; all good.
        "Session store: all 0", // Retrieved all sessions
        "Session store: length 0", // Retrieved count of sessions
        "Starting to clean up sessions", // Starting cleanup.
        "Finished cleaning up sessions 1", // Finished cleaning up.
        "Session store: clear", // Cleared all sessions.
        "Session store: set failed", // the error
      ]) {
        expect(told).toContain(line);
      }
      const of = (part: string) => lines.filter(({ msg }) => String(msg).includes(part));
      for (const { session } of of("destroy")) expect(session).toMatch(/^[\w-]{12}$/);
      expect(of("Starting")[0]?.cleanup).toBe(of("Finished")[0]?.cleanup);
      expect(lines.filter(({ level }) => level === 50)).toHaveLength(1);
      expect(lines.every(({ component }) => component === "connect-databank")).toBe(true);
      expect(JSON.stringify(lines)).not.toMatch(/secret|hunter2/);
    });

    it("runs on connect 3 with cookie-parser and express-session", async () => {
      const connect = require("connect3");
      const expressSession = require("express-session");
      const DatabankStore = connectDatabank(expressSession);
      const store = new DatabankStore(await connected(open), undefined, 600_000);
      closers.push(() => store.close());
      const app = connect();
      app.use(require("cookie-parser")());
      const options = { resave: true, saveUninitialized: true, cookie: { maxAge: 180_000 } };
      app.use(expressSession({ secret: "my dog has fleas", store, ...options }));
      app.use(counting);

      const browser = new Browser(await listen(app));
      await browser.ask("");
      const { session } = await browser.ask("");

      expect(session?.views).toBe(2);
    });

    it("shares its sessions with connect-databank 1.0.3, in both directions", async () => {
      const expressSession = require("express-session");
      const Old: OldStoreClass = require("connect-databank-1")(expressSession);
      const New = connectDatabank(expressSession);
      const bank = await connected(open);
      const [old, store] = [new Old(bank), new New(bank)];
      closers.push(() => store.close());
      const cookie = { expires: new Date(Date.now() + 60_000), originalMaxAge: 60_000 };

      await called((done) => old.set("theirs", { cookie, n: 1 }, done));
      expect(await store.get("theirs")).toMatchObject({ n: 1 });
      const got = (await store.get("theirs")) ?? { cookie: {} };
      await store.set("theirs", Object.assign(got, { n: 2 }));
      await store.set("ours", { cookie, n: 3 });

      expect(await called((done) => old.get("theirs", done))).toMatchObject({ n: 2 });
      expect(await called((done) => old.get("ours", done))).toMatchObject({ n: 3, sid: "ours" });
      await called((done) => old.destroy("ours", done));
      expect(await store.get("ours")).toBeNull();
      expect(await called((done) => old.length(done))).toBe(1);
    });

    it("keeps a session that is touched alive for version 1, too", async () => {
      const expressSession = require("express-session");
      const Old: OldStoreClass = require("connect-databank-1")(expressSession);
      const New = connectDatabank(expressSession);
      const bank = await connected(open);
      const [old, store] = [new Old(bank), new New(bank)];
      closers.push(() => store.close());
      const cookie = { expires: new Date(Date.now() + 1000), originalMaxAge: 1000 };
      await called((done) => old.set("s", { cookie }, done));
      const request = { sessionID: "s", sessionStore: store };
      const live = store.createSession<OldSession>(request, (await store.get("s")) ?? {});
      live.cookie.expires = new Date(Date.now() + 60_000);
      expect(await store.touch("s", live)).not.toBe("gone");

      const seen = await called<OldSession | null | undefined>((done) => old.get("s", done));
      expect(Date.parse(String(seen?.cookie.expires))).toBeGreaterThan(Date.now() + 30_000);
    });

    it("gets from the store what version 1's own tests ask for", async () => {
      const DatabankStore = connectDatabank(require("express-session"));
      const bank = await connected(open);
      const store = new DatabankStore(bank) as unknown as OldStore;
      closers.push(() => store.close());
      const later = new Date(Date.now() + 60_000);
      const sooner = new Date(Date.now() - 120_000);

      expect(DatabankStore.schema).toEqual({ session: { pkey: "sid" } });
      expect((await called((done) => store.get("none", done))) ?? null).toBeNull();
      await called((done) => store.set("a", { cookie: { expires: later }, n: 1 }, done));
      await called((done) => store.set("b", { cookie: { expires: later }, n: 2 }, done));
      await called((done) => store.set("old", { cookie: { expires: sooner }, n: 3 }, done));
      expect(await called((done) => store.get("a", done))).toMatchObject({ n: 1 });
      expect((await called((done) => store.get("old", done))) ?? null).toBeNull();
      expect(await called((done) => store.all(done))).toHaveLength(2);
      expect(await called((done) => store.length(done))).toBe(2);
      await called((done) => store.cleanup(done));
      await called((done) => store.destroy("a", done));
      await called((done) => store.destroy("a", done));
      expect(await called((done) => store.length(done))).toBe(1);
      await called((done) => store.clear(done));
      expect(await called((done) => store.length(done))).toBe(0);
      await called((done) => store.cleanup(done));
    });
  });
}
