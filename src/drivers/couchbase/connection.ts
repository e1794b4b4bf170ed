import type { CorruptReport, Schema } from "../../databank/driver.js";
import { importPackage } from "../import-package.js";
import type { ClosableCluster, CouchbaseCluster, CouchbaseModule } from "./client.js";
import { isUnanswered } from "./client-error.js";
import { Documents } from "./documents.js";
import { Listing } from "./listing.js";
import type { Settings } from "./options.js";

// The client's own limit is longer than a call may take, and the databank tries again.
const BOOTSTRAP_TIMEOUT_MS = 5000;

/** A connected cluster, and what the driver does with it. */
export interface Connection {
  readonly documents: Documents;
  readonly listing: Listing;
  close(): Promise<void>;
}

/** Connects to a cluster, or takes the one that was passed in as it is. */
export async function open(
  settings: Settings,
  onCorrupt: (report: CorruptReport) => void,
): Promise<Connection> {
  const module = await importPackage<CouchbaseModule>("couchbase", "couchbase", "^4");
  const own = settings.cluster ? undefined : await connect(module, settings);
  const close = async () => {
    await own?.close();
  };
  try {
    const { bucket, scope, collection, prefix, durabilityLevel } = settings;
    const cluster = (settings.cluster ?? own) as CouchbaseCluster;
    const documents = new Documents({
      collection: cluster.bucket(bucket).scope(scope).collection(collection),
      MutateInSpec: module.MutateInSpec,
      prefix,
      durabilityLevel,
      onCorrupt,
    });
    // The cluster answers before its buckets do, and for those that it does not have.
    await documents.read("", "");
    const listing = new Listing(cluster, [bucket, scope, collection], documents);
    return { documents, listing, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function connect(
  module: CouchbaseModule,
  { connectionString, connectOptions }: Settings,
): Promise<ClosableCluster> {
  const { timeouts } = connectOptions;
  const isSet = connectionString.includes("bootstrap_timeout=");
  return module.connect(connectionString, {
    ...connectOptions,
    timeouts: { ...(!isSet && { bootstrapTimeout: BOOTSTRAP_TIMEOUT_MS }), ...Object(timeouts) },
  });
}

/** Makes ready for listings where they are wanted, and tells whether the cluster has them. */
export async function canList(
  listing: Listing,
  { listing: wanted }: Settings,
  schema: Schema,
): Promise<boolean> {
  if (wanted === "none") return false;
  try {
    await listing.prepare(schema);
    return true;
  } catch (error) {
    if (wanted === "query" || isUnanswered(error)) throw error;
    return false;
  }
}
