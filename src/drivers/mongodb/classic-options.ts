import { invalidOption, text, wholeNumber } from "../../databank/options.js";

/** The options of the driver's first generation. New programs pass a URL. */
export interface ClassicMongodbOptions {
  /** @default "localhost" */
  readonly host?: string;
  /** @default 27017 */
  readonly port?: number;
  /** The servers of a replica set: names, or pairs of name and port. */
  readonly hosts?: readonly (string | readonly [string, (number | string)?])[];
  /** The name of the replica set. */
  readonly rs_name?: string;
  /** @default "test" */
  readonly dbname?: string;
  readonly dbuser?: string;
  readonly dbpass?: string;
  /**
   * Whether the indexes of the schema are made.
   * @default true
   */
  readonly checkSchema?: boolean;
}

export const classicNames: readonly string[] = [
  "host",
  "port",
  "hosts",
  "rs_name",
  "dbname",
  "dbuser",
  "dbpass",
  "checkSchema",
];

/** Whether options are of the first generation, which could do without any. */
export function isClassic(options: object): options is ClassicMongodbOptions {
  // What is no object at all is told so where the names are checked.
  if (typeof options !== "object" || options === null) return false;
  return !("url" in options) && classicNames.some((name) => name in options);
}

/** The URL that says the same. */
export function urlOfClassic(options: ClassicMongodbOptions): string {
  const { host = "localhost", port = 27017, hosts, rs_name, dbname = "test" } = options;
  const { dbuser, dbpass = "" } = options;
  if (hosts !== undefined && !(Array.isArray(hosts) && hosts.length > 0)) {
    throw invalidOption("hosts must be an array of names of servers, or of pairs of name and port");
  }
  const user =
    dbuser === undefined ? "" : `${encodeURIComponent(dbuser)}:${encodeURIComponent(dbpass)}@`;
  const servers = hosts ? hosts.map(serverOf) : [serverOf([host, port])];
  const set = rs_name === undefined ? "" : `?replicaSet=${encodeURIComponent(rs_name)}`;
  return `mongodb://${user}${servers.join(",")}/${encodeURIComponent(text("dbname", dbname))}${set}`;
}

function serverOf(server: string | readonly [string, (number | string)?]): string {
  const [host, port = 27017] = typeof server === "string" ? [server] : server;
  if (/[/?#@,]/.test(host)) throw invalidOption("host must be the name of a server, without more");
  return `${text("host", host)}:${wholeNumber("port", Number(port), 1, 65_535)}`;
}
