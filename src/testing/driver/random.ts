/** Numbers that look random and are the same for the same seed: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0, less than 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0, less than `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }

  shuffle<T>(members: readonly T[]): T[] {
    return members
      .map((member) => [this.next(), member] as const)
      .sort(([a], [b]) => a - b)
      .map(([, member]) => member);
  }
}

/** A string of any code units, those that are trouble more often than others. */
export function randomString(random: Random): string {
  const length = random.pick([0, 1, 2, 5, 10, 40]);
  let text = "";
  for (let i = 0; i < length; i += 1) {
    text += random.pick([
      () => String.fromCharCode(random.below(0x80)),
      () => String.fromCharCode(random.below(0x10000)),
      () => String.fromCodePoint(0x10000 + random.below(0x10000)),
      () => random.pick(["\0", "\ud800", "\udfff", "'", '"', "\\", "%", "$", ".", ":", "é", " "]),
    ])();
  }
  return text;
}

/** Any JSON value. */
export function randomValue(random: Random, depth = 4): unknown {
  switch (random.below(depth === 0 ? 4 : 7)) {
    case 0:
      return null;
    case 1:
      return random.next() < 0.5;
    case 2:
      return randomNumber(random);
    case 3:
      return randomString(random);
    case 4:
      return Array.from({ length: random.below(5) }, () => randomValue(random, depth - 1));
    default:
      return randomObject(random, depth);
  }
}

function randomObject(random: Random, depth: number): unknown {
  const properties = Array.from({ length: random.below(6) }, () => [
    random.next() < 0.5 ? randomString(random) : random.pick(["__proto__", "", "$a", "a.b", "0"]),
    randomValue(random, depth - 1),
  ]);
  return Object.fromEntries(properties);
}

function randomNumber(random: Random): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, random.below(2 ** 32));
  view.setUint32(4, random.below(2 ** 32));
  const number = view.getFloat64(0);
  return random.pick([
    0,
    random.below(1000),
    -random.below(2 ** 31),
    random.next(),
    Number.isFinite(number) ? number : 1,
  ]);
}
