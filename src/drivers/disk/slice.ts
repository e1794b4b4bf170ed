// How long files may keep the event loop from everything else at a stretch.
const SLICE_MS = 8;

/**
 * Visits some names: until a number of them is reached, or until it has taken long.
 *
 * @returns The name to go on after; `null` when there are no more.
 */
export function visitSome(
  names: Iterable<string>,
  limit: number,
  visit: (name: string) => void,
): string | null {
  const end = performance.now() + SLICE_MS;
  let visited = 0;
  for (const name of names) {
    visit(name);
    visited += 1;
    if (visited >= limit || performance.now() > end) return name;
  }
  return null;
}
