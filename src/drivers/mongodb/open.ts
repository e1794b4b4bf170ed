import type { DatabankError } from "../../databank/errors.js";
import { invalidOption } from "../../databank/options.js";
import { importPackage } from "../import-package.js";
import type { MongodbClient, MongodbDatabase } from "./client.js";
import type { Settings } from "./options.js";

// Sooner than the databank gives up by default, so that a program is told the cause.
const SERVER_SELECTION_TIMEOUT_MS = 4000;

/** A database, and what of it the driver has to close. */
export interface Opened {
  readonly database: MongodbDatabase;
  close(): Promise<void>;
}

/**
 * The database of the program, or one of a client that is made here. Connects to nothing: the
 * client does so when it is first used.
 *
 * @throws DatabankError `DATABANK_DRIVER_NOT_INSTALLED`, and `DATABANK_INVALID_OPTION`.
 */
export async function open(settings: Settings): Promise<Opened> {
  const opened = await find(settings);
  if (Object(Object(opened.database).writeConcern).w === 0) {
    await opened.close();
    throw invalidOption(
      "The mongodb driver needs writes to be acknowledged: w must be 1 or more, or majority",
    );
  }
  return opened;
}

async function find({ db, client, database, url, clientOptions }: Settings): Promise<Opened> {
  if (db) return { database: db, close: async () => {} };
  if (client) return { database: client.db(database), close: async () => {} };
  const own = await newClient(url, clientOptions);
  return { database: own.db(database), close: () => own.close() };
}

async function newClient(url: string, options: object): Promise<MongodbClient> {
  const loaded = await importPackage<ClientModule>("mongodb", "mongodb", "^7");
  const hasLimit = /[?&]serverSelectionTimeoutMS=/i.test(url);
  const defaults = hasLimit ? {} : { serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS };
  try {
    return new loaded.MongoClient(url, { ...defaults, ...options });
  } catch (error) {
    throw refusedOptions(error, url);
  }
}

interface ClientModule {
  readonly MongoClient: new (url: string, options: object) => MongodbClient;
}

// The error itself may hold the URL, and with it the password.
function refusedOptions(error: unknown, url: string): DatabankError {
  const { message } = Object(error);
  const isSafe = typeof message === "string" && !/:\/\/|@/.test(message);
  const reason = isSafe && !secretsOf(url).some((secret) => message.includes(secret));
  return invalidOption(
    `The client of MongoDB refuses the URL or clientOptions${reason ? `: ${message}` : ""}`,
  );
}

function secretsOf(url: string): readonly string[] {
  const [, user = ""] = /^[^:]+:\/\/(.*)@/.exec(url) ?? [];
  return user.split(":").filter((part) => part !== "");
}
