import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Sends one command of memcached's and resolves to its answer. */
export async function ask(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url.replace("memcached:", "http:"));
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk;
    if (answer.endsWith("\r\n")) socket.end();
  });
  socket.write(command);
  await once(socket, "close");
  return answer;
}

/** Something that listens where a memcached might. */
export interface Listener {
  readonly url: string;
  /** What clients have sent, piece by piece. */
  readonly received: string[];
  /** How many connections are open. */
  connections(): number;
  /** Ends the connections that are open. */
  disconnect(): void;
  close(): Promise<void>;
}

/** Answers each line as the test says; nothing to `undefined`. */
export function imitation(answer: (line: string) => string | undefined): Promise<Listener> {
  return listen((socket, received) => {
    socket.on("data", (chunk) => {
      received.push(`${chunk}`);
      for (const line of `${chunk}`.split("\r\n").slice(0, -1)) socket.write(answer(line) ?? "");
    });
  });
}

/**
 * Stands between clients and a memcached, and passes everything on.
 *
 * @param pieces - How many bytes of the answers go on at a time.
 */
export function between(url: string, pieces = Number.POSITIVE_INFINITY): Promise<Listener> {
  const { hostname, port } = new URL(url.replace("memcached:", "http:"));
  return listen((socket, received) => {
    const server = connect(Number(port), hostname);
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      received.push(`${chunk}`);
      server.write(chunk);
    });
    let sending = Promise.resolve();
    server.on("data", (chunk) => {
      sending = sending.then(async () => {
        for (let i = 0; i < chunk.length; i += pieces) {
          socket.write(chunk.subarray(i, Math.min(i + pieces, chunk.length)));
          if (pieces < chunk.length) await new Promise((resolve) => setImmediate(resolve));
        }
      });
    });
    socket.on("close", () => server.destroy());
    server.on("close", () => socket.destroy());
    server.on("error", () => socket.destroy());
  });
}

async function listen(
  onConnection: (socket: Socket, received: string[]) => void,
): Promise<Listener> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    onConnection(socket, received);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const disconnect = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `memcached://127.0.0.1:${port}`,
    received,
    connections: () => sockets.size,
    disconnect,
    async close() {
      disconnect();
      server.close();
      await once(server, "close");
    },
  };
}
