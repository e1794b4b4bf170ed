import { mkdir, open, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabankError } from "../../databank/errors.js";
import { invalidOption } from "../../databank/options.js";
import { type LmdbDatabase, openRoot } from "./client.js";
import type { FolderSettings } from "./options.js";
import { Transactions } from "./transactions.js";

/** A root database, and who changes it. */
export interface Root {
  readonly root: LmdbDatabase;
  readonly transactions: Transactions;
}

/** A root database that a driver uses. */
export interface Opened extends Root {
  /** Closes it once nobody uses it any more. */
  release(): Promise<void>;
}

/** The root database in a folder, and how many drivers use it. */
interface Environment {
  readonly durable: boolean;
  readonly opened: Promise<Root>;
  users: number;
}

// One for each folder: two of one process would wait for each other's transactions in the thread
// in which those run, and so for ever.
const environments = new Map<string, Environment>();

const FILE = "data.mdb";
// The number that marks a file of LMDB, which stands at its beginning in the machine's byte order.
const MAGIC = Buffer.from([0xde, 0xc0, 0xef, 0xbe]);
const MAGIC_WITHIN = 64;

/** Opens the database in a folder, which is made if it is missing. */
export async function openFolder({ path, mode, durable }: FolderSettings): Promise<Opened> {
  const made = await mkdir(path, { recursive: true });
  const folder = await realpath(path);
  await refuseOther(join(folder, FILE));
  const environment = enter(folder, { durable, mode });
  const release = () => leave(folder, environment);
  try {
    const opened = await environment.opened;
    if (durable) await keepNames(folder, made);
    return { ...opened, release };
  } catch (error) {
    environment.users -= 1;
    if (environments.get(folder) === environment) environments.delete(folder);
    throw error;
  }
}

function enter(folder: string, how: { readonly durable: boolean; readonly mode: number }) {
  const found = environments.get(folder);
  if (found) {
    if (found.durable !== how.durable) {
      throw invalidOption(
        `This process has opened the folder with durable ${found.durable}; use the same in each databank`,
      );
    }
    found.users += 1;
    return found;
  }
  const opened = openRoot(folder, how).then((root) => {
    return { root, transactions: new Transactions(root, false) };
  });
  const environment = { durable: how.durable, opened, users: 1 };
  environments.set(folder, environment);
  return environment;
}

async function leave(folder: string, environment: Environment): Promise<void> {
  environment.users -= 1;
  if (environment.users > 0) return;
  // Where closing failed and is tried again, another may be there by now.
  if (environments.get(folder) === environment) environments.delete(folder);
  const { root } = await environment.opened;
  await root.close();
}

/**
 * A new file outlives a power failure only if its folder is on the disk, and so on upwards.
 *
 * @param made - The uppermost folder that was made, if any was.
 */
async function keepNames(folder: string, made: string | undefined): Promise<void> {
  const last = made === undefined ? folder : dirname(await realpath(made));
  for (let each = folder; ; each = dirname(each)) {
    // Not every system opens folders.
    const handle = await open(each).catch(() => undefined);
    await handle?.sync().finally(() => handle.close());
    if (each === last || each === dirname(each)) return;
  }
}

/** LMDB ends a process with a segmentation fault when the file is none of its own. */
async function refuseOther(path: string): Promise<void> {
  const file = await open(path).catch((error: unknown) => {
    if (Object(error).code === "ENOENT") return undefined;
    throw error;
  });
  if (!file) return;
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAGIC_WITHIN), 0, MAGIC_WITHIN, 0);
    const isOwn = buffer.includes(MAGIC) || buffer.includes(Buffer.from(MAGIC).reverse());
    if (bytesRead === 0 || isOwn) return;
  } finally {
    await file.close();
  }
  throw new DatabankError(`The file ${FILE} in the folder is not a database of LMDB`);
}
