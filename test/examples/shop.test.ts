import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { ROOT, Workshop } from "../support/workshop.js";

const SHOP = join(ROOT, "examples/shop/server.mjs");

const workshop = new Workshop();
const sessions = join(workshop.folder, "sessions");
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  rmSync(sessions, { recursive: true, force: true });
});
afterAll(() => workshop.close());

async function start(env: Record<string, string> = {}) {
  const { printed, stop } = await workshop.start([SHOP], { PORT: "", DATABANK_URL: "", ...env });
  stops.push(stop);
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0] ?? "";
  return { printed, stop: () => stops.splice(stops.indexOf(stop), 1)[0]?.(), url };
}

/** Somebody with a browser. */
class Customer {
  #cookie = "";

  get cookie(): string {
    return this.#cookie;
  }

  /** The page that a form leads to, without its tags. */
  async send(url: string, path: string, fields: Record<string, string> = {}): Promise<string> {
    const response = await fetch(url + path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { cookie: this.#cookie },
      redirect: "manual",
    });
    this.#keep(response);
    expect(response.status).toBe(303);
    return this.look(url);
  }

  async look(url: string, cookie = this.#cookie): Promise<string> {
    const response = await fetch(url, { headers: { cookie } });
    this.#keep(response);
    return (await response.text()).replace(/<[^>]+>|\s+/g, " ").replace(/ +/g, " ");
  }

  #keep(response: Response): void {
    const [given] = response.headers.getSetCookie();
    if (given) this.#cookie = given.split(";")[0] ?? "";
  }
}

describe("the shop", () => {
  it("keeps login and cart when it is stopped and started again", async () => {
    const first = await start();
    const ann = new Customer();
    await ann.send(first.url, "/cart", { item: "apple" });
    await ann.send(first.url, "/login", { user: "<ann>" });
    await ann.send(first.url, "/cart", { item: "bread" });
    await first.stop();
    const second = await start();

    const page = await ann.look(second.url);
    expect(page).toContain("Hello, &#60;ann&#62;");
    expect(page).toContain("Apple × 1");
    expect(page).toContain("Bread × 1");
    expect(page).toContain("Cheese × 0");
  });

  it("shares its sessions with a second process on the same folder, logout included", async () => {
    const [first, second] = [await start(), await start()];
    const ann = new Customer();
    await ann.send(first.url, "/login", { user: "ann" });
    await ann.send(second.url, "/cart", { item: "cheese" });
    expect(await ann.look(first.url)).toContain("Cheese × 1");
    const { cookie } = ann;
    await ann.send(second.url, "/logout");

    expect(await ann.look(first.url, cookie)).not.toContain("Hello");
  });

  it("says where it is, where its sessions are and what to try", async () => {
    const { printed, url } = await start();

    expect(printed).toContain(`The shop is open at ${url}`);
    expect(printed).toContain("in the folder ./sessions");
    for (const what of ["start it again", "a second one", "log out", "DATABANK_URL=memory:"]) {
      expect(printed).toContain(what);
    }
    await new Customer().send(url, "/cart", { item: "apple" });
    expect(existsSync(sessions)).toBe(true);
  });

  it("takes a databank and a port from the environment", async () => {
    const port = await freePort();
    const { printed, url } = await start({ DATABANK_URL: "memory:", PORT: `${port}` });
    const page = await new Customer().send(url, "/cart", { item: "apple" });

    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect(printed).toContain("in the memory databank");
    expect(page).toContain("Apple × 1");
    expect(existsSync(sessions)).toBe(false);
  });

  it.each([
    ["a misspelt driver", { DATABANK_URL: "redi://localhost" }, /did you mean redis\?/],
    ["a port that is none", { PORT: "http" }, /could not start: .*port/i],
  ])("says in one line what is wrong: %s", (_what, env, message) => {
    const { status, stderr } = spawnSync(process.execPath, [SHOP], {
      cwd: workshop.folder,
      encoding: "utf8",
      env: { ...process.env, PORT: "0", DATABANK_URL: "memory:", ...env },
    });

    expect(status).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("says at the start that it cannot store sessions, and why", async () => {
    writeFileSync(sessions, "");
    const code = `import(${JSON.stringify(SHOP)}).then(() => process.kill(process.pid, "SIGTERM"))`;
    const printed = execFileSync("sh", ["-c", `"$0" -e '${code}' 2>&1`, process.execPath], {
      cwd: workshop.folder,
      encoding: "utf8",
      env: { ...process.env, PORT: "0", DATABANK_URL: "disk:./sessions" },
    });

    expect(printed).toContain("no session can be stored: The folder ./sessions cannot be used");
    expect(printed).toContain("choose another folder");
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === "object" && address ? address.port : 0;
}
