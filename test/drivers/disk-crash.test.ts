import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { expectNothingLost } from "../support/killed-writers.js";

const TIMES = 50;

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "disk-crash-"));
});

afterAll(async () => {
  await rm(dir, { recursive: true });
});

describe("a process that is killed while it writes", () => {
  it(`leaves every acknowledged write, ${TIMES} times, and no lock that stops the next one`, async () => {
    await expectNothingLost(`disk:${dir}`, TIMES, 20);
  });
});
