import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** What a process tells next. One that ends before it does is an error, not a wait for ever. */
export async function messageOf(child: ChildProcess): Promise<unknown> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    const ended = once(child, "exit", { signal }).then(([code, killedBy]) => {
      throw new Error(`A process ended with ${code ?? killedBy} before it told anything`);
    });
    const [message] = await Promise.race([once(child, "message", { signal }), ended]);
    return message;
  } finally {
    waiting.abort();
  }
}
