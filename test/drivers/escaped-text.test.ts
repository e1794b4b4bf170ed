import { describe, expect, it } from "vitest";
import { fromText, isHashed, keyText, longText, toText } from "../../src/drivers/escaped-text.js";

// What stands in databases already must be found again, so none of these may ever change.
const TEXTS: readonly (readonly [name: string, text: string])[] = [
  ["", "\\"],
  ["session", "session"],
  ["größe 😀", "größe 😀"],
  ["\\", "\\u005c"],
  ["a\0b", "a\\u0000b"],
  ["\ud800 \udfff", "\\ud800 \\udfff"],
  ["😀\ud83d", "😀\\ud83d"],
  ["\\u0000", "\\u005cu0000"],
];

describe("the text of a name", () => {
  it.each(TEXTS)("of %j is %j, and leads back", (name, text) => {
    expect(toText(name)).toBe(text);
    expect(fromText(text)).toBe(name);
  });
});

describe("the text of a key", () => {
  it("is that of the name where there is room, counted in bytes", () => {
    expect(keyText("ü".repeat(4), 8)).toBe("ü".repeat(4));
    expect(keyText("\0", 6)).toBe("\\u0000");
    expect(longText("ü".repeat(4), 8)).toBeNull();
    expect(longText("\0", 6)).toBeNull();
  });

  it("is else a hash of it, which is no name's text", () => {
    const key = "\\#auIN72_9j8k-iXkhDeLpEQwuhzYDeY3n1mWo09dcrvg";
    expect(keyText("ü".repeat(4), 7)).toBe(key);
    expect(keyText("\0", 5)).toBe("\\#LpVkb5FDVj6kAB_HA2Ozj3g7uVWB5j9ZDXeawxuHh5o");
    expect(isHashed(key)).toBe(true);
    expect(TEXTS.some(([, text]) => isHashed(text))).toBe(false);
    expect(longText("ü".repeat(4), 7)).toBe("ü".repeat(4));
    expect(longText("\0", 5)).toBe("\\u0000");
  });
});
