import { basename } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { blocksOf, extensionOf, pagesOf, Workshop } from "../support/workshop.js";

/** How an example is run, and what it has to print. */
interface Run {
  /** Code that stands around a fragment: what it takes for given, and what uses it. */
  readonly before?: string;
  readonly after?: string;
  readonly prints: string;
}

const APP = `
  import express from "express";
  const app = express();`;
const ASK_APP = `
  app.get("/", (request, response) => {
    request.session.views = 1;
    response.send(String(Object.keys(request.session)));
  });
  const server = app.listen(0);
  const answer = await fetch("http://localhost:" + server.address().port);
  console.log(await answer.text(), answer.headers.has("set-cookie"));
  server.close();`;
const ASK_SERVER = `
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address();
  console.log(await (await fetch("http://localhost:" + port)).text());
  server.close();`;

const STORE = `
  import { DatabankStore } from "connect-databank";
  const [store, sid] = [new DatabankStore("memory:"), "an id"];`;
const APP_WITH_STORE = `
  import express from "express";
  import session from "express-session";
  const app = express();
  app.use(session({ secret: "secret", resave: false, saveUninitialized: false, store }));`;
const ASK_CART = `
  const server = app.listen(0);
  const url = "http://localhost:" + server.address().port + "/cart?item=1";
  console.log((await fetch(url, { method: "POST" })).status);
  server.close();`;
const COLLIDING = `const sid = "an id";`;
const COLLIDE = `
  await store.set(sid, { cookie: {}, views: 1 });
  const [mine, theirs] = [await store.get(sid), await store.get(sid)];
  mine.views = 2;
  theirs.views = 3;
  await store.set(sid, theirs);
  await store.set(sid, mine);
  const { cookie, ...data } = await store.get(sid);
  console.log(JSON.stringify(data));`;

const PAGES: Record<string, readonly Run[]> = {
  "README.md": [{ before: APP, after: ASK_APP, prints: "cookie,views true" }],
  "docs/getting-started.md": [
    {
      after: ASK_SERVER,
      prints: "http://localhost:PORT\nPlease log in\n",
    },
    { prints: "Sessions are kept by disk" },
    { after: ASK_SERVER, prints: "http://localhost:PORT\n1 views\n" },
    { after: "console.log(typeof sessions, store.policy().driver)", prints: "function memory" },
  ],
  "docs/sessions.md": [
    {
      before: `const request = { session: { save: (done) => done(null, "gone") } };`,
      prints: "Somebody logged out meanwhile",
    },
    { before: COLLIDING, after: COLLIDE, prints: '{"views":4}' },
    {
      before: `${STORE} await store.set(sid, { cookie: {}, unread: 1 });`,
      after: "console.log((await store.get(sid)).unread);",
      prints: "2",
    },
    {
      before: "const DAY_MS = 1; const request = { body: {}, session: { cookie: {} } };",
      after: "console.log(request.session.cookie.maxAge);",
      prints: "null",
    },
  ],
  "docs/production.md": [
    {
      before: `process.env.DATABANK_URL = "memory:"; process.env.SESSION_PEPPER = "pepper";`,
      after: "console.log(store.policy().maxBytes);",
      prints: "64000",
    },
    { prints: "0 expired sessions deleted" },
    { before: `${STORE} ${APP_WITH_STORE}`, after: ASK_CART, prints: "200" },
    {
      before: STORE,
      after: `store.emit("conflict", { key: "cart", kept: "mine" });`,
      prints: "Conflict on cart: mine",
    },
    { prints: "86400000 { logoutMeansLogout: 'atomic', noLostWrites: 'atomic', durable: true }" },
    {
      before: `${STORE} const [server, bank] = [{ close: (done) => done() }, {
        disconnect: async () => console.log("disconnected"),
      }];`,
      after: `process.emit("SIGTERM");`,
      prints: "disconnected",
    },
  ],
  "docs/store.md": [
    {
      before: `const [bank, options] = ["memory:", { ttlMs: 1000 }];`,
      after: "console.log(store.policy().ttlMs);",
      prints: "1000",
    },
    { before: STORE, prints: "created written gone" },
    {
      before: STORE,
      after: `store.emit("conflict", { session: "s", key: "cart", kept: "mine" });`,
      prints: "1 cart mine",
    },
    { prints: "true classic" },
  ],
  "docs/databank.md": [
    { prints: "mars 2" },
    { prints: "memory disk disk" },
    { prints: "true false ann" },
    { prints: "vertigo" },
    { prints: "[album Blue] unknown" },
    { prints: "1" },
  ],
  "docs/errors.md": [{ prints: "There is no such planet" }],
};

const workshop = new Workshop();
afterAll(() => workshop.close());

