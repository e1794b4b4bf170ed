import { describe } from "vitest";
import { couchbaseDriver } from "../../src/drivers/couchbase.js";
import { testServerDriver } from "../support/server-driver.js";
import { describeServer } from "../support/servers.js";
import { lists } from "./couchbase-cluster.js";

describeServer("COUCHBASE_URL", (url) => {
  describe("on its server", async () => {
    testServerDriver({
      name: "couchbase",
      url,
      place: (to, name) => `${to}?prefix=${name}/`,
      driver: (to) => couchbaseDriver({ url: to }),
      server: "couchbase",
      // The vendor's test server does not list entries. A real cluster is tested in full.
      scans: await lists(() => couchbaseDriver({ url })),
    });
  });
});
