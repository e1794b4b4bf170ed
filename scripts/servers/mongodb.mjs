import { join } from "node:path";
import { announced, fetchArtifact, findJava, javaArguments } from "./java.mjs";
import { singleProcess } from "./single-process.mjs";

async function find({ log }) {
  const java = await findJava();
  const classPath = await fetchArtifact({
    artifact: "de.bwaldvogel:mongo-java-server-h2-backend:1.47.0",
    main: "MongoServerMain",
    log,
  });
  return { java, classPath };
}

/** mongo-java-server, which speaks MongoDB's protocol. What it acknowledged is on disk after SIGTERM, not after kill -9. */
export const mongodb = {
  name: "mongodb",
  env: "MONGODB_URL",
  keeps: "stop",
  find,
  open: singleProcess({
    name: "mongodb",
    command: ({ folder, port, tools }) => ({
      file: tools.java,
      args: [
        ...javaArguments(tools.classPath),
        "MongoServerMain",
        String(port),
        join(folder, "data"),
      ],
    }),
    isReady: announced,
    url: ({ port }) => `mongodb://127.0.0.1:${port}/databank`,
  }),
};
