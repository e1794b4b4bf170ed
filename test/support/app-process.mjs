// The application of app.mjs as a process of its own, on a databank URL: the second server of a
// test about several servers. Speaks the built package, as a user's process would.
import { Databank, DatabankStore } from "connect-databank";
import { startApp } from "./app.mjs";

const { url, framework, storeOptions, sessionOptions } = JSON.parse(process.argv[2]);
// As patient as the server that began the test.
const bank = Databank.open(url, { timeoutMs: 25_000 });
const store = new DatabankStore(bank, storeOptions);
const app = await startApp({ framework, store, sessionOptions });
process.send({ url: app.url });
process.once("disconnect", async () => {
  await app.close();
  await store.close();
  await bank.disconnect();
});
