import {
  checkNames,
  invalidOption,
  isInsteadOfUrl,
  similarTo,
  text,
  withoutUndefined,
} from "../../databank/options.js";
import type { CouchbaseCluster } from "./client.js";

/** Where the entries are: in a cluster that the driver connects to, or in one of yours. */
export type CouchbaseOptions = CouchbaseUrlOptions | CouchbaseClusterOptions;

/** Where in a cluster the entries are, and how they are stored. */
export interface CouchbasePlaceOptions {
  /** The scope. @default "_default" */
  readonly scope?: string;
  /** The collection, which must be there. @default "_default" */
  readonly collection?: string;
  /**
   * What the keys of all entries begin with, to keep them apart from other documents. At most 64
   * bytes.
   * @default ""
   */
  readonly prefix?: string;
  /**
   * How many copies must have a write before it is acknowledged, in Couchbase's words.
   * @default "none", which is the memory of one node
   */
  readonly durability?: keyof typeof DURABILITY;
  /**
   * Whether the query service lists and searches entries: `auto` finds out when it connects,
   * `query` fails to connect without it, and `none` never uses it.
   * @default "auto"
   */
  readonly listing?: (typeof LISTINGS)[number];
}

/** A cluster that the driver connects to. */
export interface CouchbaseUrlOptions extends CouchbasePlaceOptions {
  /**
   * `couchbase://user:password@host/bucket`, `couchbases://a,b,c/bucket/scope/collection`. The
   * other options may be its parameters, and so may those of the client's connection string, such
   * as `network=external`.
   */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  readonly bucket?: string;
  /** What else the client's `connect` shall be given, such as `security` and `timeouts`. */
  readonly client?: object;
}

/** A cluster object of yours. It is never closed, and none of its settings is changed. */
export interface CouchbaseClusterOptions extends CouchbasePlaceOptions {
  /** A `Cluster` of the `couchbase` package. */
  readonly cluster: CouchbaseCluster;
  readonly bucket: string;
}

/** Options, checked and complete. */
export interface Settings {
  readonly cluster: CouchbaseCluster | undefined;
  /** For the client; without name and password. */
  readonly connectionString: string;
  readonly connectOptions: Readonly<Record<string, unknown>>;
  readonly bucket: string;
  readonly scope: string;
  readonly collection: string;
  readonly prefix: string;
  readonly durabilityLevel: number;
  readonly listing: (typeof LISTINGS)[number];
}

// The numbers are the client's.
const DURABILITY = {
  none: 0,
  majority: 1,
  majorityAndPersistToActive: 2,
  persistToMajority: 3,
} as const;
const LISTINGS = ["auto", "query", "none"] as const;

const PLACE = ["bucket", "scope", "collection", "prefix", "durability", "listing"];
const IN_URL = ["username", "password", ...PLACE];

// Names that the client's connection string has: all others contain an underscore.
const OF_CLIENT = ["network"];

const MAX_PREFIX_BYTES = 64;
const URL_PARTS = /^(couchbases?):\/\/(?:([^/@]*)@)?([^/?@]+)(\/[^?@]*)?(?:\?(.*))?$/is;

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: CouchbaseOptions): Settings {
  if (isInsteadOfUrl(options, "cluster")) {
    checkNames("The couchbase driver with a cluster object", options, ["cluster", ...PLACE]);
    const { cluster } = options;
    if (typeof Object(cluster).bucket !== "function") {
      throw invalidOption("cluster must be a Cluster of the couchbase package, connected");
    }
    return { cluster, connectionString: "", connectOptions: {}, ...placeOf(options) };
  }
  checkNames("The couchbase driver", options, ["url", "client", "cluster", ...IN_URL]);
  const { url, client = {}, ...given } = options;
  const { connectionString, options: inUrl } = partsOf(text("url", url));
  const { username, password, ...place } = { ...inUrl, ...withoutUndefined(given) };
  if (typeof client !== "object" || client === null) {
    throw invalidOption("client must be an object with options of the couchbase package");
  }
  for (const [name, value] of Object.entries({ username, password })) {
    if (value !== undefined && typeof value !== "string") {
      throw invalidOption(`${name} must be a text`);
    }
  }
  const credentials = username === undefined ? {} : { username, password: password ?? "" };
  return {
    cluster: undefined,
    connectionString,
    connectOptions: { ...credentials, ...client },
    ...placeOf(place),
  };
}

function placeOf(place: CouchbasePlaceOptions & { readonly bucket?: string }) {
  const { bucket, scope = "_default", collection = "_default", prefix = "" } = place;
  const { durability = "none", listing = "auto" } = place;
  if (bucket === undefined) {
    throw invalidOption(
      "A couchbase URL must name a bucket, such as couchbase://user:password@host/bucket",
    );
  }
  if (typeof prefix !== "string" || Buffer.byteLength(prefix) > MAX_PREFIX_BYTES) {
    throw invalidOption(`prefix must be a text of at most ${MAX_PREFIX_BYTES} bytes`);
  }
  return {
    bucket: text("bucket", bucket),
    scope: text("scope", scope),
    collection: text("collection", collection),
    prefix,
    durabilityLevel: DURABILITY[oneOf("durability", durability, Object.keys(DURABILITY))],
    listing: oneOf("listing", listing, LISTINGS),
  };
}

function oneOf<W extends string>(name: string, value: W, words: readonly string[]): W {
  if (words.includes(value)) return value;
  throw invalidOption(`${name} must be one of ${words.join(", ")}`);
}

/** What a URL says: to the client, and to the driver. */
function partsOf(url: string) {
  const parts = URL_PARTS.exec(url);
  if (!parts) {
    throw invalidOption(
      "A couchbase URL must be like couchbase://user:password@host/bucket, or couchbases://…, with what is special in the password as %40 and so on",
    );
  }
  const [, scheme = "", credentials, hosts, path = "", query] = parts;
  const [username, ...password] = credentials?.split(":") ?? [];
  const ofClient = new URLSearchParams();
  const options: Record<string, string> = {
    ...(username !== undefined && { username: decoded(username) }),
    ...(password.length > 0 && { password: decoded(password.join(":")) }),
    ...placeIn(path),
  };
  for (const [name, value] of new URLSearchParams(query)) {
    if (name.includes("_") || OF_CLIENT.includes(name)) ofClient.append(name, value);
    else if (IN_URL.includes(name)) options[name] = value;
    else throw unknownParameter(name);
  }
  const parameters = ofClient.size > 0 ? `?${ofClient}` : "";
  return { connectionString: `${scheme.toLowerCase()}://${hosts}${parameters}`, options };
}

function unknownParameter(name: string) {
  const similar = similarTo(name, IN_URL);
  const advice = similar ? `did you mean ${similar}?` : `it has ${IN_URL.join(", ")}`;
  return invalidOption(`A couchbase URL has no parameter ${name}; ${advice}`);
}

function placeIn(path: string): Record<string, string> {
  const names = path
    .replace(/^\/|\/$/g, "")
    .split("/")
    .map(decoded);
  const [bucket = "", scope, collection] = names;
  if (names.length === 2 || names.length > 3) {
    throw invalidOption("The path of a couchbase URL must be /bucket, or /bucket/scope/collection");
  }
  return {
    ...(bucket !== "" && { bucket }),
    ...(scope !== undefined && { scope }),
    ...(collection !== undefined && { collection }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw invalidOption("A couchbase URL must have its % written as %25", cause);
  }
}
