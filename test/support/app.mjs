// A small web application whose requests stop at gates, so that a test can force any order of
// events between parallel requests, in this process and across processes.
import { createServer } from "node:http";
import session from "express-session";

/** The frameworks an application can be made with; each maps middlewares to a request listener. */
export const FRAMEWORKS = {
  "express 4": async (middlewares) => mount((await import("express4")).default(), middlewares),
  "express 5": async (middlewares) => mount((await import("express")).default(), middlewares),
  "connect 3": async (middlewares) => mount((await import("connect3")).default(), middlewares),
};

function mount(app, middlewares) {
  for (const middleware of middlewares) app.use(middleware);
  return app;
}

/** What an application does with one request, by its path. Query parameters say with what. */
const ACTIONS = {
  /** Sets a property of the session, after waiting at a gate if one is named. */
  async set(request, query, gates) {
    await gates.pass(query.get("gate"));
    request.session[query.get("key")] = JSON.parse(query.get("value"));
  },
  async delete(request, query, gates) {
    await gates.pass(query.get("gate"));
    delete request.session[query.get("key")];
  },
  async maxAge(request, query, gates) {
    await gates.pass(query.get("gate"));
    request.session.cookie.maxAge = Number(query.get("ms"));
  },
  /** Only looks at the session, so that the host touches it. */
  async look(_request, query, gates) {
    await gates.pass(query.get("gate"));
  },
  async logout(request) {
    await promised((done) => request.session.destroy(done));
  },
  async unset(request) {
    request.session = null;
  },
  async regenerate(request, query) {
    await promised((done) => request.session.regenerate(done));
    if (query.has("key")) request.session[query.get("key")] = JSON.parse(query.get("value"));
  },
  async reload(request, query, gates) {
    await gates.pass(query.get("gate"));
    await promised((done) => request.session.reload(done));
    if (query.has("key")) request.session[query.get("key")] = JSON.parse(query.get("value"));
  },
  /** Saves explicitly, as often as asked, changing something before each time. */
  async save(request, query) {
    const outcomes = [];
    for (let i = 0; i < Number(query.get("times") ?? 1); i += 1) {
      request.session.saves = (request.session.saves ?? 0) + 1;
      outcomes.push(await promised((done) => request.session.save(done)));
    }
    return outcomes;
  },
};

function promised(call) {
  return new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result)));
  });
}

/** Places where requests wait until the test lets them go on. */
class Gates {
  #gates = new Map();

  #gate(name) {
    let gate = this.#gates.get(name);
    if (!gate) {
      gate = { arrived: deferred(), open: deferred() };
      this.#gates.set(name, gate);
    }
    return gate;
  }

  async pass(name) {
    if (!name) return;
    const gate = this.#gate(name);
    gate.arrived.resolve();
    await gate.open.promise;
  }

  arrived(name) {
    return this.#gate(name).arrived.promise;
  }

  open(name) {
    this.#gate(name).open.resolve();
  }
}

function deferred() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Starts the application on a free port of the loopback address. */
export async function startApp({ framework = "express 5", store, sessionOptions, middleware }) {
  const gates = new Gates();
  const sessions =
    middleware ??
    session({
      secret: "test",
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: 60_000 },
      ...sessionOptions,
      store,
    });
  const listener = await FRAMEWORKS[framework]([control(gates), sessions, act(gates), failed]);
  const server = createServer(listener);
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

/** Lets a test see who waits at a gate, and open it, over HTTP too. */
function control(gates) {
  return (request, response, next) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    if (pathname === "/gate/arrived") {
      gates.arrived(searchParams.get("gate")).then(() => response.end());
    } else if (pathname === "/gate/open") {
      gates.open(searchParams.get("gate"));
      response.end();
    } else {
      next();
    }
  };
}

function act(gates) {
  return (request, response, next) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    const action = ACTIONS[pathname.slice(1)];
    const acted = action ? action(request, searchParams, gates) : Promise.resolve();
    acted.then((result) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ session: request.session ?? null, result }));
    }, next);
  };
}

function failed(error, _request, response, _next) {
  response.statusCode = 500;
  response.end(JSON.stringify({ error: { code: error.code, message: error.message } }));
}
