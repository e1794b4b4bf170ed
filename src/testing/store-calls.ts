import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

/** A callback as session stores take it. */
export type Answer = (error?: unknown, result?: unknown) => void;

/** What every session store for express-session has. */
export interface AnyStore {
  get(sid: string, callback: Answer): unknown;
  set(sid: string, session: AnySession, callback?: Answer): unknown;
  destroy(sid: string, callback?: Answer): unknown;
  touch?(sid: string, session: AnySession, callback?: Answer): unknown;
  all?(callback: Answer): unknown;
  length?: unknown;
  clear?(callback?: Answer): unknown;
  createSession(request: object, session: AnySession): unknown;
}

/** A session as stores take it: with a cookie. */
export interface AnySession {
  cookie: object;
  [property: string]: unknown;
}

export function lengthOf(store: AnyStore): (callback: Answer) => unknown {
  return store.length as (callback: Answer) => unknown;
}

export function sid(): string {
  return randomUUID();
}

/** A session with a cookie like express-session's, which tells its `maxAge` but not in JSON. */
export function session(data: object, maxAge = 60_000): AnySession {
  const expires = new Date(Date.now() + maxAge);
  const cookie = { originalMaxAge: maxAge, expires, httpOnly: true, path: "/" };
  Object.defineProperty(cookie, "maxAge", { get: () => expires.getTime() - Date.now() });
  return { cookie, ...data };
}

export function dataOf(found: AnySession | null): Record<string, unknown> | null {
  if (!found) return null;
  // Some stores keep notes of their own in what they store.
  const { cookie: _, __lastAccess: _note, sid: _sid, ...data } = found;
  return data;
}

export function call(start: (callback: Answer) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

// express-session takes an error with this code for a missing session.
export function isMissing(error: unknown): void {
  if ((error as { code?: unknown }).code !== "ENOENT") throw error;
}

export async function get(store: AnyStore, id: string): Promise<AnySession | null> {
  const found = await call((callback) => store.get(id, callback)).catch(isMissing);
  return (found as AnySession | null | undefined) ?? null;
}

export async function set(store: AnyStore, id: string, value: AnySession): Promise<void> {
  await call((callback) => store.set(id, value, callback));
}

export async function touch(store: AnyStore, id: string, value: AnySession): Promise<void> {
  await call((callback) => store.touch?.(id, value, callback));
}

export async function destroy(store: AnyStore, id: string): Promise<void> {
  await call((callback) => store.destroy(id, callback));
}

export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, "it did not happen within five seconds");
    await delay(10);
  }
}
