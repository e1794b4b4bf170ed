import { checkNames, flag, invalidOption, isInsteadOfUrl } from "../../databank/options.js";
import { withUrlOptions } from "../driver-url.js";
import type { DynamodbClient } from "./client.js";

/** Where the entries are: in a table that the driver connects to, or behind a client of yours. */
export type DynamodbOptions = DynamodbUrlOptions | DynamodbClientOptions;

interface TableOptions {
  /**
   * Whether `connect` makes the table, its indexes and its time to live where they are missing.
   * Without it they have to be there.
   * @default true
   */
  readonly createTable?: boolean;
}

/** A table that the driver connects to, with a client of its own. */
export interface DynamodbUrlOptions extends TableOptions {
  /**
   * `dynamodb://region/table`, or `dynamodb://accessKeyId:secretAccessKey@region/table`. Without
   * credentials those of the environment hold, as in every program that uses the AWS SDK. The
   * other options may be its parameters.
   */
  readonly url: string;
  /**
   * The server, where it is not that of the region, such as `http://127.0.0.1:8000`.
   * @default the region's
   */
  readonly endpoint?: string;
}

/** A client of yours. It is never closed, and none of its settings is changed. */
export interface DynamodbClientOptions extends TableOptions {
  /** A `DynamoDBClient` of `@aws-sdk/client-dynamodb`. */
  readonly client: DynamodbClient;
  /** The table. */
  readonly table: string;
}

/** Options, checked and complete. */
export interface Settings {
  readonly client: DynamodbClient | undefined;
  /** For a client of the driver's own. */
  readonly config: object;
  readonly table: string;
  readonly createTable: boolean;
}

const TABLE_NAME = /^[\w.-]{3,255}$/;
const EXAMPLE = "dynamodb://eu-central-1/sessions";

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: DynamodbOptions): Settings {
  if (isInsteadOfUrl(options, "client")) {
    const names = ["client", "table", "createTable"];
    checkNames("The dynamodb driver with a client", options, names);
    const { client, table, createTable = true } = options;
    if (typeof Object(client).send !== "function") {
      throw invalidOption(
        "client must be a DynamoDBClient of the package @aws-sdk/client-dynamodb",
      );
    }
    return {
      client,
      config: {},
      table: checkedTable(table),
      createTable: flag("createTable", createTable),
    };
  }
  checkNames("The dynamodb driver", options, ["url", "endpoint", "createTable"]);
  const given = withUrlOptions("A dynamodb URL", options, {
    endpoint: "text",
    createTable: "boolean",
  });
  const { url, endpoint, createTable = true } = given;
  const { table, ...place } = placeIn(url);
  return {
    client: undefined,
    config: endpoint === undefined ? place : { ...place, endpoint: checkedEndpoint(endpoint) },
    table,
    createTable: flag("createTable", createTable),
  };
}

interface Place {
  readonly region: string;
  readonly table: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

function placeIn(url: string): Place {
  const match = /^dynamodb:\/\/(?:([^:@/]+):([^@/]+)@)?([a-z0-9-]+)\/([^/?#]*)$/i.exec(url);
  const [, id, secret, region, table] = match ?? [];
  // The text is not repeated in the message: it may hold a secret.
  if (region === undefined || table === undefined) {
    throw invalidOption(
      `A dynamodb URL names a region and a table, such as ${EXAMPLE}; a slash in a key is written as %2F`,
    );
  }
  const place = { region, table: checkedTable(table) };
  if (id === undefined || secret === undefined) return place;
  try {
    const credentials = {
      accessKeyId: decodeURIComponent(id),
      secretAccessKey: decodeURIComponent(secret),
    };
    return { ...place, credentials };
  } catch {
    throw invalidOption("The credentials of a dynamodb URL must have their % written as %25");
  }
}

function checkedTable(table: unknown): string {
  if (typeof table === "string" && TABLE_NAME.test(table)) return table;
  throw invalidOption(
    "The table of a dynamodb databank has 3 to 255 letters, digits, full stops, hyphens and underscores",
  );
}

function checkedEndpoint(endpoint: unknown): string {
  if (typeof endpoint === "string" && /^https?:\/\/./.test(endpoint) && URL.canParse(endpoint)) {
    return endpoint;
  }
  throw invalidOption("endpoint must be a URL such as http://127.0.0.1:8000");
}
