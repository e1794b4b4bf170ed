import { randomBytes } from "node:crypto";
import expressSession from "express-session";

const { Cookie, Session } = expressSession;

/** About 1 KB of JSON, as a shop might keep. */
export function data() {
  return {
    user: { id: 4711, name: "Ann Example", roles: ["customer", "tester"] },
    cart: Array.from({ length: 12 }, (_, i) => ({
      sku: `sku-${i}-${"x".repeat(12)}`,
      count: i,
      price: i * 1.25,
    })),
    csrf: "0123456789abcdef0123456789abcdef",
    seen: 0,
  };
}

const sids = (count) => Array.from({ length: count }, () => randomBytes(24).toString("base64url"));

/** A session as the middleware makes it for a request without one. */
function fresh(store, sid) {
  const session = new Session({ sessionID: sid, sessionStore: store });
  session.cookie = new Cookie({ maxAge: 3_600_000 });
  return Object.assign(session, data());
}

const promised = (call) =>
  new Promise((resolve, reject) =>
    call((error, result) => (error ? reject(error) : resolve(result))),
  );

async function seed(store, count) {
  const ids = sids(count);
  for (let i = 0; i < count; i += 64) {
    const some = ids.slice(i, i + 64);
    await Promise.all(
      some.map((sid) => promised((done) => store.set(sid, fresh(store, sid), done))),
    );
  }
  return ids;
}

/** The sessions of requests that have begun: loaded, as the middleware does it. */
async function load(store, ids) {
  const loaded = [];
  for (let i = 0; i < ids.length; i += 64) {
    const some = ids.slice(i, i + 64);
    loaded.push(
      ...(await Promise.all(
        some.map(async (sid) => {
          const plain = await promised((done) => store.get(sid, done));
          return store.createSession({ sessionID: sid, sessionStore: store }, plain);
        }),
      )),
    );
  }
  return loaded;
}

// Far more than are ever in flight, so that no two requests of one session are. Not many more: the
// session of a request has just been loaded, so the processor has it at hand.
const LIVE = 1000;

// Of what can be done once to a session.
const SHORT_TURN = 2500;

/**
 * Each makes what it needs, outside the measured time, and returns what is measured; with `turn`
 * for what has to be made anew for each turn.
 */
export const operations = {
  async get(store, seeded) {
    const ids = await seed(store, seeded);
    return { run: (n, done) => store.get(ids[n % ids.length], done) };
  },
  async missing(store) {
    const ids = sids(1000);
    return {
      run: (n, done) =>
        store.get(ids[n % ids.length], (error) => done(error?.code === "ENOENT" ? null : error)),
    };
  },
  async set(store, seeded) {
    const live = await load(store, (await seed(store, seeded)).slice(0, LIVE));
    const run = (n, done) => {
      const session = live[n % live.length];
      session.seen = n + 1;
      store.set(session.id, session, done);
    };
    return { run };
  },
  async create(store) {
    const turn = () => {
      const sessions = sids(SHORT_TURN).map((sid) => fresh(store, sid));
      return { run: (n, done) => store.set(sessions[n].id, sessions[n], done) };
    };
    return { limit: SHORT_TURN, turn };
  },
  async touch(store, seeded) {
    const live = await load(store, (await seed(store, seeded)).slice(0, LIVE));
    const run = (n, done) => {
      const session = live[n % live.length];
      session.touch();
      store.touch(session.id, session, done);
    };
    return { run };
  },
  async destroy(store) {
    const turn = async () => {
      const ids = await seed(store, SHORT_TURN);
      return { run: (n, done) => store.destroy(ids[n], done) };
    };
    return { limit: SHORT_TURN, turn };
  },
  /** What a busy site does: eight reads, a save and a touch in ten. */
  async mixed(store, seeded) {
    const ids = await seed(store, seeded);
    const live = await load(store, ids.slice(0, LIVE));
    const run = (n, done) => {
      const session = live[n % live.length];
      if (n % 10 === 0) {
        session.seen = n + 1;
        store.set(session.id, session, done);
      } else if (n % 10 === 5) {
        session.touch();
        store.touch(session.id, session, done);
      } else {
        store.get(ids[n % ids.length], done);
      }
    };
    return { run };
  },
};
