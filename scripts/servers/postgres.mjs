import { chmod, chown, cp, mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unpackDebian } from "./debian.mjs";
import { findBinary } from "./find-binary.mjs";
import { runTool } from "./run-tool.mjs";
import { singleProcess } from "./single-process.mjs";
import { isRoot, unprivilegedUser } from "./user.mjs";

async function find({ log }) {
  const user = await unprivilegedUser(["postgres", "nobody"]);
  const initdb = await findBinary("initdb", await debianFolders("/"));
  if (initdb) return { bin: dirname(initdb), env: {}, user, root: null };
  const { root, env } = await unpackDebian({
    name: "postgres",
    packages: ["postgresql"],
    // Its just-in-time compiler (LLVM) and Perl are left out: five times the size, and nobody here uses them.
    wanted: (name) =>
      /^(postgresql-(client-)?\d+|lib(pq5|ssl|xml|xslt|icu|lz4|zstd|gssapi|ldap).*)$/.test(name),
    log,
  });
  const [bin] = await debianFolders(root);
  return { bin, env, user, root };
}

/** The folders of the PostgreSQL versions that Debian's packages have put under `root`, newest first. */
async function debianFolders(root) {
  const base = join(root, "usr/lib/postgresql");
  try {
    const versions = (await readdir(base)).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(base, version, "bin"));
  } catch {
    return [];
  }
}

async function prepare(place) {
  const { folder, tools } = place;
  place.data = join(folder, "data");
  place.bin = tools.bin;
  if (tools.root && isRoot()) {
    // The unprivileged user need not be able to reach the cache, in root's home for instance.
    await cp(tools.root, join(folder, "root"), { recursive: true, verbatimSymlinks: true });
    place.bin = tools.bin.replace(tools.root, join(folder, "root"));
    place.env = {
      LD_LIBRARY_PATH: tools.env.LD_LIBRARY_PATH.replaceAll(tools.root, join(folder, "root")),
    };
  }
  await mkdir(place.data, { mode: 0o700 });
  if (tools.user.uid !== undefined) {
    await chmod(folder, 0o711);
    await chown(place.data, tools.user.uid, tools.user.gid);
  }
  await runTool(
    join(place.bin, "initdb"),
    [
      "-D",
      place.data,
      "-U",
      "postgres",
      "-A",
      "trust",
      "-E",
      "UTF8",
      "--no-locale",
      "--no-sync",
      "--no-instructions",
    ],
    { ...tools.user, env: { ...process.env, ...tools.env, ...place.env }, cwd: "/" },
  );
}

function command({ bin, data, port, durable, tools, env }) {
  const settings = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    max_connections: 200,
    fsync: durable ? "on" : "off",
    // Else kill -9 leaves segments in /dev/shm behind.
    dynamic_shared_memory_type: "mmap",
    jit: "off",
    log_min_messages: "warning",
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  return {
    file: join(bin, "postgres"),
    args: ["-D", data, ...flags],
    env: { ...tools.env, ...env },
    ...tools.user,
    cwd: "/",
  };
}

async function isReady({ data }, { pid }) {
  const lines = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
  return lines[0] === String(pid) && lines[7]?.trim() === "ready";
}

/** After kill -9 the System V segment that marks the data folder as in use stays, until it is removed by its number. */
async function release({ data }) {
  try {
    const lines = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
    const segment = lines[6]?.trim().split(/\s+/)[1];
    if (segment) await runTool("ipcrm", ["-m", segment]);
  } catch {
    // It ended in order, or there is no ipcrm: 56 bytes stay.
  }
}

/** PostgreSQL. As root it runs as the user `postgres` or `nobody`, since it refuses to run as root. */
export const postgres = {
  name: "postgres",
  env: "POSTGRES_URL",
  keeps: "kill",
  find,
  open: singleProcess({
    name: "postgres",
    // The "fast" shutdown: SIGTERM would wait until all clients have left.
    stopSignal: "SIGINT",
    prepare,
    command,
    isReady,
    release,
    url: ({ port }) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  }),
};
