import { describe, expect, it } from "vitest";
import { jsonOf, valueText } from "../../src/drivers/mysql/value-text.js";

const nested = (open: string, inner: string, close: string, levels: number) =>
  open.repeat(levels) + inner + close.repeat(levels);

describe("the text of a value", () => {
  it.each([
    ["is not too deep", nested("[", "1", "]", 100)],
    ["has objects that are not too deep", nested('{"a":', "1", "}", 100)],
    ["is wide", `[${Array(300).fill('[],{"a":{}}').join()}]`],
    ["has brackets in its texts", JSON.stringify(Array(50).fill('"[[{{\\"[[{{\\'))],
    ["is no JSON, since a text does not end", `["${"[".repeat(300)}`],
  ])("is the JSON itself where it %s", (_what, json) => {
    expect(valueText(json)).toBe(json);
    expect(jsonOf(json)).toBe(json);
  });

  it.each([
    ["is too deep", nested("[", "1", "]", 101)],
    ["has objects that are too deep", nested('{"a":', "1", "}", 101)],
    [
      "goes deep late, after closing brackets in its texts",
      `["]]\\"]]",${nested("[", "", "]", 100)}]`,
    ],
    ["goes deep after a backslash in its texts", `["\\\\",${nested("[", "", "]", 100)}]`],
  ])("is marked where the value %s, and still the same JSON", (_what, json) => {
    const text = valueText(json);

    expect(text).not.toBe(json);
    expect(JSON.parse(text)).toEqual(JSON.parse(json));
    expect(jsonOf(text)).toBe(json);
  });

  it.each([" 1", `  ${nested("[", "1", "]", 101)}`])(
    "comes back with its own spaces: %s",
    (json) => {
      expect(jsonOf(valueText(json))).toBe(json);
    },
  );
});
