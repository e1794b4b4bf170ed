import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cached } from "./cache.mjs";
import { findBinary } from "./find-binary.mjs";
import { removeFolder, temporaryFolder } from "./guard.mjs";
import { runTool } from "./run-tool.mjs";
import { Unavailable } from "./unavailable.mjs";

/**
 * Resolves to a folder of the cache with the jar of an artifact of Maven Central, and those that it depends on.
 * @param artifact `group:name:version`
 * @param isAlone whether to leave out what it depends on
 * @throws Unavailable
 */
export function fetchJars({ artifact, isAlone = false, log }) {
  const [group, name, version] = artifact.split(":");
  return cached(join("maven", `${name}-${version}`), async (folder) => {
    log?.(`fetching ${artifact} from Maven Central`);
    await copyJars({ group, name, version, isAlone }, folder);
  });
}

async function copyJars({ group, name, version, isAlone }, folder) {
  const mvn = await findBinary("mvn");
  if (!mvn) throw new Unavailable("not in the cache, and no mvn (Maven) here to fetch it");
  const own = await temporaryFolder("maven");
  const pom = join(own, "pom.xml");
  await writeFile(
    pom,
    `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>servers</groupId><artifactId>servers</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>
    ${isAlone ? "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>" : ""}
  </dependency></dependencies>
</project>
`,
  );
  // A repository of its own, so that the user's stays as it is.
  const args = [
    "-B",
    "-q",
    "-Dstyle.color=never",
    "-f",
    pom,
    `-Dmaven.repo.local=${join(own, "repository")}`,
  ];
  try {
    await runTool(mvn, [...args, "dependency:copy-dependencies", `-DoutputDirectory=${folder}`]);
  } catch (error) {
    throw new Unavailable(`not in the cache, and not to be fetched: ${error.message}`, {
      cause: error,
    });
  } finally {
    await removeFolder(own);
  }
}
