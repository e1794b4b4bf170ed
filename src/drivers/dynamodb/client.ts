import { importPackage } from "../import-package.js";
import type { Settings } from "./options.js";

/** The part of a `DynamoDBClient` that the driver uses. */
export interface DynamodbClient {
  send(command: never): Promise<unknown>;
  destroy(): void;
}

/** A value in DynamoDB's own words: text, number as text, or something that is not of this driver. */
export interface Attribute {
  readonly S?: string | undefined;
  readonly N?: string | undefined;
}

/** An item, or the key of one. */
export type Item = Readonly<Record<string, Attribute>>;

/** The names of the operations that the driver uses. */
export type Operation =
  | "BatchGetItem"
  | "BatchWriteItem"
  | "CreateTable"
  | "DeleteItem"
  | "DescribeTable"
  | "DescribeTimeToLive"
  | "PutItem"
  | "Query"
  | "UpdateItem"
  | "UpdateTable"
  | "UpdateTimeToLive";

type CommandClass = new (input: object) => object;
type Package = Readonly<Record<`${Operation}Command`, CommandClass>> & {
  readonly DynamoDBClient: new (config: object) => DynamodbClient;
};

const PACKAGE = "@aws-sdk/client-dynamodb";
const CONNECT_MS = 2000;
const REQUEST_MS = 5000;
const MAX_SOCKETS = 64;

/** A client, and the operations as functions. */
export class Api {
  readonly #client: DynamodbClient;
  readonly #commands: Package;
  readonly #isOwn: boolean;

  /** Loads the package, and makes a client where none was passed in. Sends nothing. */
  static async open({ client, config }: Settings): Promise<Api> {
    const loaded = await importPackage<Package>("dynamodb", PACKAGE);
    if (client) return new Api(client, loaded, false);
    const requestHandler = {
      connectionTimeout: CONNECT_MS,
      requestTimeout: REQUEST_MS,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    };
    const own = new loaded.DynamoDBClient({ maxAttempts: 3, ...config, requestHandler });
    return new Api(own, loaded, true);
  }

  private constructor(client: DynamodbClient, commands: Package, isOwn: boolean) {
    this.#client = client;
    this.#commands = commands;
    this.#isOwn = isOwn;
  }

  /** The answer is the word of the server; what the driver relies on, it looks at. */
  async call<T>(operation: Operation, input: object): Promise<T> {
    const command: unknown = new this.#commands[`${operation}Command`](input);
    const answer: unknown = await this.#client.send(command as never);
    return answer as T;
  }

  /** Closes a client of its own. */
  close(): void {
    if (this.#isOwn) this.#client.destroy();
  }
}
