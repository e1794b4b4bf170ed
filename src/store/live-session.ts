import type { Callback } from "../databank/callback.js";
import { type CookieJson, momentOf } from "./cookie.js";

/** The part of a request that sessions need. */
export interface SessionRequest {
  sessionID: string;
  session?: unknown;
  sessionStore?: unknown;
}

/** A session as stores hand it out: the application's properties, and a cookie. */
export interface PlainSession {
  cookie: CookieJson;
  [property: string]: unknown;
}

interface SessionStore {
  get(sid: string, callback: Callback<PlainSession | null>): unknown;
  set(sid: string, session: object, callback: Callback<unknown>): unknown;
  destroy(sid: string, callback?: Callback<unknown>): unknown;
  regenerate(request: SessionRequest, callback: Callback<unknown>): unknown;
  createSession(request: SessionRequest, session: PlainSession): unknown;
}

/**
 * The cookie of a live session, with the behaviour that express-session gives its own: setting
 * `maxAge` moves `expires`, and setting either becomes the lifetime of later touches.
 */
export class LiveCookie {
  declare path: string;
  declare httpOnly: boolean;
  declare originalMaxAge: number | null | undefined;
  declare _expires: Date | null | undefined;

  constructor(fields: CookieJson) {
    // Not enumerable, so that `data` is a mere copy: it is made twice for each save.
    Object.defineProperty(this, "_expires", { writable: true });
    this.path = "/";
    this.httpOnly = true;
    const { expires, originalMaxAge, data: _data, ...others } = fields;
    Object.assign(this, others);
    const moment = momentOf(expires);
    this._expires = moment === null ? null : new Date(moment);
    this.originalMaxAge = typeof originalMaxAge === "number" ? originalMaxAge : null;
  }

  get expires(): Date | null | undefined {
    return this._expires;
  }

  set expires(expires: Date | null | undefined) {
    this._expires = expires;
    this.originalMaxAge = this.maxAge;
  }

  get maxAge(): number | null | undefined {
    return this._expires instanceof Date ? this._expires.getTime() - Date.now() : this._expires;
  }

  set maxAge(maxAge: number | Date | null | undefined) {
    this.expires = typeof maxAge === "number" ? new Date(Date.now() + maxAge) : maxAge;
  }

  /** The cookie's attributes, as express-session hands them to the header. */
  get data(): Record<string, unknown> {
    const fields: Record<string, unknown> = { ...(this as object) };
    fields.expires = this._expires;
    return fields;
  }

  toJSON(): Record<string, unknown> {
    return this.data;
  }
}

/**
 * The session of a request, for stores that were not given a session module with its own class.
 *
 * Class methods are not enumerable, so neither JSON nor a loop over a session sees them.
 */
export class LiveSession {
  [property: string]: unknown;
  declare readonly req: SessionRequest;
  declare readonly id: string;
  declare cookie: LiveCookie;

  constructor(request: SessionRequest, plain: PlainSession) {
    Object.defineProperty(this, "req", { value: request });
    Object.defineProperty(this, "id", { value: request.sessionID });
    for (const [name, value] of Object.entries(plain)) {
      if (!(name in this)) this[name] = value;
    }
  }

  touch(): this {
    return this.resetMaxAge();
  }

  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge;
    return this;
  }

  save(callback: Callback<unknown> = () => {}): this {
    storeOf(this.req).set(this.id, this, callback);
    return this;
  }

  /** Replaces the request's session by what is stored now. */
  reload(callback: Callback<unknown>): this {
    const store = storeOf(this.req);
    store.get(this.id, (error, plain) => {
      if (error) return callback(error);
      if (!plain) return callback(new Error("failed to load session"));
      store.createSession(this.req, plain);
      return callback(null);
    });
    return this;
  }

  destroy(callback?: Callback<unknown>): this {
    delete this.req.session;
    storeOf(this.req).destroy(this.id, callback);
    return this;
  }

  regenerate(callback: Callback<unknown>): this {
    storeOf(this.req).regenerate(this.req, callback);
    return this;
  }
}

function storeOf(request: SessionRequest): SessionStore {
  const store: unknown = request.sessionStore;
  return store as SessionStore;
}
