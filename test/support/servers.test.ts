import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { servers, startServers } from "../../scripts/servers/index.mjs";
import { ended, processTree } from "../../scripts/servers/process-tree.mjs";
import { ownServer } from "./servers.js";

const ROOT = path.resolve(__dirname, "../..");
const RUN = path.join(ROOT, "scripts/servers/run.mjs");
const VITEST = path.join(ROOT, "node_modules/vitest/vitest.mjs");
// The guard gives servers 3 s to end in order before it kills them.
const END_LIMIT_MS = 10_000;

/** Resolves to whether somebody listens where a URL points (its first host, if it names several). */
function isListening(url: string): Promise<boolean> {
  const [, host, port] = /([\d.]+):(\d+)/.exec(url) ?? [];
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

describe.each(servers)("a $name server of one's own", ({ name }) => {
  it("starts, stops, is killed, starts again at the same place, and leaves nothing", async () => {
    const server = await ownServer(name);
    onTestFinished(() => server.close());
    const { url } = server;
    const seen: number[] = [];
    const look = async () => {
      for (const pid of server.pids) seen.push(...(await processTree(pid)));
      return isListening(url);
    };

    expect(await look()).toBe(true);
    await server.stop();
    expect(await look()).toBe(false);
    await server.start();
    expect(await look()).toBe(true);
    await server.kill();
    expect(await look()).toBe(false);
    await server.start();
    expect(await look()).toBe(true);
    await server.close();

    expect(server.url).toBe(url);
    expect(await ended(seen, 0)).toBe(true);
    expect(existsSync(server.folder)).toBe(false);
  });
});

describe("a server of one's own", () => {
  it("answers nothing while it is paused, and goes on afterwards", async () => {
    const server = await ownServer("memcached");
    onTestFinished(() => server.close());
    const port = Number(new URL(server.url).port);
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let received = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      received += text;
    });

    await server.pause();
    socket.write("version\r\n");
    // Long enough for a server that was not paused: it answers within a millisecond.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(received).toBe("");

    await server.resume();
    await expect.poll(() => received).toMatch(/^VERSION /);
  });

  it("ends in order even when it was paused", async () => {
    const server = await ownServer("memcached");
    const { pids } = server;

    await server.pause();
    await server.close();

    expect(await ended(pids, 0)).toBe(true);
  });

  it("may be closed twice", async () => {
    const server = await ownServer("memcached");

    await server.close();

    await expect(server.close()).resolves.toBeUndefined();
  });

  it("shares nothing with another of its kind", async () => {
    const both = await Promise.all([ownServer("redis"), ownServer("redis")]);
    onTestFinished(async () => void (await Promise.all(both.map((server) => server.close()))));

    expect(new Set(both.map(({ url }) => url)).size).toBe(2);
    expect(new Set(both.map(({ folder }) => folder)).size).toBe(2);
  });
});

describe("a Redis Cluster of one's own", () => {
  it("hands a master's keys to its replica, in order and by kill -9", async () => {
    const cluster = await ownServer("redis-cluster");
    onTestFinished(() => cluster.close());
    const holder = async () => {
      const node = await cluster.masterOf("a");
      if (!node) throw new Error("No node holds the key");
      return node;
    };
    const standby = async () => {
      const node = await cluster.replicaOf(await holder());
      if (!node) throw new Error("The master has no replica");
      return node;
    };
    await (await holder()).command("SET", "a", "1");
    await (await holder()).command("WAIT", 1, 1_000);

    const next = await standby();
    await next.failover();
    expect(await next.isMaster()).toBe(true);
    await cluster.untilWhole();
    expect(await (await holder()).command("GET", "a")).toBe("1");

    const last = await standby();
    await next.kill();
    await expect.poll(() => last.isMaster()).toBe(true);
    expect(await last.command("GET", "a")).toBe("1");

    await next.start();
    await cluster.untilWhole();
    expect(await next.isMaster()).toBe(false);
  });
});

