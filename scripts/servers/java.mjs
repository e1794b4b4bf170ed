import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { cached } from "./cache.mjs";
import { findBinary } from "./find-binary.mjs";
import { fetchJars } from "./maven.mjs";
import { runTool } from "./run-tool.mjs";
import { Unavailable } from "./unavailable.mjs";

/**
 * Resolves to the path of a Java program.
 * @throws Unavailable
 */
export async function findJava(program = "java") {
  const home = process.env.JAVA_HOME ? [join(process.env.JAVA_HOME, "bin")] : [];
  const file = await findBinary(program, home);
  if (!file)
    throw new Unavailable(`no ${program} here (a Java development kit, 17 or newer, has it)`);
  return file;
}

/**
 * Resolves to the class path of an artifact of Maven Central, all that it depends on, and our class `main`, which is
 * compiled with them. All of it is kept in the cache.
 * @param artifact `group:name:version`
 * @throws Unavailable
 */
export async function fetchArtifact({ artifact, main, log }) {
  const source = join(import.meta.dirname, "java", `${main}.java`);
  const hash = createHash("sha256")
    .update(await readFile(source))
    .digest("hex")
    .slice(0, 8);
  const jars = join(await fetchJars({ artifact, log }), "*");
  const classes = await cached(join("maven", `${main}-${hash}`), async (folder) => {
    const javac = await findJava("javac");
    await runTool(javac, ["-cp", jars, "-d", folder, source]);
  });
  return [jars, classes].join(delimiter);
}

/** The first arguments of `java`, for a small server that starts quickly. */
export function javaArguments(classPath) {
  return ["-Xmx512m", "-XX:+UseSerialGC", "-cp", classPath];
}

/** The `isReady` of our Java classes: they print their pid when they have begun to listen. */
export function announced(_place, { pid, log }) {
  return log.includes(`Listening, process ${pid}\n`);
}
