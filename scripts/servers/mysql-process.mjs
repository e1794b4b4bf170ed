import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findBinary } from "./find-binary.mjs";
import { runTool } from "./run-tool.mjs";
import { singleProcess } from "./single-process.mjs";

/** Resolves to the path of a `mysqld` that runs and is MySQL's own, or MariaDB's, or to null. */
export async function findMysqld(product) {
  const server = await findBinary("mysqld");
  if (server === null) return null;
  const version = await runTool(server, ["--no-defaults", "--version"]).catch(() => null);
  if (version === null) return null;
  return version.includes("MariaDB") === (product === "MariaDB") ? server : null;
}

/**
 * Makes the `open` of a server of MySQL's family, with an account root without a password and a database called `databank`.
 * - `settings(place)`: the arguments of the server, and of the program that makes its data
 * - `prepare(place)`: makes its data
 */
export function mysqlProcess({ name, settings, prepare }) {
  return singleProcess({
    name,
    prepare,
    command: (place) => ({
      file: place.tools.server,
      args: [
        ...settings(place),
        "--bind-address=127.0.0.1",
        `--port=${place.port}`,
        `--socket=${join(place.folder, "socket")}`,
        `--pid-file=${join(place.folder, "pid")}`,
        "--max-connections=200",
      ],
      env: place.tools.env,
    }),
    // It writes the file when it has begun to listen.
    isReady: async ({ folder }, { pid }) =>
      (await readFile(join(folder, "pid"), "utf8")).trim() === String(pid),
    url: ({ port }) => `mysql://root@127.0.0.1:${port}/databank`,
  });
}
