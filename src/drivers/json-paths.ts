// In paths, and in the JSON that the databank writes, such a name stands as it is, without escapes.
const PLAIN_NAME = /^[^"\\\p{Cc}\p{Surrogate}]+$/u;
const NUMBER = /^(?:0|[1-9]\d*)$/;
// Each doubles the places to look at.
const MAX_NUMBERS = 3;

/**
 * The places that a dotted path of the databank may lead to, as the JSON functions of SQL write
 * them, the one that wins first: a property with the whole path as its name, or one with the part
 * before the first full stop and so on inwards. `undefined` where they could not be relied on to
 * find what the databank does.
 */
export function jsonPaths(path: string): readonly string[] | undefined {
  const names = path.split(".");
  if (!names.every((name) => PLAIN_NAME.test(name))) return undefined;
  if (names.filter((name) => NUMBER.test(name)).length > MAX_NUMBERS) return undefined;
  let prefixes = ["$"];
  const paths: string[] = [];
  for (const [i, name] of names.entries()) {
    const rest = names.slice(i).join(".");
    paths.push(...prefixes.flatMap((prefix) => steps(prefix, rest)));
    prefixes = prefixes.flatMap((prefix) => steps(prefix, name));
  }
  return [...new Set(paths)];
}

// A whole number is the name of a property, or leads into an array.
function steps(prefix: string, name: string): readonly string[] {
  const property = `${prefix}."${name}"`;
  return NUMBER.test(name) ? [property, `${prefix}[${name}]`] : [property];
}
