/**
 * Chooses the server of a key. Each key goes to the server that it scores highest with, so that a
 * server more or less moves no keys but its own, whatever the order of the list.
 *
 * @param names - What tells the servers apart, one or more.
 * @returns A function from a key to the place of its server in the list.
 */
export function placement(names: readonly string[]): (key: string) => number {
  const seeds = names.map((name) => mixed(hashOf(name)));
  if (seeds.length === 1) return () => 0;
  return (key) => {
    const hash = hashOf(key);
    let best = 0;
    let bestScore = -1;
    for (const [i, seed] of seeds.entries()) {
      const score = mixed(hash ^ seed);
      if (score <= bestScore) continue;
      best = i;
      bestScore = score;
    }
    return best;
  };
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash;
}

/** Spreads what texts that are alike have in common over all bits, as MurmurHash3 does. */
function mixed(hash: number): number {
  let mix = hash ^ (hash >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}
