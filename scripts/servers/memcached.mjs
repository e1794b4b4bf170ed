import { converse } from "./converse.mjs";
import { unpackDebian } from "./debian.mjs";
import { findBinary } from "./find-binary.mjs";
import { singleProcess } from "./single-process.mjs";
import { isRoot } from "./user.mjs";

async function find({ log }) {
  const installed = await findBinary("memcached");
  if (installed) return { server: installed, env: {} };
  const unpacked = await unpackDebian({
    name: "memcached",
    packages: ["memcached"],
    wanted: (name) => /^(memcached|lib(event|sasl|ssl).*)$/.test(name),
    log,
  });
  return { server: await unpacked.find("memcached"), env: unpacked.env };
}

/** memcached. It holds everything in memory: a restart empties it. */
export const memcached = {
  name: "memcached",
  env: "MEMCACHED_URL",
  keeps: "nothing",
  find,
  open: singleProcess({
    name: "memcached",
    command: ({ port, tools }) => ({
      file: tools.server,
      // As root it insists on being told a user.
      args: [
        "-l",
        "127.0.0.1",
        "-p",
        String(port),
        "-U",
        "0",
        // Megabytes, or else what one benchmark stores pushes out what another needs.
        "-m",
        "1024",
        ...(isRoot() ? ["-u", "root"] : []),
      ],
      env: tools.env,
    }),
    isReady: async ({ port }, { pid }) => {
      const stats = await converse(port, "stats\r\n", (text) => text.endsWith("END\r\n"));
      return stats.includes(`STAT pid ${pid}\r\n`);
    },
    url: ({ port }) => `memcached://127.0.0.1:${port}`,
  }),
};
