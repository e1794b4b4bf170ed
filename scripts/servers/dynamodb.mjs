import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { singleProcess } from "./single-process.mjs";
import { Unavailable } from "./unavailable.mjs";

const PROJECT = resolve(import.meta.dirname, "../..");

/** It is one of the packages that only tests use: installed beside them, and linked into the root. */
async function find() {
  for (const folder of [PROJECT, join(PROJECT, "test/peers")]) {
    try {
      const manifest = createRequire(join(folder, "package.json")).resolve("dynalite/package.json");
      return { program: join(dirname(manifest), "cli.js") };
    } catch {
      // The next folder may have it.
    }
  }
  throw new Unavailable("dynalite is not installed; run node scripts/peers.mjs test/peers");
}

/** dynalite, which speaks DynamoDB's protocol. It accepts any credentials, but asks for some. */
export const dynamodb = {
  name: "dynamodb",
  env: "DYNAMODB_URL",
  keeps: "kill",
  find,
  open: singleProcess({
    name: "dynamodb",
    command: ({ folder, port, tools, durable }) => ({
      file: process.execPath,
      args: [
        tools.program,
        ...["--host", "127.0.0.1", "--port", String(port)],
        ...(durable ? ["--path", join(folder, "data")] : []),
        // By default it imitates the half second that a table takes to be made.
        ...["Create", "Update", "Delete"].flatMap((verb) => [
          `--${verb.toLowerCase()}TableMs`,
          "0",
        ]),
      ],
    }),
    isReady: ({ port }, { log }) => log.includes(`listening at: http://127.0.0.1:${port}`),
    url: ({ port }) => `dynamodb://test:test@127.0.0.1:${port}`,
  }),
};
