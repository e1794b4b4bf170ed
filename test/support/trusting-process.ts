import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const ROOT = join(__dirname, "../..");

/**
 * Saves and reads over the built package in a process that trusts a certificate, and resolves to what
 * that prints.
 */
export async function saveTrusting(cert: string, url: string) {
  const folder = await mkdtemp(join(tmpdir(), "trusting-"));
  try {
    await writeFile(join(folder, "cert.pem"), cert);
    const code = `
      const { Databank } = require("./dist/databank-module.js");
      const bank = Databank.open(${JSON.stringify(url)});
      const ids = Array.from({ length: 20 }, (_, i) => "id " + i);
      Promise.all(ids.map((id) => bank.save("session", id, "by TLS")))
        .then(() => bank.readAll("session", ids))
        .then((found) => console.log(...new Set(Object.values(found))), console.error)
        .then(() => bank.count("session"))
        .then(console.log, console.error)
        .finally(() => bank.disconnect());`;
    // Node looks at this variable when it starts.
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") };
    return await promisify(execFile)(process.execPath, ["-e", code], { cwd: ROOT, env });
  } finally {
    await rm(folder, { recursive: true });
  }
}
