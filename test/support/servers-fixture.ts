// Run by servers.test.ts in a Vitest of its own, with and without servers.
import { it } from "vitest";
import { describeServer, ownServer } from "./servers.js";

describeServer("FIXTURE_URL", (url) => {
  it(`is given ${url}`, () => {});
});

it("has a server of its own", async () => {
  const server = await ownServer("couchbase");
  await server.close();
});
