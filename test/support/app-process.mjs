// The application of app.mjs as a process of its own, on a databank URL: the second server of a
// test about several servers. Speaks the built package, as a user's process would.
import { DatabankStore } from "connect-databank";
import { startApp } from "./app.mjs";

const { url, framework, storeOptions, sessionOptions } = JSON.parse(process.argv[2]);
const store = new DatabankStore(url, storeOptions);
const app = await startApp({ framework, store, sessionOptions });
process.send({ url: app.url });
process.once("disconnect", async () => {
  await app.close();
  await store.close();
});
