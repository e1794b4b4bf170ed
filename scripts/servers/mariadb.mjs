import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { exists } from "./cache.mjs";
import { unpackDebian } from "./debian.mjs";
import { findBinary } from "./find-binary.mjs";
import { findMysqld, mysqlProcess } from "./mysql-process.mjs";
import { runTool } from "./run-tool.mjs";
import { Unavailable } from "./unavailable.mjs";
import { isRoot } from "./user.mjs";

// Behind the name of the product, which is the older one up to MariaDB 10.11.
const SYSTEM_TABLES = ["system_tables.sql", "performance_tables.sql", "system_tables_data.sql"];

async function find({ log }) {
  // Older releases call the program as MySQL does.
  const installed = (await findBinary("mariadbd")) ?? (await findMysqld("MariaDB"));
  if (installed) {
    return { server: installed, share: await findShare(join(installed, "../..")), env: {} };
  }
  const unpacked = await unpackDebian({
    name: "mariadb",
    packages: ["mariadb-server-core"],
    wanted: (name) =>
      /^(mariadb-server-core|lib(aio|uring|pmem|ssl|systemd|numa|snappy).*)$/.test(name),
    log,
  });
  const server = await unpacked.find("mariadbd");
  return { server, share: await findShare(join(unpacked.root, "usr")), env: unpacked.env };
}

/** The folder with the server's messages, and the files of SQL that make the system's own tables. */
async function findShare(prefix) {
  for (const folder of ["share/mysql", "share/mariadb"].map((name) => join(prefix, name))) {
    for (const product of ["mysql", "mariadb"]) {
      const files = SYSTEM_TABLES.map((name) => join(folder, `${product}_${name}`));
      if (await exists(files[0])) return { folder, files };
    }
  }
  throw new Unavailable(
    `MariaDB is here, but its ${SYSTEM_TABLES[0]} is not found below ${prefix}`,
  );
}

function settings({ folder, durable, tools }) {
  return [
    // The first argument, or else files of the machine's own server are read.
    "--no-defaults",
    `--datadir=${join(folder, "data")}`,
    // Each of these servers deletes the temporary files of all others in that folder when it starts.
    `--tmpdir=${folder}`,
    `--lc-messages-dir=${tools.share.folder}`,
    `--innodb-flush-log-at-trx-commit=${durable ? 1 : 2}`,
    "--innodb-log-file-size=16M",
    // Containers often forbid io_uring.
    "--skip-innodb-use-native-aio",
    "--innodb-buffer-pool-size=64M",
    "--skip-name-resolve",
    ...(isRoot() ? ["--user=root"] : []),
  ];
}

async function prepare(place) {
  const { tools } = place;
  await mkdir(join(place.folder, "data"));
  const tables = await Promise.all(tools.share.files.map((file) => readFile(file, "utf8")));
  // The account root, without a password, of 127.0.0.1 only, and no anonymous one.
  const accounts =
    "SET @auth_root_socket=NULL, @skip_auth_anonymous=1, @current_hostname='localhost';";
  const input = [
    "CREATE DATABASE mysql;",
    "USE mysql;",
    accounts,
    ...tables,
    "CREATE DATABASE databank;",
    "",
  ].join("\n");
  await runTool(tools.server, [...settings(place), "--bootstrap", "--max-allowed-packet=8M"], {
    input,
    env: { ...process.env, ...tools.env },
  });
}

/** MariaDB. */
export const mariadb = {
  name: "mariadb",
  env: "MARIADB_URL",
  keeps: "kill",
  find,
  open: mysqlProcess({ name: "mariadb", settings, prepare }),
};
