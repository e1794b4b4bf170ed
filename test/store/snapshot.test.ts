import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, toJson, type Value } from "../../src/databank/json.js";
import { cutMembers } from "../../src/store/cut-members.js";
import { copyOf, isSameJson } from "../../src/store/plain-json.js";
import { Snapshot } from "../../src/store/snapshot.js";

const values = fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<Value>;
const names = fc.oneof(fc.string(), fc.constantFrom("__proto__", "toJSON", "constructor", '"}\\'));
const records = fc.array(fc.tuple(names, values)).map((members) => Object.fromEntries(members));

/** What is more than plain JSON: each becomes text in its own way, or none. */
const live = fc.oneof(
  values,
  fc.constantFrom<unknown>(
    undefined,
    () => 1,
    Symbol("x"),
    Number.NaN,
    -0,
    new Date(0),
    new Map([[1, 2]]),
    { toJSON: () => ({ a: 1 }) },
    { toJSON: () => undefined },
    Object.create({ inherited: 1 }),
    Object.create(null),
    Object.defineProperty({ a: 1 }, "hidden", { value: 1 }),
    [undefined, 1],
  ),
);
const sessions = fc.array(fc.tuple(names, live)).map((members) => Object.fromEntries(members));

describe("a snapshot of a session", () => {
  it("is the session's JSON, whatever it shares with an earlier one", () => {
    fc.assert(
      fc.property(sessions, sessions, (earlier, session) => {
        delete (session as { toJSON?: unknown }).toJSON;
        delete (earlier as { toJSON?: unknown }).toJSON;
        const first = Snapshot.take(earlier);
        const second = Snapshot.take({ ...earlier, ...session }, first);
        expect(first.json).toBe(toJson(earlier));
        expect(parseJson(second.json)).toEqual(parseJson(toJson({ ...earlier, ...session })));
        expect(Snapshot.take(session).json).toBe(toJson(session));
      }),
    );
  });

  it("takes the JSON of a session that makes its own", () => {
    const session = { a: 1, toJSON: () => ({ b: 2 }) };

    expect(Snapshot.take(session).json).toBe('{"b":2}');
    expect(Snapshot.take({ toJSON: () => null }).json).toBe("{}");
  });

  it("does not follow the session", () => {
    const session = { cart: { items: [1] } };
    const before = Snapshot.take(session, Snapshot.of('{"cart":{"items":[]}}'));
    session.cart.items.push(2);
    const after = Snapshot.take(session, before);

    expect(before.json).toBe('{"cart":{"items":[1]}}');
    expect(after.json).toBe('{"cart":{"items":[1,2]}}');
  });

  it("hands out copies that are its owner's alone", () => {
    fc.assert(
      fc.property(records, (record) => {
        const snapshot = Snapshot.of(toJson(record));
        for (let i = 0; i < 3; i += 1) {
          const copy = snapshot.copy() as Record<string, Value>;
          expect(copy).toEqual(record);
          for (const name of Object.keys(copy)) delete copy[name];
        }
        expect(snapshot.json).toBe(toJson(record));
      }),
    );
    const nested = Snapshot.of('{"a":{"b":[{}]}}');
    for (let i = 0; i < 3; i += 1) {
      const { a } = nested.copy() as { a: { b: object[] } };
      expect(a).toEqual({ b: [{}] });
      a.b.push({});
    }
  });

  it("compares everything but the cookie, whatever the order", () => {
    fc.assert(
      fc.property(values, values, records, (one, other, { cookie: _, ...data }) => {
        const reversed = Object.fromEntries(Object.entries(data).reverse());
        const a = Snapshot.of(JSON.stringify({ cookie: one, ...data }));
        const b = Snapshot.of(JSON.stringify({ ...reversed, cookie: other }));
        const more = Snapshot.of(JSON.stringify({ cookie: one, ...data, "an added one": 1 }));
        expect(a.hasDataOf(b)).toBe(true);
        expect(a.hasDataOf(more)).toBe(false);
        expect(more.hasDataOf(a)).toBe(false);
      }),
    );
    const ordered = Snapshot.of('{"a":{"x":1,"y":2}}');
    expect(Snapshot.of('{"a":{"y":2,"x":1}}').hasDataOf(ordered)).toBe(true);
    expect(Snapshot.of('{"a":{"x":2,"y":1}}').hasDataOf(ordered)).toBe(false);
  });

  it("finds the cookie wherever it stands, and none in what is not an object", () => {
    const cookie = { originalMaxAge: 1, 'a"}\\': [{}] };

    expect(Snapshot.of(JSON.stringify({ cookie, a: 1 })).cookie).toEqual(cookie);
    expect(Snapshot.of(JSON.stringify({ a: 1, cookie })).cookie).toEqual(cookie);
    expect(Snapshot.of('{"cookie":null}').cookie).toEqual({});
    for (const json of ["[]", "null", "1"]) expect(Snapshot.of(json).fields().size).toBe(0);
  });

  it("is put together as it was taken apart, __proto__ and negative zero included", () => {
    const json = '{"cookie":{},"__proto__":{"a":-0},"":[]}';

    expect(Snapshot.made(Snapshot.of(json).fields()).json).toBe(json);
  });
});

describe("cutting an object's text", () => {
  it("gives the text of each property", () => {
    fc.assert(
      fc.property(records, (record) => {
        const members = cutMembers(JSON.stringify(record));
        const texts = Object.entries(record).map(([name, value]) => {
          const start = `${JSON.stringify(name)}:`;
          return { name, text: start + JSON.stringify(value), valueStart: start.length };
        });
        expect(members).toEqual(texts);
      }),
    );
  });

  it.each([
    "[]",
    "1",
    "",
    "{",
    "}",
    '{"a":1',
    '{ "a":1}',
    '{"a" :1}',
    '{"a":1, "b":2}',
    '{"a":}',
    '{"a":1,}',
    '{"a"}',
    '{"a":"}',
    '{"a:1}',
    '{"\\x":1}',
    '{"a":1}}',
    '{"a":[1}',
  ])("leaves %j to the parser", (json) => {
    expect(cutMembers(json)).toBe(null);
  });

  it("lets a snapshot read what people write", () => {
    expect(Snapshot.of('{ "a": 1, "cookie": { } }').copy()).toEqual({ a: 1, cookie: {} });
  });
});

describe("comparing a live value with a parsed one", () => {
  it("never takes for the same what has another JSON", () => {
    fc.assert(
      fc.property(live, values, (a, b) => {
        const json = JSON.stringify(a) as string | undefined;
        if (isSameJson(a, b)) expect(parseJson(json ?? "")).toEqual(b);
      }),
    );
  });

  it("knows a plain value again", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(isSameJson(copyOf(value), value)).toBe(true);
        expect(isSameJson({ a: [value] }, { a: [copyOf(value)] })).toBe(true);
        expect(isSameJson({ a: [value, 1] }, { a: [copyOf(value)] })).toBe(false);
        expect(isSameJson({ a: value, b: 1 }, { a: copyOf(value) })).toBe(false);
        expect(isSameJson({}, { a: copyOf(value) })).toBe(false);
        expect(isSameJson({ b: undefined }, { a: copyOf(value) })).toBe(false);
      }),
    );
  });

  it("looks for each property where `__proto__` may be in the place of one", () => {
    const live: unknown = JSON.parse('{"role":"guest","__proto__":{}}');

    expect(isSameJson(live, { role: "guest", isAdmin: true })).toBe(false);
  });

  it("tells zeros apart", () => {
    expect(isSameJson(0, -0)).toBe(false);
    expect(isSameJson(-0, -0)).toBe(true);
  });
});
