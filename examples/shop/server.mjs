// The main job from end to end: a shop with login, cart and logout, its sessions in a databank.
import { once } from "node:events";
import { DatabankStore } from "connect-databank";
import express from "express";
import session from "express-session";
import { page } from "./page.mjs";

const GOODS = { apple: "Apple", bread: "Bread", cheese: "Cheese" };
const DAY_MS = 86_400_000;

// A misspelt driver, a port that is taken: one line says it better than a stack.
process.on("uncaughtException", (error) => {
  console.error(`The shop could not start: ${error.message}`);
  process.exit(1);
});

const url = process.env.DATABANK_URL || "disk:./sessions";
const store = new DatabankStore(url, { ttlMs: DAY_MS });
store.on("resurrection-prevented", () => {
  console.log("A request that was still running tried to save a logged-out session: prevented");
});

const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(
  session({
    // A demonstration can afford a known secret; a real shop reads it from its configuration.
    secret: process.env.SESSION_SECRET ?? "only for the demonstration",
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: DAY_MS, sameSite: "lax" },
    store,
  }),
);

app.get("/", (request, response) => {
  const { user, cart = {} } = request.session;
  response.send(page({ user, cart, goods: GOODS }));
});

app.post("/login", (request, response, next) => {
  const { cart } = request.session;
  // A new id at login: whoever planted the old one in this browser must not share the session.
  request.session.regenerate((error) => {
    if (error) return next(error);
    request.session.user = String(request.body.user ?? "").slice(0, 40) || "somebody";
    if (cart) request.session.cart = cart;
    response.redirect(303, "/");
  });
});

app.post("/cart", (request, response) => {
  const { item } = request.body;
  if (Object.hasOwn(GOODS, item)) {
    const { cart = {} } = request.session;
    request.session.cart = { ...cart, [item]: (cart[item] ?? 0) + 1 };
  }
  response.redirect(303, "/");
});

app.post("/logout", (request, response, next) => {
  request.session.destroy((error) => (error ? next(error) : response.redirect(303, "/")));
});

const server = app.listen(Number(process.env.PORT || 0), "127.0.0.1");
await once(server, "listening");
process.removeAllListeners("uncaughtException");

// The databank connects when it is first used: better to hear now that it cannot.
await store.get("nobody").catch((error) => {
  console.error(`Until this is mended, no session can be stored: ${error.message}`);
  if (error.cause?.message) console.error(error.cause.message);
});

const { port } = server.address();
const place = url.startsWith("disk:")
  ? `in the folder ${url.slice("disk:".length)}`
  : `in the ${new URL(url).protocol.slice(0, -1)} databank`;
console.log(`
The shop is open at http://127.0.0.1:${port}

Its sessions are ${place}. Try this:
  · put something into the cart, stop the shop with ctrl-C, start it again on the same port
    (PORT=${port} npm start): the cart is still there
  · start a second one in another terminal (PORT=${port + 1} npm start): it shares the sessions
  · log in, log out, and go back with the browser: logged out means logged out
  · choose another database: DATABANK_URL=memory: npm start
`);

async function close() {
  server.close();
  server.closeAllConnections();
  await store.close();
}
process.once("SIGINT", close);
process.once("SIGTERM", close);
