import type { Deletion, Touch, Write } from "../../databank/driver.js";
import type { Attribute, Item } from "./client.js";
import { ttlOf } from "./item.js";

/** A condition or a change in DynamoDB's language, with the values that it names. */
export interface Expression {
  readonly text: string;
  readonly values: Readonly<Record<`:${string}`, Attribute>>;
}

const EXISTS = "attribute_exists(#pk)";
const MISSING = "attribute_not_exists(#pk)";
const LIVE = "(attribute_not_exists(#expiresAt) OR #expiresAt > :now)";

const number = (value: number): Attribute => ({ N: `${value}` });

/**
 * On what condition a write with a deadline ahead may happen without looking first; `undefined`
 * for on none. It may refuse a write that extends a life whose end is further away.
 */
export function writeCondition(write: Write, now: number): Expression | undefined {
  const { if: condition, extend, expiresAt } = write;
  if (condition === "absent") {
    return { text: `${MISSING} OR #expiresAt <= :now`, values: { ":now": number(now) } };
  }
  const isBounded = extend && expiresAt !== null;
  const deadline = isBounded ? { ":deadline": number(expiresAt) } : {};
  if (condition === undefined) {
    if (!isBounded) return undefined;
    return { text: `${MISSING} OR #expiresAt <= :deadline`, values: deadline };
  }
  const isIt = condition === "present" ? EXISTS : "#version = :version";
  const version = condition === "present" ? {} : { ":version": { S: condition } };
  return {
    text: isBounded ? `${isIt} AND ${LIVE} AND #expiresAt <= :deadline` : `${isIt} AND ${LIVE}`,
    values: { ...version, ...deadline, ":now": number(now) },
  };
}

/** On what condition a deadline may move without looking first. */
export function touchCondition({ expiresAt }: Touch, now: number): Expression {
  const text = `${EXISTS} AND #expiresAt > :now`;
  const values = { ":now": number(now) };
  if (expiresAt === null) return { text, values };
  return {
    text: `${text} AND #expiresAt < :deadline`,
    values: { ...values, ":deadline": number(expiresAt) },
  };
}

/** What moves a deadline. */
export function touchChange(expiresAt: number | null): Expression {
  if (expiresAt === null) return { text: "REMOVE #expiresAt, #ttl", values: {} };
  const values = { ":deadline": number(expiresAt), ":ttl": number(ttlOf(expiresAt)) };
  return { text: "SET #expiresAt = :deadline, #ttl = :ttl", values };
}

/** On what condition an entry is there to delete. */
export function deletionCondition({ if: version }: Deletion, now: number): Expression {
  const values = { ":now": number(now) };
  if (version === undefined) return { text: `${EXISTS} AND ${LIVE}`, values };
  return {
    text: `#version = :version AND ${LIVE}`,
    values: { ...values, ":version": { S: version } },
  };
}

/** That an item is still as it was seen: nothing else changes without version or deadline. */
export function unchangedCondition(seen: Item | null): Expression {
  if (seen === null) return { text: MISSING, values: {} };
  const { version, expiresAt } = seen;
  const values: Record<`:${string}`, Attribute> = {};
  if (version) values[":seenVersion"] = version;
  if (expiresAt) values[":seenDeadline"] = expiresAt;
  const same = (name: string, value: string, isThere: boolean) =>
    isThere ? `${name} = ${value}` : `attribute_not_exists(${name})`;
  return {
    text: [
      EXISTS,
      same("#version", ":seenVersion", version !== undefined),
      same("#expiresAt", ":seenDeadline", expiresAt !== undefined),
    ].join(" AND "),
    values,
  };
}

/** What an operation is given of its expressions: DynamoDB refuses names that it does not need. */
export function expressed(condition: Expression | undefined, change?: Expression): object {
  const texts = [condition?.text ?? "", change?.text ?? ""].join(" ");
  const names = texts.match(/#\w+/g) ?? [];
  const values = { ...condition?.values, ...change?.values };
  return {
    ...(condition && { ConditionExpression: condition.text }),
    ...(change && { UpdateExpression: change.text }),
    ...(names.length > 0 && {
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])),
    }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}
