import { describe, expect, it } from "vitest";
import { SessionCache } from "../../src/store/session-cache.js";
import { hashedId } from "../../src/store/session-id.js";
import { Snapshot } from "../../src/store/snapshot.js";

const MEGABYTE = 1024 * 1024;
const snapshot = (characters: number) => Snapshot.of("x".repeat(characters));

describe("what is remembered of session ids", () => {
  it("is the id in the databank, however often and of however many it was asked for", () => {
    const cache = new SessionCache((sid) => hashedId(sid, "pepper"));
    const sids = Array.from({ length: 25_000 }, (_, i) => `sid ${i}`);
    for (const sid of [...sids, "long".repeat(100), ...sids]) {
      expect(cache.of(sid).id).toBe(hashedId(sid, "pepper"));
    }
  });

  it("hashes an id once, as long as it is kept", () => {
    let hashed = 0;
    const cache = new SessionCache((sid) => {
      hashed += 1;
      return sid;
    });
    for (let i = 0; i < 3; i += 1) cache.of("a");
    expect(hashed).toBe(1);

    for (let i = 0; i < 20_000; i += 1) cache.of(`${i}`);
    cache.of("a");
    expect(hashed).toBe(20_002);
  });

  it("is the last version that it was told of", () => {
    const cache = new SessionCache((sid) => sid);
    const [one, two] = [snapshot(1), snapshot(2)];
    expect(cache.of("a").known).toBeUndefined();

    cache.learn(cache.of("a"), "life.1", one);
    const before = cache.of("a").known;
    cache.learn(cache.of("a"), "life.2", two);

    expect(before?.version).toBe("life.1");
    expect(before?.snapshot).toBe(one);
    expect(cache.of("a").known?.version).toBe("life.2");
    expect(cache.of("a").known?.snapshot).toBe(two);
    expect(cache.of("b").known).toBeUndefined();
    cache.unlearn(cache.of("a"));
    expect(cache.of("a").known).toBeUndefined();
  });

  it("is forgotten, the oldest first, when there is too much", () => {
    const cache = new SessionCache((sid) => sid);
    const learn = (sid: string, characters: number) =>
      cache.learn(cache.of(sid), "v", snapshot(characters));
    for (let i = 0; i < 16; i += 1) learn(`${i}`, MEGABYTE);
    learn("1", MEGABYTE);
    const oldest = cache.of("0");
    expect(oldest.known).toBeDefined();

    learn("16", MEGABYTE);

    expect(oldest.known).toBeUndefined();
    expect(cache.of("1").known).toBeDefined();
    learn("large", 17 * MEGABYTE);
    expect(cache.of("large").known).toBeUndefined();
    expect(cache.of("16").known).toBeUndefined();
  });

  it("counts nothing of what was forgotten meanwhile", () => {
    const cache = new SessionCache((sid) => sid);
    const early = cache.of("early");
    for (let i = 0; i < 20_000; i += 1) cache.of(`${i}`);
    for (let i = 0; i < 20; i += 1) cache.learn(early, `v.${i}`, snapshot(MEGABYTE * (i + 1)));
    cache.unlearn(early);

    cache.learn(cache.of("0"), "v", snapshot(MEGABYTE));
    expect(cache.of("0").known).toBeDefined();
    expect(early.known).toBeUndefined();
  });
});
