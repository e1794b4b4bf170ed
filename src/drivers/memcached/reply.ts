/** What memcached answered to one command. */
export interface Reply {
  /**
   * `HD` done, `VA` here it is, `EN` and `NF` nothing is there, `NS` something is there, `EX` it
   * has changed; or another word, of which `line` has the rest.
   */
  readonly code: string;
  readonly line: string;
  /** The record, with `VA`. */
  readonly data: string | undefined;
}

const NEWLINE = 10;
const END = 2;

/** Cuts a stream of bytes into replies. */
export class ReplyReader {
  readonly #onReply: (reply: Reply) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  // How many bytes the next reply has at least, as far as is known.
  #needed = 1;

  constructor(onReply: (reply: Reply) => void) {
    this.#onReply = onReply;
  }

  /** Takes the bytes that come next. */
  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // Joining the parts of a long value again and again would take long.
    if (this.#length < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    const rest = bytes.subarray(this.#read(bytes));
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
  }

  /** Reads the replies that are whole, and returns how many bytes they have. */
  #read(bytes: Buffer): number {
    let start = 0;
    for (;;) {
      const newline = bytes.indexOf(NEWLINE, start);
      this.#needed = bytes.length - start + 1;
      if (newline === -1) return start;
      const line = bytes.toString("latin1", start, newline - 1);
      const code = line.slice(0, 2);
      let end = newline + 1;
      let data: string | undefined;
      if (code === "VA") {
        const from = end;
        const to = from + Number.parseInt(line.slice(3), 10);
        end = to + END;
        this.#needed = end - start;
        if (bytes.length < end) return start;
        data = bytes.toString("utf8", from, to);
      }
      start = end;
      this.#onReply({ code, line, data });
    }
  }
}

/** The number of a reply that was asked for it; `""` where it has none. */
export function casOf({ line }: Reply): string {
  const at = line.indexOf(" c");
  if (at === -1) return "";
  const end = line.indexOf(" ", at + 1);
  return line.slice(at + 2, end === -1 ? undefined : end);
}