describe.each(Object.entries(PAGES))("the examples of %s", (page, runs) => {
  const examples = blocksOf(page, "js");

  it("are as many as this test knows", () => {
    expect(examples).toHaveLength(runs.length);
  });

  it.each(runs.map((run, i) => [i + 1, run] as const))("run (%i)", (number, run) => {
    const example = examples[number - 1] ?? "";
    const { before = "", after = "", prints } = run;
    const code = [before, example, after].join("\n");
    const file = workshop.write(`example.${extensionOf(example)}`, code);
    const printed = workshop.run([file], { PORT: "0", SESSION_SECRET: "secret" });

    expect(printed.replace(/localhost:\d+/, "localhost:PORT")).toBe(`${prints}\n`);
  });
});

describe("the first application", () => {
  it("answers to curl as the page says", async () => {
    const [code = ""] = blocksOf("docs/getting-started.md", "js");
    const file = workshop.write("app.mjs", code);
    const env = { PORT: "0", SESSION_SECRET: "secret", DATABANK_URL: "memory:" };
    const { printed, stop } = await workshop.start([file], env);
    try {
      const asked = blocksOf("docs/getting-started.md", "sh").find((text) => /^curl/.test(text));
      const lines = [...(asked ?? "").matchAll(/^curl .*?(-X POST )?(http\S+)\n# (.*)$/gm)];
      let cookie = "";
      for (const [, post, url = "", answer] of lines) {
        const { pathname } = new URL(url);
        const method = post ? "POST" : "GET";
        const response = await fetch(printed.trim() + pathname, { method, headers: { cookie } });
        cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
        expect(await response.text(), `${method} ${pathname}`).toBe(`${answer}\n`);
      }
      expect(lines).toHaveLength(5);
    } finally {
      await stop();
    }
  });
});

const DRIVER_PAGES = pagesOf().filter((page) => /^docs\/drivers\/\w+\.md$/.test(page));
const IN_THIS_MACHINE = ["disk", "lmdb", "memory", "sqlite", "tiered"];
// They wait for a server before they make a store.
const WAITING = /await (connect\(|createClient)/;
const HAS_SQLITE = process.getBuiltinModule?.("node:sqlite") !== undefined;

describe("the examples of the drivers' pages that make a store", () => {
  const examples = DRIVER_PAGES.flatMap((page) =>
    blocksOf(page, "js")
      .filter((code) => code.includes("new DatabankStore(") && !WAITING.test(code))
      .filter((code) => HAS_SQLITE || !code.includes("node:sqlite"))
      .map((code, i) => [basename(page, ".md"), i + 1, code] as const),
  );

  it("are on each page", () => {
    const names = DRIVER_PAGES.map((page) => basename(page, ".md"));
    expect([...new Set(examples.map(([name]) => name))]).toEqual(names);
  });

  it.each(examples)("run: %s (%i)", (name, number, code) => {
    // One that imports something is a program of its own; a single line is not.
    const isWhole = code.includes("import ");
    const file = workshop.write(
      `${name}-${number}.mjs`,
      `${isWhole ? "" : 'import { DatabankStore } from "connect-databank";'}
      const ca = undefined;
      ${code}
      console.log(store.policy().driver);
      if (${IN_THIS_MACHINE.includes(name)}) {
        await store.set("an id", { cookie: {}, views: 1 });
        console.log((await store.get("an id")).views);
      }
      process.exit();`,
    );

    const printed = workshop.run([file], { MONGODB_URL: "mongodb://db.example.com" });

    expect(printed).toBe(IN_THIS_MACHINE.includes(name) ? `${name}\n1\n` : `${name}\n`);
  });
});

describe("examples that would need a server, or a program around them", () => {
  const tested = [...Object.keys(PAGES), "docs/writing-a-driver.md"];
  const others = pagesOf().filter((page) => !tested.includes(page));
  const examples = others.flatMap((page) =>
    blocksOf(page, "js").map((code, i) => [`${page} (${i + 1})`, code] as const),
  );

  it.each(examples)("are JavaScript: %s", (_name, code) => {
    // A page may show two ways to write the same, before and after.
    for (const part of code.split(/^\/\/ after$/m)) {
      const file = workshop.write(`parsed.${extensionOf(part)}`, part);
      expect(workshop.run(["--check", file])).toBe("");
    }
  });
});

describe("docs/writing-a-driver.md", () => {
  const [driver = "", tests = "", use = ""] = blocksOf("docs/writing-a-driver.md", "js");

  it("has a driver that passes the contract", () => {
    workshop.write("file-driver.mjs", driver);
    const file = workshop.write("file-driver.test.mjs", tests);
    const report = workshop.run(["--test", "--test-reporter=tap", file]);
    const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(report)?.[1]);

    expect(count("pass")).toBeGreaterThan(80);
    expect(count("fail")).toBe(0);
  }, 180_000);

  it("uses it by a URL", () => {
    workshop.write("file-driver.mjs", driver);

    expect(workshop.run([workshop.write("use.mjs", use)])).toBe("ann file\n");
  });
});
