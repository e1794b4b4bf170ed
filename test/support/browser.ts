/** One browser: keeps the cookie it was given, and asks an application for things. */
export class Browser {
  readonly url: string;
  #cookie = "";

  constructor(url: string, cookie = "") {
    this.url = url;
    this.#cookie = cookie;
  }

  /** The same person on another server. */
  at(url: string): Browser {
    return new Browser(url, this.#cookie);
  }

  get cookie(): string {
    return this.#cookie;
  }

  /** The session id in the cookie, without its signature. */
  get sid(): string {
    const value = decodeURIComponent(this.#cookie.slice(this.#cookie.indexOf("=") + 1));
    return value.slice(2, value.lastIndexOf("."));
  }

  async ask(action: string, query: Record<string, unknown> = {}): Promise<Answer> {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [
        name,
        name === "value" ? JSON.stringify(value) : String(value),
      ]),
    );
    const response = await fetch(`${this.url}/${action}?${search}`, {
      headers: this.#cookie ? { cookie: this.#cookie } : {},
    });
    const [given] = response.headers.getSetCookie();
    if (given) this.#cookie = given.split(";")[0] ?? "";
    const body = await response.text();
    return { status: response.status, ...(body ? (JSON.parse(body) as object) : {}) } as Answer;
  }

  set(key: string, value: unknown, gate?: string): Promise<Answer> {
    return this.ask("set", gate ? { key, value, gate } : { key, value });
  }

  async session(): Promise<Record<string, unknown> | null> {
    const { session } = await this.ask("");
    if (!session) return null;
    const { cookie: _, ...data } = session;
    return Object.keys(data).length > 0 ? data : null;
  }

  /** Resolves once a request waits at the gate. */
  async arrived(gate: string): Promise<void> {
    await this.ask("gate/arrived", { gate });
  }

  async open(gate: string): Promise<void> {
    await this.ask("gate/open", { gate });
  }
}

/** What an application answers. */
export interface Answer {
  readonly status: number;
  readonly session?: Record<string, unknown> | null;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}
