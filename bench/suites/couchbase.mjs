import { randomUUID } from "node:crypto";
import { DatabankStore } from "connect-databank";
import couchbase from "couchbase";
import expressSession from "express-session";
import { startServers, Unavailable } from "../../scripts/servers/index.mjs";

// The store that people used, connect-couchbase, needs a client that no longer compiles. This is what
// it does, with the client of today: no conditions, so that a logout and a parallel save are lost.
export const peerName = "unconditional get, upsert, touch and remove of the same client";
export const inFlight = [1, 64];
export const seeded = 1000;
export const ops = ["get", "missing", "set", "create", "touch", "destroy", "mixed"];

let servers;

/** The vendor's test server, one thread of Java: it measures what the clients cost, not Couchbase. */
export async function start() {
  servers = await startServers({ names: ["couchbase"] });
  const [missing] = servers.skipped;
  if (missing) throw new Unavailable(missing.reason);
  return { url: servers.urls.COUCHBASE_URL };
}

export async function stop() {
  await servers?.stop();
}

export async function ours({ url }) {
  const store = new DatabankStore(`${url}?prefix=${randomUUID().slice(0, 8)}/`);
  return { store, close: () => store.close() };
}

export async function peer({ url }) {
  const { host, username, password, pathname } = new URL(url);
  const cluster = await couchbase.connect(`couchbase://${host}`, { username, password });
  const collection = cluster.bucket(pathname.slice(1)).defaultCollection();
  const store = new UnconditionalStore(collection, randomUUID());
  return { store, close: () => cluster.close() };
}

class UnconditionalStore extends expressSession.Store {
  #collection;
  #prefix;

  constructor(collection, prefix) {
    super();
    this.#collection = collection;
    this.#prefix = prefix;
  }

  get(sid, callback) {
    this.#collection.get(this.#prefix + sid).then(
      ({ content }) => callback(null, content),
      (error) => (isMissing(error) ? callback(null, null) : callback(error)),
    );
  }

  set(sid, session, callback) {
    const options = { expiry: new Date(session.cookie.expires) };
    this.#collection.upsert(this.#prefix + sid, session, options).then(() => callback(), callback);
  }

  touch(sid, session, callback) {
    const expiry = new Date(session.cookie.expires);
    this.#collection.touch(this.#prefix + sid, expiry).then(() => callback(), callback);
  }

  destroy(sid, callback) {
    this.#collection.remove(this.#prefix + sid).then(
      () => callback(),
      (error) => callback(isMissing(error) ? null : error),
    );
  }
}

function isMissing(error) {
  return error.name === "DocumentNotFoundError";
}
