import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(__dirname, "../..");
const textOf = (path: string) => readFileSync(join(root, path), "utf8");

describe("docs/errors.md", () => {
  it("has a heading for each code, and no other", () => {
    const codes = textOf("src/databank/errors.ts").match(/(?<=^ {2}\| ")DATABANK_\w+/gm) ?? [];
    const headings = textOf("docs/errors.md").match(/(?<=^## ).+/gm) ?? [];

    expect(codes.length).toBeGreaterThan(10);
    expect(headings).toEqual([...codes]);
  });
});

const printed: Record<string, readonly string[]> = {
  "docs/databank.md": [
    "mars 2",
    "memory disk disk",
    "true false ann",
    "vertigo",
    "[album Blue] unknown",
    "1",
  ],
  "docs/errors.md": ["There is no such planet"],
};

describe.each(Object.entries(printed))("the examples of %s", (path, expected) => {
  const examples = [...textOf(path).matchAll(/```js\n(.*?)```/gs)].map(([, code = ""]) => code);

  it("are as many as this test knows", () => {
    expect(examples).toHaveLength(expected.length);
  });

  it.each(examples.map((code, i) => [i + 1, code] as const))("print (%i)", (number, code) => {
    const args = ["--input-type=module", "-e", code];
    const output = execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" });

    expect(output).toBe(`${expected[number - 1]}\n`);
  });
});
