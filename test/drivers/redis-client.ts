/** What clients of the package `redis` have in common, as far as these tests use it. */
export interface Client {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  listenerCount(event: string): number;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

/** Opens a client as a program would. */
export async function openClient(url: string): Promise<Client> {
  const name = "redis";
  const { createClient } = (await import(name)) as {
    createClient(options: object): Client;
  };
  const client = createClient({ url });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Takes a command in the place of the server, by calling `send` or not. */
export type Hook = (args: readonly string[], send: () => Promise<unknown>) => Promise<unknown>;

/** A client that writes down what it is asked, and lets a test come between. */
export function spied(client: Client): {
  readonly client: object;
  readonly commands: string[];
  hook: Hook;
} {
  const spy = {
    commands: [] as string[],
    hook: ((_args, send) => send()) as Hook,
    client: {
      isOpen: true,
      isReady: true,
      on: () => {},
      off: () => {},
      sendCommand(args: readonly string[]) {
        spy.commands.push(args[0] ?? "");
        return spy.hook(args, () => client.sendCommand(args));
      },
    },
  };
  return spy;
}
