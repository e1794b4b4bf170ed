// Stands before what UTF-8 cannot hold, and before itself.
const MARK = "\uFFFD";
const UNSAFE = /[\uD800-\uDFFF\uFFFD]/gu;
const ENCODED = /\uFFFD([0-9a-f]{4})/g;

/**
 * How types and ids become keys: `type:id`, readable and without two pairs meeting.
 *
 * The first colon ends the type, so a colon in a type is written as `%3A`, and its percent signs
 * as `%25`. Ids stay as they are. Every other key begins with a percent sign and a letter, which
 * no type does.
 */
export class Keys {
  readonly #prefix: string;
  readonly #added: string;
  #lastType: string | undefined;
  #lastBeginning = "";

  /**
   * @param prefix - Stands before every key.
   * @param added - What the client itself puts before keys, though not before patterns.
   */
  constructor(prefix: string, added: string) {
    this.#prefix = prefix;
    this.#added = added;
  }

  entry(type: string, id: string): string {
    return this.#beginning(type) + encodeText(id);
  }

  /** The id in a key that {@link patternOf} has found. */
  idIn(type: string, found: string): string {
    return decodeText(found.slice(this.#added.length + this.#beginning(type).length));
  }

  /** Matches the keys of all entries of a type. */
  patternOf(type: string): string {
    return `${(this.#added + this.#beginning(type)).replace(/[\\*?[\]]/g, "\\$&")}*`;
  }

  /** Which entries of a type have a value at a path; values are named by their hashes. */
  index(type: string, path: string, hash: string): string {
    return `${this.#prefix}%index:${encodeType(type)}:${encodeType(path)}:${hash}`;
  }

  /** Which paths of a type are indexed completely. */
  indexed(type: string): string {
    return `${this.#prefix}%indexed:${encodeType(type)}`;
  }

  #beginning(type: string): string {
    // Nearly always it is the same again.
    if (type !== this.#lastType) {
      this.#lastType = type;
      this.#lastBeginning = `${this.#prefix}${encodeType(type)}:`;
    }
    return this.#lastBeginning;
  }
}

/** The text in a form that survives UTF-8: ids may hold half a surrogate pair. */
export function encodeText(text: string): string {
  if (text.isWellFormed() && !text.includes(MARK)) return text;
  return text.replace(
    UNSAFE,
    (unsafe) => MARK + unsafe.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** The text that {@link encodeText} has encoded. */
export function decodeText(text: string): string {
  if (!text.includes(MARK)) return text;
  return text.replace(ENCODED, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function encodeType(type: string): string {
  return encodeText(type.replace(/[%:]/g, encodeURIComponent));
}
