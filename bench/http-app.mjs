// An Express application with one store, on a port that it sends to its parent.
import { setTimeout as delay } from "node:timers/promises";
import express from "express";
import expressSession from "express-session";
import { data } from "./operations.mjs";

const { suite: name, context } = JSON.parse(process.argv[2]);

/** Has every session, and does nothing else. */
class NoStore extends expressSession.Store {
  get(_sid, callback) {
    const cookie = { originalMaxAge: 3_600_000, path: "/", httpOnly: true };
    process.nextTick(callback, null, { ...data(), cookie });
  }

  set(_sid, _session, callback) {
    process.nextTick(callback);
  }

  touch(_sid, _session, callback) {
    process.nextTick(callback);
  }
}

const suite = name && (await import(`./suites/${name}.mjs`));
const { store, close } = suite ? await suite.ours(context) : { store: new NoStore() };
const app = express();
app.use(
  expressSession({
    secret: "a benchmark",
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 3_600_000 },
    store,
  }),
);
app.get("/login", (request, response) => {
  Object.assign(request.session, data());
  response.send("logged in");
});
app.get("/", (request, response) => {
  response.send(request.session.user.name);
});
const server = app.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.once("message", async () => {
  server.close();
  // What was on its way when the load ended still gets its answer.
  await delay(300);
  server.closeAllConnections();
  await close?.();
  process.exit();
});
