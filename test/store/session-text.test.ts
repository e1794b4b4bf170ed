import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cookieIn, fieldsOf, isSameData, textOf } from "../../src/store/session-text.js";

const cookie = fc.record({
  originalMaxAge: fc.option(fc.integer()),
  path: fc.string(),
  'a"}\\': fc.jsonValue(),
});
const data = fc.dictionary(fc.string(), fc.jsonValue());

describe("session text", () => {
  it("finds the cookie wherever it stands", () => {
    fc.assert(
      fc.property(cookie, data, (cookie, data) => {
        const first = JSON.stringify({ cookie, ...data, ...("cookie" in data ? { cookie } : {}) });
        const last = JSON.stringify({ ...data, cookie });
        expect(JSON.stringify(cookieIn(first))).toBe(JSON.stringify(cookie));
        expect(JSON.stringify(cookieIn(last))).toBe(JSON.stringify(cookie));
      }),
    );
  });

  it("compares everything but the cookie, whatever the order", () => {
    fc.assert(
      fc.property(cookie, cookie, data, (one, other, data) => {
        const { cookie: _, ...rest } = data;
        const reversed = Object.fromEntries(Object.entries(rest).reverse());
        expect(
          isSameData(
            JSON.stringify({ cookie: one, ...rest }),
            JSON.stringify({ ...reversed, cookie: other }),
          ),
        ).toBe(true);
        expect(
          isSameData(
            JSON.stringify({ cookie: one, ...rest, added: 1 }),
            JSON.stringify({ cookie: one, ...rest }),
          ),
        ).toBe("added" in rest && rest.added === 1);
      }),
    );
  });

  it("writes what it read, __proto__ and negative zero included", () => {
    const json = '{"cookie":{},"__proto__":{"a":-0},"":[]}';

    expect(textOf(fieldsOf(json))).toBe(json);
  });

  it("sees no properties in what is not an object", () => {
    expect(fieldsOf("[]").size).toBe(0);
    expect(fieldsOf("null").size).toBe(0);
  });
});
