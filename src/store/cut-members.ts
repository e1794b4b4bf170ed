const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];

/** A property as it stands in the text of its object. */
export interface CutMember {
  readonly name: string;
  /** The name in quotes, a colon and the value. */
  readonly text: string;
  /** Where in `text` the value begins. */
  readonly valueStart: number;
}

/**
 * Cuts the JSON text of an object into the texts of its properties, without parsing them.
 *
 * @returns `null` for anything that is not written as `JSON.stringify` writes objects.
 */
export function cutMembers(json: string): CutMember[] | null {
  const members: CutMember[] = [];
  const end = json.length - 1;
  if (json === "{}") return members;
  if (json.charCodeAt(0) !== OPEN_OBJECT || json.charCodeAt(end) !== CLOSE_OBJECT) return null;
  let at = 1;
  for (;;) {
    if (json.charCodeAt(at) !== QUOTE) return null;
    const nameEnd = endOfText(json, at);
    if (nameEnd < 0 || json.charCodeAt(nameEnd) !== COLON) return null;
    const name = nameIn(json.slice(at, nameEnd));
    const valueEnd = endOfValue(json, nameEnd + 1);
    if (name === null || valueEnd === nameEnd + 1) return null;
    members.push({ name, text: json.slice(at, valueEnd), valueStart: nameEnd + 1 - at });
    if (valueEnd === end) return members;
    if (json.charCodeAt(valueEnd) !== COMMA) return null;
    at = valueEnd + 1;
  }
}

/** Behind the closing quote of the text that begins here; -1 where there is none. */
function endOfText(json: string, start: number): number {
  let quote = json.indexOf('"', start + 1);
  while (quote > 0 && isEscaped(json, quote)) quote = json.indexOf('"', quote + 1);
  return quote < 0 ? -1 : quote + 1;
}

function isEscaped(json: string, at: number): boolean {
  let backslashes = 0;
  while (json.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

/** Where the value that begins here ends: at the next comma or bracket that is not part of it. */
function endOfValue(json: string, start: number): number {
  let depth = 0;
  for (let i = start; i < json.length; i += 1) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) {
      const end = endOfText(json, i);
      if (end < 0) return start;
      i = end - 1;
    } else if (code === OPEN_OBJECT || code === OPEN_ARRAY) depth += 1;
    else if (code === CLOSE_OBJECT || code === CLOSE_ARRAY) {
      if (depth === 0) return i;
      depth -= 1;
    } else if (code === COMMA && depth === 0) return i;
  }
  return start;
}

function nameIn(text: string): string | null {
  if (!text.includes("\\")) return text.slice(1, -1);
  try {
    const name: unknown = JSON.parse(text);
    return typeof name === "string" ? name : null;
  } catch {
    return null;
  }
}
