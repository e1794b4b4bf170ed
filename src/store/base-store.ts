import { EventEmitter } from "node:events";
import { type Callback, report } from "../databank/callback.js";
import { LiveCookie, LiveSession, type PlainSession, type SessionRequest } from "./live-session.js";

/**
 * What express-session's own `Store` class does for the stores derived from it, for programs that
 * do not hand us that class.
 */
export abstract class BaseStore extends EventEmitter {
  /** Makes a new session for a request. express-session and connect put theirs here. */
  generate: (request: SessionRequest) => void = () => {
    throw new TypeError("Hand the store to express-session first: it knows how to make sessions");
  };

  abstract get(sid: string, callback: Callback<PlainSession | null>): unknown;

  abstract destroy(sid: string, callback: Callback<unknown>): unknown;

  /** Gives a request the live session of what was read for it. */
  createSession(request: SessionRequest, plain: PlainSession): unknown {
    const cookie = new LiveCookie(plain.cookie);
    const session = new LiveSession(request, { ...plain, cookie: {} });
    session.cookie = cookie;
    request.session = session;
    return session;
  }

  /** Destroys a request's session and gives it a new one, under a new id. */
  regenerate(request: SessionRequest, callback: Callback<unknown>): void {
    this.destroy(request.sessionID, (error) => {
      this.generate(request);
      callback(error);
    });
  }

  /** A live session without a request, for sockets and jobs; `undefined` where there is none. */
  load(sid: string, callback?: Callback<unknown>): Promise<unknown> {
    const loaded = new Promise<unknown>((resolve, reject) => {
      this.get(sid, (error, plain) => {
        if (error) reject(error);
        else if (!plain) resolve(undefined);
        else resolve(this.createSession({ sessionID: sid, sessionStore: this }, plain));
      });
    });
    return report(loaded, callback);
  }
}
