import { freePort } from "./free-port.mjs";
import { announced, fetchArtifact, findJava, javaArguments } from "./java.mjs";
import { singleProcess } from "./single-process.mjs";

async function find({ log }) {
  const java = await findJava();
  const classPath = await fetchArtifact({
    artifact: "com.couchbase.mock:CouchbaseMock:1.5.25",
    main: "CouchbaseServerMain",
    log,
  });
  return { java, classPath };
}

/**
 * Has the server misbehave: `hiccup` (`msecs`, `offset`), `opfail` (`code`, `count`), `truncate` (`limit`), or lets its time
 * pass: `time_travel` (`Offset`, in seconds). Names are the server's own. It has one node, so there is no `failover`: with
 * two nodes, the one that is left answers no client any more.
 */
async function control(webPort, command, parameters) {
  const query = new URLSearchParams(
    Object.entries(parameters).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  const response = await fetch(`http://127.0.0.1:${webPort}/mock/${command}?${query}`);
  const answer = await response.text();
  // What it does not expect it answers with a Java stack trace, and the status 200.
  if (!/"status"\s*:\s*"ok"/.test(answer)) {
    throw new Error(`The Couchbase server refused ${command}: ${answer.split("\n")[0]}`);
  }
}

const openProcess = singleProcess({
  name: "couchbase",
  prepare: async (place) => {
    place.webPort = await freePort();
  },
  command: ({ webPort, port, tools }) => ({
    file: tools.java,
    args: [
      "-XX:TieredStopAtLevel=1",
      ...javaArguments(tools.classPath),
      "CouchbaseServerMain",
      ...[webPort, port].map(String),
    ],
  }),
  isReady: announced,
  // The user is the bucket's name, and the password is empty.
  url: ({ port }) => `couchbase://default@127.0.0.1:${port}/default`,
  extras: ({ webPort }) => ({
    control: (command, parameters = {}) => control(webPort, command, parameters),
  }),
});

/** CouchbaseMock, the vendor's own test server: key-value operations on one bucket, `default`, held in memory. */
export const couchbase = {
  name: "couchbase",
  env: "COUCHBASE_URL",
  keeps: "nothing",
  find,
  open: openProcess,
};
