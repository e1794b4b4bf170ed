import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cached, exists } from "./cache.mjs";
import { findBinary, isExecutable } from "./find-binary.mjs";
import { temporaryFolder } from "./guard.mjs";
import { runTool } from "./run-tool.mjs";
import { Unavailable } from "./unavailable.mjs";

/**
 * Unpacks Debian packages, and the libraries that they miss here, into the cache, without installing anything and
 * without any rights: apt works on lists of its own, in the cache.
 * @param name what to call the folder in the cache
 * @param packages the packages to ask apt for
 * @param wanted which of the packages that apt then lists are unpacked
 * @returns `find(program)`, which resolves to the unpacked program's path, and the `env` to run it in
 * @throws Unavailable
 */
export async function unpackDebian({ name, packages, wanted, log }) {
  const root = await cached(join("debian", name), (folder) =>
    fetchInto(folder, packages, wanted, log),
  );
  return {
    root,
    env: { LD_LIBRARY_PATH: (await libraryFolders(root)).join(":") },
    async find(program) {
      for (const folder of ["usr/bin", "usr/sbin"]) {
        const file = join(root, folder, program);
        if (await isExecutable(file)) return file;
      }
      throw new Unavailable(`the Debian packages ${packages.join(", ")} hold no ${program}`);
    },
  };
}

async function libraryFolders(root) {
  const folders = [];
  for (const base of ["usr/lib", "lib"].map((folder) => join(root, folder))) {
    if (!(await exists(base))) continue;
    folders.push(base);
    const entries = await readdir(base, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.isDirectory() && entry.name.includes("-linux-"))
        folders.push(join(base, entry.name));
    }
  }
  return folders;
}

async function fetchInto(folder, packages, wanted, log) {
  for (const program of ["apt-get", "dpkg"]) {
    if (!(await findBinary(program)))
      throw new Unavailable(`not installed, and no ${program} here to fetch it`);
  }
  log?.(`fetching ${packages.join(", ")} from Debian`);
  const files = join(folder, "download");
  await mkdir(files);
  try {
    await download(files, packages, wanted);
    for (const file of await readdir(files))
      await runTool("dpkg", ["-x", join(files, file), folder]);
  } catch (error) {
    throw new Unavailable(`not installed, and not to be fetched: ${error.message}`, {
      cause: error,
    });
  }
  await rm(files, { recursive: true });
}

async function download(files, packages, wanted) {
  const options = await packageLists();
  const simulate = [...options, "install", "--print-uris", "--no-install-recommends", "-y", "-qq"];
  const listed = await runTool("apt-get", [...simulate, ...packages], { env: ENVIRONMENT });
  // One line each: 'uri' file size checksum. The file's name begins with the package's.
  const names = [...listed.matchAll(/^'[^']*' ([^_\s]+)_/gm)].map((match) => match[1]);
  const chosen = new Set([...packages, ...names].filter(wanted));
  if (chosen.size === 0) throw new Error("apt says that they are installed");
  await runTool("apt-get", [...options, "download", ...chosen], { cwd: files, env: ENVIRONMENT });
}

const ENVIRONMENT = { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };

let lists;

/** Resolves to the options that make apt use package lists of our own, fetched once per process. */
function packageLists() {
  lists ??= fetchLists();
  lists.catch(() => {
    lists = undefined;
  });
  return lists;
}

async function fetchLists() {
  const own = await temporaryFolder("apt");
  await mkdir(join(own, "state", "lists", "partial"), { recursive: true });
  await mkdir(join(own, "cache", "archives", "partial"), { recursive: true });
  const settings = {
    "Dir::State": join(own, "state"),
    "Dir::State::status": "/var/lib/dpkg/status",
    "Dir::Cache": join(own, "cache"),
    // As root, apt would fetch as the user _apt, who may not write into our folders.
    "APT::Sandbox::User": "root",
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  await runTool("apt-get", [...options, "update", "-q"], { env: ENVIRONMENT });
  // One source that is out of reach is only a warning to apt, and so are all of them.
  const files = await readdir(join(own, "state", "lists"));
  if (!files.some((file) => file.includes("_Packages"))) {
    throw new Error("the package lists are out of reach (is there a network?)");
  }
  return options;
}
