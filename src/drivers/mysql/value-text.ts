// Of more levels MySQL does not even say whether they are JSON: it fails, and the statement with it.
const MAX_LEVELS = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACKETS = { open: 0x5b, close: 0x5d };
const BRACES = { open: 0x7b, close: 0x7d };

/** What stands before a value that indexes must not look into; to whoever reads JSON it is nothing. */
export const OPAQUE = " ";

/** What is stored for a value's JSON. */
export function valueText(json: string): string {
  return isDeep(json) || json.startsWith(OPAQUE) ? OPAQUE + json : json;
}

/** The JSON of what is stored. */
export function jsonOf(text: string): string {
  return text.startsWith(OPAQUE) ? text.slice(OPAQUE.length) : text;
}

function isDeep(json: string): boolean {
  // Every level has two brackets.
  if (json.length <= 2 * MAX_LEVELS) return false;
  let levels = 0;
  for (let i = 0; i < json.length; i += 1) {
    const code = json.charCodeAt(i);
    if (code === QUOTE) i = endOfText(json, i);
    else if (code === BRACKETS.close || code === BRACES.close) levels -= 1;
    else if (code === BRACKETS.open || code === BRACES.open) {
      levels += 1;
      if (levels > MAX_LEVELS) return true;
    }
  }
  return false;
}

/** Where a text of JSON ends that begins at `start`. */
function endOfText(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  // Of what is no JSON it may not end.
  return end === -1 ? json.length : end;
}

function isEscaped(json: string, at: number): boolean {
  let before = at;
  while (json.charCodeAt(before - 1) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 1;
}
