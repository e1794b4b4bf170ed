import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Schema } from "../../src/databank/driver.js";
import { messageOf } from "./message-of.js";

/** What each process of a crowd does with the databank that it opens; see `crowd-process.mjs`. */
export interface Task {
  readonly url: string;
  readonly schema?: Schema;
  readonly task: "start" | "cleanUp" | "append";
  readonly type: string;
  /** How many entries or items each process makes. */
  readonly count?: number;
}

/** What a process of a starting crowd tells: the ids that it made, and whether it was first. */
export interface Started {
  readonly own: readonly string[];
  readonly isFirst: boolean;
}

/** Lets as many processes do the same at the same moment, and resolves to what came out of each. */
export async function crowd(size: number, task: Task): Promise<readonly unknown[]> {
  const script = join(__dirname, "crowd-process.mjs");
  const children = Array.from({ length: size }, () => fork(script, [JSON.stringify(task)]));
  await Promise.all(children.map(messageOf));
  const results = children.map(resultOf);
  for (const child of children) child.send("go");
  return Promise.all(results);
}

async function resultOf(child: ChildProcess): Promise<unknown> {
  const answer = await messageOf(child);
  const { result, error } = answer as { result?: unknown; error?: string };
  if (error) throw new Error(error);
  return result;
}
