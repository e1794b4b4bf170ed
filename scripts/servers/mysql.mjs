import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "./run-tool.mjs";
import { isRoot } from "./user.mjs";

/** Whether a server program is MySQL's own: MariaDB's may be called `mysqld` too. */
export async function isMysql(server) {
  return !(await runTool(server, ["--no-defaults", "--version"])).includes("MariaDB");
}

/** The arguments of MySQL's server with its data in `folder`. What older releases do not know is "loose". */
export function mysqlArguments({ folder, durable, tools }) {
  return [
    // The first argument, or else files of the machine's own server are read.
    "--no-defaults",
    // Its messages are found from there, where it was unpacked and not installed.
    `--basedir=${join(tools.server, "../..")}`,
    `--datadir=${join(folder, "data")}`,
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

/** Makes MySQL's data folder, with the account root, without a password, of this machine only. */
export async function prepareMysql(place) {
  const { folder, tools } = place;
  const file = join(folder, "databank.sql");
  await writeFile(file, "CREATE DATABASE databank;\n");
  const args = ["--initialize-insecure", `--init-file=${file}`];
  await runTool(tools.server, [...mysqlArguments(place), ...args]);
}
