import { createHash, randomBytes } from "node:crypto";

// 72 random bits for each process and thread, then a counter: unique without asking the
// operating system for randomness on every write.
const prefix = randomBytes(9).toString("base64url");
let counter = 0;

function token(): string {
  counter += 1;
  return prefix + counter.toString(36);
}

/**
 * The version of an entry that was created, or replaced by someone who did not know it.
 *
 * A version is `life.change`. Writers make it, because databases do not always say which write of
 * a batch won, and because a write repeated after a lost answer must recognise itself.
 */
export function newLife(): string {
  return `${token()}.0`;
}

/** The version of an entry after a change by someone who knew `version`. */
export function nextVersion(version: string): string {
  return `${lifeOf(version)}.${token()}`;
}

/** The part of a version that stays from creation to deletion. */
export function lifeOf(version: string): string {
  return version.slice(0, version.indexOf("."));
}

/** Whether two versions are of one life: whoever holds another life holds something gone. */
export function isSameLife(a: string, b: string): boolean {
  return lifeOf(a) === lifeOf(b);
}

/**
 * The version of an entry that a program of the first generation, or a person, has written.
 * It is made of the content, so that each change shows; all of them share one life.
 */
export function foreignVersion(json: string): string {
  return `foreign.${createHash("sha1").update(json).digest("base64url")}`;
}
