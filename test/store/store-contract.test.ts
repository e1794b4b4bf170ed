import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import expressSession from "express-session";
import { describe, it } from "vitest";
import { Databank } from "../../src/databank/databank.js";
import { diskDriver } from "../../src/drivers/disk.js";
import { memoryDriver } from "../../src/drivers/memory.js";
import { connectDatabank, DatabankStore } from "../../src/store/store-class.js";
import { type AnyStore, testStore } from "../../src/testing/store-contract.js";

const require = createRequire(__filename);

describe("DatabankStore on memory", () => {
  testStore(
    { describe, it },
    {
      promises: true,
      open: async () => {
        const store: unknown = new DatabankStore(new Databank(memoryDriver()));
        const { close } = store as DatabankStore;
        return { store: store as AnyStore, close: () => close.call(store) };
      },
    },
  );
});

describe("DatabankStore on disk", () => {
  testStore(
    { describe, it },
    {
      promises: true,
      open: async () => {
        const dir = await mkdtemp(join(tmpdir(), "store-contract-"));
        const bank = new Databank(diskDriver({ dir }));
        const store = new DatabankStore(bank);
        const close = async () => {
          await store.close();
          await bank.disconnect();
          await rm(dir, { recursive: true });
        };
        const any: unknown = store;
        return { store: any as AnyStore, close };
      },
    },
  );
});

describe("the store of version 1's factory on memory", () => {
  testStore(
    { describe, it },
    {
      promises: true,
      open: async () => {
        const Store = connectDatabank(expressSession);
        const store: unknown = new Store(new Databank(memoryDriver()), null, 600_000);
        const { close } = store as DatabankStore;
        return { store: store as AnyStore, close: () => close.call(store) };
      },
    },
  );
});

// Other people's stores: what a correct one cannot pass is not what express-session relies on.
describe("express-session's MemoryStore", () => {
  testStore(
    { describe, it },
    {
      open: async () => {
        const store: unknown = new expressSession.MemoryStore();
        return { store: store as AnyStore, close: () => {} };
      },
    },
  );
});

describe("memorystore", () => {
  testStore(
    { describe, it },
    {
      open: async () => {
        const MemoryStore = require("memorystore")(expressSession);
        const store = new MemoryStore({});
        return { store, close: () => store.stopInterval() };
      },
    },
  );
});

describe("session-file-store", () => {
  testStore(
    { describe, it },
    {
      open: async () => {
        const path = await mkdtemp(join(tmpdir(), "session-file-store-"));
        const FileStore = require("session-file-store")(expressSession);
        const store = new FileStore({ path, reapInterval: -1, retries: 0, logFn: () => {} });
        return { store, close: () => rm(path, { recursive: true }) };
      },
    },
  );
});