describe("startServers", () => {
  it("uses a server that the environment names, and starts none beside it", async () => {
    const environment = { MEMCACHED_URL: "memcached://127.0.0.1:1" };

    const running = await startServers({ names: ["memcached"], environment });
    await running.stop();

    expect(running.urls).toEqual(environment);
    expect(running.skipped).toEqual([]);
  });

  it("skips, with a reason of one line, what does not start", async () => {
    const { stderr, env } = await runToEnd(["memcached"], { TMPDIR: "/nowhere" });

    expect(stderr).toMatch(/^memcached: skipped, .+$/m);
    expect(env.MEMCACHED_URL).toBeUndefined();
    expect(env.SERVERS_SKIPPED).toMatch(/^\{"MEMCACHED_URL":".+"\}$/);
  });

  it("takes the server that comes first on PATH, and does not take MySQL for MariaDB", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "servers-test-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const programs = [
      "first/mysqld",
      "first/valkey-server",
      "second/mariadbd",
      "second/redis-server",
    ];
    for (const program of programs) {
      const file = path.join(folder, program);
      await mkdir(path.dirname(file), { recursive: true });
      const script = `[ "$2" = --version ] && exit\necho "error: ${program} was given $*"\nexit 1\n`;
      await writeFile(file, `#!/bin/sh\n${script}`, { mode: 0o755 });
    }
    const PATH = ["first", "second"].map((name) => path.join(folder, name)).join(path.delimiter);

    const { stderr } = await runToEnd(["mariadb", "mysql", "redis"], {
      PATH: `${PATH}${path.delimiter}${process.env.PATH}`,
      MARIADB_URL: "",
      MYSQL_URL: "",
      REDIS_URL: "",
    });

    expect(stderr).toMatch(/^mysql: skipped, .*first\/mysqld was given .*--initialize-insecure/m);
    expect(stderr).toMatch(/^mariadb: skipped, MariaDB is here, but/m);
    expect(stderr).toMatch(/^redis: skipped, .*first\/valkey-server was given/m);
  });

  it("gives the command its URLs, and its exit code back", async () => {
    const { code, env } = await runToEnd(["memcached"], {}, 3);

    expect(code).toBe(3);
    expect(env.MEMCACHED_URL).toMatch(/^memcached:\/\/127\.0\.0\.1:\d+$/);
  });

  /** Runs the command line with a command that prints its environment. */
  async function runToEnd(names: string[], environment: NodeJS.ProcessEnv, exitCode = 0) {
    const command = `console.log(JSON.stringify(process.env)); process.exitCode = ${exitCode}`;
    const env = { ...process.env, MEMCACHED_URL: "", ...environment };
    const child = spawn(process.execPath, [RUN, ...names, "--", process.execPath, "-e", command], {
      env,
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output.stderr += text;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    const printed: Record<string, string | undefined> = JSON.parse(output.stdout);
    if (printed.MEMCACHED_URL === "") delete printed.MEMCACHED_URL;
    return { code, stderr: output.stderr, env: printed };
  }
});

describe("the end of whoever started servers", () => {
  let folder: string | null = null;

  afterEach(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Starts servers in a process of its own, and resolves to it and to all that it started. */
  async function startElsewhere(args: string[]): Promise<{ child: ChildProcess; pids: number[] }> {
    folder = await mkdtemp(path.join(tmpdir(), "servers-test-"));
    const env = { ...process.env, TMPDIR: folder, REDIS_URL: "", POSTGRES_URL: "" };
    // Postgres, as another user, has to reach its folder.
    const child = spawn("sh", ["-c", 'chmod 755 "$TMPDIR"; exec "$@"', "sh", ...args], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.startsWith("Running")) break;
    }
    // The guard ends by itself when it has done its work.
    const pids = child.pid === undefined ? [] : await processTree(child.pid);
    return { child, pids };
  }

  it.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
    "by %s is the servers' end",
    async (signal) => {
      const { child, pids } = await startElsewhere([process.execPath, RUN, "redis", "postgres"]);
      expect(pids.length).toBeGreaterThan(3);

      child.kill(signal);

      expect(await ended(pids, END_LIMIT_MS)).toBe(true);
      expect(folder && existsSync(folder) && (await leftIn(folder))).toEqual([]);
    },
  );

  it("by an error is the servers' end", async () => {
    const program = `
      import { startServers } from ${JSON.stringify(RUN.replace("run.mjs", "index.mjs"))};
      await startServers({ names: ["redis"] });
      console.error("Running");
      process.stdin.resume();
      setTimeout(() => { throw new Error("planned") }, 500);
    `;
    const { pids } = await startElsewhere([process.execPath, "--input-type=module", "-e", program]);
    expect(pids.length).toBeGreaterThan(2);

    expect(await ended(pids, END_LIMIT_MS)).toBe(true);
    expect(folder && (await leftIn(folder))).toEqual([]);
  });
});

describe("tests that need a server", () => {
  /** Runs the fixture in a Vitest of its own, and resolves to its tests' states by their names. */
  async function runFixture(environment: NodeJS.ProcessEnv): Promise<Record<string, string>> {
    const folder = await mkdtemp(path.join(tmpdir(), "servers-test-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const config = path.join(folder, "vitest.config.mjs");
    const include = ["test/support/servers-fixture.ts"];
    await writeFile(config, `export default ${JSON.stringify({ test: { include } })};`);
    const report = path.join(folder, "report.json");
    const args = [VITEST, "run", "--root", ROOT, "--config", config];
    // A file where the cache should be: nothing can be fetched.
    const env = { ...process.env, SERVERS_CACHE: config, CI: "", ...environment };
    const child = spawn(process.execPath, [...args, "--reporter=json", `--outputFile=${report}`], {
      env,
      cwd: ROOT,
      stdio: "ignore",
    });
    await new Promise((resolve) => child.on("close", resolve));
    const { testResults } = JSON.parse(await readFile(report, "utf8"));
    const results: { fullName: string; status: string }[] = testResults[0].assertionResults;
    return Object.fromEntries(results.map(({ fullName, status }) => [fullName, status]));
  }

  it("are given its URL", async () => {
    const states = await runFixture({ FIXTURE_URL: "fixture:" });

    expect(states["FIXTURE_URL is given fixture:"]).toBe("passed");
  });

  it("are skipped with the reason where it is missing", async () => {
    const states = await runFixture({ SERVERS_SKIPPED: '{"FIXTURE_URL":"no such thing"}' });

    expect(states).toEqual({
      "FIXTURE_URL needs a server: no such thing": "skipped",
      "has a server of its own": "skipped",
    });
  });

  it("fail in continuous integration", async () => {
    const states = await runFixture({ CI: "true" });

    expect(states).toEqual({
      "FIXTURE_URL needs a server: it is not set": "failed",
      "has a server of its own": "failed",
    });
  });
});

async function leftIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith("databank-"));
}
