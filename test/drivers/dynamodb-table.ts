import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { DynamodbClient } from "../../src/drivers/dynamodb.js";

/** A table of its own on dynalite, which is told of as `dynamodb://id:secret@host:port`. */
export function tableUrl(url: string, table: string): string {
  const { username, password, host } = new URL(url.replace("dynamodb:", "http:"));
  return `dynamodb://${username}:${password}@us-east-1/${table}?endpoint=http://${host}`;
}

/** A client as a program may have it. */
export function clientFor(url: string): DynamoDBClient {
  const { username, password, host } = new URL(url.replace("dynamodb:", "http:"));
  return new DynamoDBClient({
    region: "us-east-1",
    endpoint: `http://${host}`,
    credentials: { accessKeyId: username, secretAccessKey: password },
  });
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
