import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { vi } from "vitest";
import type { Databank } from "../../src/databank/databank.js";

/** A way to a server, on which nothing may be heard any more though nobody has hung up. */
export interface SilentProxy {
  /** The server's URL by this way. */
  readonly url: string;
  /** From now on the open connections carry nothing; new ones do. */
  silence(): void;
  close(): Promise<void>;
}

/** Opens another way to the server of a URL. */
export async function proxyTo(url: string): Promise<SilentProxy> {
  const address = new URL(url);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(Number(address.port), address.hostname);
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      open.add(from);
      from.on("data", (data) => to.write(data));
      from.on("error", () => {});
      from.on("close", () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: url.replace(address.host, `127.0.0.1:${port}`),
    silence() {
      for (const socket of open) socket.removeAllListeners("data").resume();
    },
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Saves an entry again and again, until that succeeds. */
export async function untilSaved(bank: Databank, timeoutMs: number): Promise<void> {
  const isSaved = () =>
    bank.save("session", "silent", 1).then(
      () => true,
      () => false,
    );
  await vi.waitUntil(isSaved, { timeout: timeoutMs });
}
