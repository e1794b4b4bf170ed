import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.mjs";
import { isRedisReady, redisArguments } from "./redis.mjs";
import { redisCommand } from "./redis-command.mjs";
import { ServerProcess } from "./server-process.mjs";

/** Makes one of several Redis processes that belong together, with more settings than those that every one has. */
export async function makeNode({ group, name, settings }, { folder, tools, durable, tls }) {
  const place = { folder: join(folder, name), port: await freePort(), durable };
  await mkdir(place.folder);
  const secure = tls && (await tlsSettings(place.folder, tls));
  const flags = Object.entries({ ...settings, ...secure }).flatMap(([key, value]) => [
    `--${key}`,
    String(value),
  ]);
  const server = new ServerProcess({
    name: `${group} ${name}`,
    logFile: join(place.folder, "server.log"),
    command: () => ({
      file: tools.server,
      args: [...redisArguments(place), ...flags],
      env: tools.env,
    }),
    isReady: ({ pid }) => isRedisReady(place.port, pid),
  });
  return { name, port: place.port, tlsPort: secure?.["tls-port"], server };
}

// Beside the port without TLS, which is for the commands of tests.
async function tlsSettings(folder, { key, cert }) {
  const [keyFile, certFile] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  await Promise.all([writeFile(keyFile, key), writeFile(certFile, cert)]);
  return {
    "tls-port": await freePort(),
    "tls-key-file": keyFile,
    "tls-cert-file": certFile,
    // It vouches for itself, also where the nodes speak with one another.
    "tls-ca-cert-file": certFile,
    "tls-auth-clients": "no",
    "tls-cluster": "yes",
    "tls-replication": "yes",
  };
}

/** What tests may do with one of several Redis processes; see `RedisNode` in index.d.mts. */
export function nodeControls({ name, port, server }) {
  const command = (...words) => redisCommand(port, ...words);
  const isMaster = async () => (await command("INFO", "replication")).includes("role:master");
  return {
    name,
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return server.pid;
    },
    command,
    isMaster,
    start: () => server.start(),
    stop: () => server.stop(),
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
  };
}

/** What can be done with all processes of a server together. */
export function groupControls(made) {
  const every = (verb) => Promise.all(made.map(({ server }) => server[verb]()));
  return {
    get pids() {
      return made.map(({ server }) => server.pid).filter((pid) => pid !== null);
    },
    start: () => every("start"),
    stop: () => every("stop"),
    kill: () => every("kill"),
    pause: () => every("pause"),
    resume: () => every("resume"),
    release: async () => {},
  };
}
