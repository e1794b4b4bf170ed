import { readFile } from "node:fs/promises";
import { Unavailable } from "./unavailable.mjs";

/** Whether this process may do everything. */
export function isRoot() {
  return process.getuid?.() === 0;
}

/**
 * Resolves to `{ uid, gid }` of the first of the named users that this machine has, for a server that refuses to run as root,
 * or to `{}` where we are not root ourselves.
 * @throws Unavailable where it has none of them
 */
export async function unprivilegedUser(names) {
  if (!isRoot()) return {};
  const users = (await readFile("/etc/passwd", "utf8")).split("\n").map((line) => line.split(":"));
  for (const name of names) {
    const user = users.find((fields) => fields[0] === name);
    if (user) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new Unavailable(`it does not run as root, and there is no user ${names.join(" or ")}`);
}
