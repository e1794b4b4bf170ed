import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamodbClient } from "../../src/drivers/dynamodb.js";

/**
 * A table of its own: on a server, which is told of as `dynamodb://id:secret@host:port`, or in a region of AWS, as
 * `dynamodb://region` with or without credentials.
 */
export function tableUrl(url: string, table: string): string {
  const { isServer, credentials, host } = partsOf(url);
  if (!isServer) return `dynamodb://${credentials}${host}/${table}`;
  return `dynamodb://${credentials}us-east-1/${table}?endpoint=http://${host}`;
}

/** A client as a program may have it. */
export function clientFor(url: string): DynamoDBClient {
  const { isServer, host, id, secret } = partsOf(url);
  return new DynamoDBClient({
    ...(isServer ? { region: "us-east-1", endpoint: `http://${host}` } : { region: host }),
    ...(id !== "" && { credentials: { accessKeyId: id, secretAccessKey: secret } }),
  });
}

function partsOf(url: string) {
  const { username, password, host, port } = new URL(url.replace("dynamodb:", "http:"));
  return {
    isServer: port !== "",
    host,
    credentials: username === "" ? "" : `${username}:${password}@`,
    id: decodeURIComponent(username),
    secret: decodeURIComponent(password),
  };
}

/** What an operation is asked for, and how the next one to know of it goes on. */
export type Tap = (
  operation: string,
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they know of.
  input: any,
  pass: () => Promise<unknown>,
) => Promise<unknown>;

/** A client whose operations a test sees, answers, or lets pass. */
export function tapped(
  client: DynamodbClient,
  tap: Tap = (_operation, _input, pass) => pass(),
): DynamodbClient & { readonly operations: string[]; readonly inputs: unknown[] } {
  const operations: string[] = [];
  const inputs: unknown[] = [];
  return {
    operations,
    inputs,
    destroy() {
      throw new Error("It is not the driver's to destroy");
    },
    send(command: never) {
      const { input } = command as { input: unknown };
      const operation = Object(command).constructor.name.replace("Command", "");
      operations.push(operation);
      inputs.push(input);
      return tap(operation, input, () => client.send(command));
    },
  };
}

/** An error as the client throws it. */
export function named(name: string, fields: object = {}): Error {
  return Object.assign(new Error(name), { name }, fields);
}
