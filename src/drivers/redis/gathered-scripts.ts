import type { Connection } from "./connection.js";
import { errorIn, runOnKeys, type Script } from "./scripts.js";

interface Call {
  readonly key: string;
  readonly args: readonly string[];
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/**
 * Runs scripts that give one result for each of their keys: those of one moment are one command,
 * which costs the client, and the server's beginning and ending of a script, only once.
 *
 * In a cluster, where keys lie on different servers, each is a command of its own.
 */
export class GatheredScripts {
  readonly #connection: Connection;
  readonly #isCluster: boolean;
  readonly #waiting = new Map<Script, Call[]>();

  constructor(connection: Connection, isCluster: boolean) {
    this.#connection = connection;
    this.#isCluster = isCluster;
  }

  /** Resolves to the result for this key; rejects with what the server says of it. */
  run(script: Script, key: string, args: readonly string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const call = { key, args, resolve, reject };
      if (this.#isCluster) {
        void this.#send(script, [call]);
        return;
      }
      const waiting = this.#waiting.get(script);
      if (waiting) {
        waiting.push(call);
        return;
      }
      this.#waiting.set(script, [call]);
      queueMicrotask(() => {
        const calls = this.#waiting.get(script) ?? [];
        this.#waiting.delete(script);
        void this.#send(script, calls);
      });
    });
  }

  async #send(script: Script, calls: readonly Call[]): Promise<void> {
    const keys = calls.map(({ key }) => key);
    const args = calls.flatMap((call) => call.args);
    try {
      const reply = await runOnKeys(this.#connection, script, keys, args);
      const results: readonly unknown[] = Array.isArray(reply) ? reply : [];
      for (const [i, call] of calls.entries()) {
        const error = errorIn(results[i]);
        if (error) call.reject(error);
        else call.resolve(results[i]);
      }
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }
}
