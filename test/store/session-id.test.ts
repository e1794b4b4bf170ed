import { describe, expect, it } from "vitest";
import { hashedId, IdHasher } from "../../src/store/session-id.js";

describe("the ids that a store remembers", () => {
  it("are those that hashing gives, however many and however long", () => {
    const hasher = new IdHasher("pepper");
    for (let i = 0; i < 25_000; i += 1) hasher.idOf(`sid ${i}`);

    for (const sid of ["sid 1", "sid 24999", "x".repeat(100), "x".repeat(101), "\ud800", ""]) {
      expect(hasher.idOf(sid)).toBe(hashedId(sid, "pepper"));
      expect(hasher.idOf(sid)).toBe(hashedId(sid, "pepper"));
    }
    expect(new IdHasher(undefined).idOf("sid 1")).not.toBe(hasher.idOf("sid 1"));
  });
});
