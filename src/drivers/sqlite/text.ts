const UNSAFE = /[\\\0]|\p{Surrogate}/gu;
// Without regard to whole surrogate pairs, which is quicker, and enough for nearly all texts.
const MAYBE_UNSAFE = /[\\\0\ud800-\udfff]/;
const ESCAPED = /\\u([0-9a-f]{4})/g;

// A backslash alone, which no other text becomes. Pages begin after the empty text.
const EMPTY = "\\";

/**
 * A type or an id as SQLite can keep it: itself, but for NUL, at which bindings cut texts, for
 * lone surrogates, which UTF-8 does not have, and for the backslash, which escapes these. It is
 * never empty.
 */
export function toText(text: string): string {
  if (text === "") return EMPTY;
  if (!MAYBE_UNSAFE.test(text)) return text;
  return text.replace(UNSAFE, (unit) => {
    const code = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });
}

/** Takes {@link toText} back. */
export function fromText(text: string): string {
  if (text === EMPTY) return "";
  if (!text.includes("\\")) return text;
  return text.replace(ESCAPED, (_match, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** A text as a literal of SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as an identifier of SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
