import { DatabankError } from "./errors.js";

// setTimeout treats anything longer as 1 ms.
const MAX_DELAY_MS = 2 ** 31 - 1;

/** A `DATABANK_INVALID_OPTION`; the advice says which option is wrong and what to do. */
export function invalidOption(advice: string, cause?: unknown): DatabankError {
  return new DatabankError(advice, { code: "DATABANK_INVALID_OPTION", cause });
}

/**
 * Refuses options that nobody reads, which are most often misspelt.
 *
 * @param subject - Whose options they are, for the message.
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function checkNames(subject: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidOption(`The options of ${subject} must be an object`);
  }
  const given: [string, unknown][] = Object.entries(options);
  const unknown = given.find(([name, value]) => value !== undefined && !known.includes(name))?.[0];
  if (unknown === undefined) return;
  const similar = similarTo(unknown, known);
  const advice = similar
    ? `did you mean ${similar}?`
    : known.length > 0
      ? `it has ${known.join(", ")}`
      : "it has none";
  throw invalidOption(`${subject} has no option ${unknown}; ${advice}`);
}

/**
 * Checks a duration in milliseconds, from `min` to what a timer can wait (24.8 days).
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function duration(name: string, value: unknown, min = 0): number {
  const isValid = typeof value === "number" && value >= min && value <= MAX_DELAY_MS;
  if (isValid && Number.isInteger(value)) return value;
  throw invalidOption(
    `${name} must be a whole number of milliseconds from ${min} to ${MAX_DELAY_MS}, not ${show(value)}`,
  );
}

/**
 * Checks a whole number.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function wholeNumber(
  name: string,
  value: unknown,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const isValid = typeof value === "number" && value >= min && value <= max;
  if (isValid && Number.isInteger(value)) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw invalidOption(`${name} must be a whole number ${range}, not ${show(value)}`);
}

/**
 * Checks a switch.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function flag(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw invalidOption(`${name} must be true or false, not ${show(value)}`);
}

/**
 * Whether options have something in the place of a URL, such as a client of the program's own. Where
 * it is `undefined` and a URL is beside it, the program has none.
 */
export function isInsteadOfUrl<T, Name extends string>(
  options: T,
  name: Name,
): options is Extract<T, Readonly<Record<Name, unknown>>> {
  if (typeof options !== "object" || options === null || !(name in options)) return false;
  const { url, [name as string]: given } = options as Readonly<Record<string, unknown>>;
  return given !== undefined || url === undefined;
}

/** Options without those that are `undefined`, which would hide what a URL says of them. */
export function withoutUndefined<T extends object>(options: T): T {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as T;
}

/**
 * Checks a text that is not empty. What was given instead is not shown: it may be a secret.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function text(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw invalidOption(`${name} must be a text that is not empty, not ${kindOf(value)}`);
}

/**
 * Checks a function.
 *
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== "function") {
    throw invalidOption(`${name} must be a function, not ${kindOf(value)}`);
  }
}

function show(value: unknown): string {
  return typeof value === "number" || typeof value === "boolean" ? String(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty one";
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

/** The known name that someone who wrote `name` may have meant. */
export function similarTo(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  // A third of the letters may be wrong, or two names as short as "lmdb" would be all alike.
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    // Such as ttl for ttlMs.
    if (wanted.length > 2 && candidate.toLowerCase().startsWith(wanted)) return candidate;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** How many letters must be added, left out, changed or swapped with the next. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      let distance = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + cost,
      );
      const isSwap =
        row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) distance = Math.min(distance, at(beforeLast, column - 2) + 1);
      current.push(distance);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
