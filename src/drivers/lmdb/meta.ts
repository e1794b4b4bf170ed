/** What is kept of an entry beside its value, so that a touch does not write the value again. */
export interface Meta {
  readonly version: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** When cleanup looks at the entry: at its deadline, or at an earlier one that it had. */
  readonly cleanupAt: number | null;
  /** Where the id is too long for the key. */
  readonly id?: string;
}

/** A JSON array, because its names would be longer than its values. */
export function toText({ version, createdAt, expiresAt, cleanupAt, id }: Meta): string {
  const fields = [version, createdAt, expiresAt, cleanupAt];
  return JSON.stringify(id === undefined ? fields : [...fields, id]);
}

/** Takes {@link toText} back, and throws where that was not what made the text. */
export function toMeta(text: string): Meta {
  const fields: unknown = JSON.parse(text);
  if (!Array.isArray(fields)) throw new TypeError("not an array");
  const [version, createdAt, expiresAt, cleanupAt, id] = fields;
  const isMeta =
    typeof version === "string" &&
    typeof createdAt === "number" &&
    isMoment(expiresAt) &&
    isMoment(cleanupAt) &&
    (id === undefined || typeof id === "string");
  if (!isMeta) throw new TypeError("not what the driver writes");
  return { version, createdAt, expiresAt, cleanupAt, ...(id === undefined ? {} : { id }) };
}

function isMoment(value: unknown): boolean {
  return value === null || typeof value === "number";
}
