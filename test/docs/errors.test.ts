import { describe, expect, it } from "vitest";
import { textOf } from "../support/workshop.js";

describe("docs/errors.md", () => {
  it("has a heading for each code, and no other", () => {
    const codes = textOf("src/databank/errors.ts").match(/(?<=^ {2}\| ")DATABANK_\w+/gm) ?? [];
    const headings = textOf("docs/errors.md").match(/(?<=^## ).+/gm) ?? [];

    expect(codes.length).toBeGreaterThan(10);
    expect(headings).toEqual([...codes]);
  });
});
