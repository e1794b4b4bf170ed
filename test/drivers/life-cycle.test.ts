import { afterEach, describe, expect, it, vi } from "vitest";
import type { Schema } from "../../src/databank/driver.js";
import { lifeCycle, type Steps } from "../../src/drivers/life-cycle.js";
import { Gate } from "../support/gate.js";

const SCHEMA: Schema = { session: { indices: ["user.id"] } };
const NOT_CONNECTED = expect.objectContaining({ code: "DATABANK_NOT_CONNECTED" });

interface Ready {
  readonly opened: number;
  readonly schema: Schema;
}

/** A life cycle, and what it has done; each thing that it opens is a number. */
function noted(more: Partial<Steps<number, Ready>> = {}) {
  const done: string[] = [];
  let last = 0;
  const cycle = lifeCycle<number, Ready>({
    async open() {
      last += 1;
      done.push(`open ${last}`);
      return last;
    },
    prepare(opened, schema) {
      done.push(`prepare ${opened}`);
      return { opened, schema };
    },
    ...more,
    async close(opened) {
      await more.close?.(opened);
      done.push(`close ${opened}`);
    },
  });
  return { ...cycle, done };
}

const TIMEOUT = expect.objectContaining({ code: "DATABANK_TIMEOUT" });

afterEach(() => {
  vi.useRealTimers();
});

describe("connecting", () => {
  it("opens once, and prepares for each schema", async () => {
    const { connect, connected, done } = noted();

    await Promise.all([connect({}), connect(SCHEMA)]);

    expect(done).toEqual(["open 1", "prepare 1", "prepare 1"]);
    expect(connected()).toEqual({ opened: 1, schema: SCHEMA });
  });

  it("is refused to nobody after an attempt that failed", async () => {
    let isDown = true;
    const { connect, connected, done } = noted({
      async open() {
        if (isDown) throw new Error("down");
        return 7;
      },
    });

    await expect(connect({})).rejects.toThrow("down");
    expect(connected).toThrow(NOT_CONNECTED);
    isDown = false;
    await connect({});

    expect(connected()).toMatchObject({ opened: 7 });
    expect(done).toEqual(["prepare 7"]);
  });

  it("closes what it has opened where it cannot prepare, and begins anew", async () => {
    let isReady = false;
    const { connect, connected, done } = noted({
      prepare(opened, schema) {
        if (!isReady) throw new Error("refused");
        return { opened, schema };
      },
    });

    await expect(connect({})).rejects.toThrow("refused");
    expect(done).toEqual(["open 1", "close 1"]);
    expect(connected).toThrow(NOT_CONNECTED);
    isReady = true;
    await connect({});

    expect(connected()).toMatchObject({ opened: 2 });
  });

  it("leaves a connection as it is where another schema cannot be prepared", async () => {
    const { connect, connected, done } = noted({
      prepare(opened, schema) {
        if (schema === SCHEMA) throw new Error("refused");
        return { opened, schema };
      },
    });
    await connect({});

    await expect(connect(SCHEMA)).rejects.toThrow("refused");

    expect(connected()).toEqual({ opened: 1, schema: {} });
    expect(done).toEqual(["open 1"]);
  });
});

describe("a client that never ends", () => {
  it("to open is given up, and closed where it ends after all", async () => {
    vi.useFakeTimers();
    const gate = new Gate();
    let attempts = 0;
    const { connect, connected, done } = noted({
      async open() {
        attempts += 1;
        const own = 10 * attempts;
        if (own === 10) await gate.opened;
        return own;
      },
    });

    const first = expect(connect({})).rejects.toEqual(TIMEOUT);
    const second = connect({});
    await vi.advanceTimersByTimeAsync(30_000);
    await Promise.all([first, second]);
    gate.open();
    await vi.advanceTimersByTimeAsync(0);

    expect(connected()).toMatchObject({ opened: 20 });
    expect(done).toEqual(["prepare 20", "close 10"]);
  });

  it("to close is given up, and keeps nobody from connecting", async () => {
    vi.useFakeTimers();
    const { connect, connected, disconnect } = noted({ close: () => new Promise(() => {}) });
    await connect({});

    const closing = expect(disconnect()).rejects.toEqual(TIMEOUT);
    const connecting = connect({});
    await vi.advanceTimersByTimeAsync(30_000);
    await Promise.all([closing, connecting]);

    expect(connected()).toMatchObject({ opened: 2 });
  });

  it("to close is not told so twice, and is done with where it ends after all", async () => {
    vi.useFakeTimers();
    const gate = new Gate();
    let times = 0;
    const { connect, disconnect } = noted({
      async close() {
        times += 1;
        await gate.opened;
        if (times > 1) throw new Error("Closed already");
      },
    });
    await connect({});

    const first = expect(disconnect()).rejects.toEqual(TIMEOUT);
    await vi.advanceTimersByTimeAsync(30_000);
    await first;
    const second = disconnect();
    gate.open();
    await second;
    await disconnect();

    expect(times).toBe(1);
  });

  it("leaves no timer behind where it does end", async () => {
    vi.useFakeTimers();
    const { connect, disconnect } = noted();
    await connect({});
    await disconnect();

    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("disconnecting", () => {
  it("closes again what failed to close", async () => {
    let isLost = true;
    const { connect, disconnect, done } = noted({
      async close() {
        if (isLost) throw new Error("lost");
      },
    });
    await connect({});

    await expect(disconnect()).rejects.toThrow("lost");
    isLost = false;
    await disconnect();
    await disconnect();

    expect(done).toEqual(["open 1", "prepare 1", "close 1"]);
  });

  it("does not hide why it could not prepare, where it cannot close either", async () => {
    const { connect } = noted({
      prepare() {
        throw new Error("refused");
      },
      async close() {
        throw new Error("lost");
      },
    });

    await expect(connect({})).rejects.toThrow("refused");
  });

  it("closes once, and nothing where nothing is open", async () => {
    const { connect, connected, disconnect, done } = noted();
    await disconnect();
    await connect({});

    await Promise.all([disconnect(), disconnect()]);

    expect(done).toEqual(["open 1", "prepare 1", "close 1"]);
    expect(connected).toThrow(NOT_CONNECTED);
  });

  it("waits for a connect under way, and the next connect for it", async () => {
    const [preparing, closing] = [new Gate(), new Gate()];
    const { connect, connected, disconnect, done } = noted({
      async prepare(opened, schema) {
        await preparing.opened;
        return { opened, schema };
      },
      close: () => closing.opened,
    });

    const all = Promise.all([connect({}), disconnect(), connect(SCHEMA)]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(["open 1"]);
    preparing.open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual(["open 1"]);
    closing.open();
    await all;

    expect(done).toEqual(["open 1", "close 1", "open 2"]);
    expect(connected()).toEqual({ opened: 2, schema: SCHEMA });
  });

  it("lets others connect again though it failed", async () => {
    const { connect, connected, disconnect } = noted({
      async close() {
        throw new Error("lost");
      },
    });
    await connect({});

    await expect(disconnect()).rejects.toThrow("lost");
    expect(connected).toThrow(NOT_CONNECTED);
    await connect({});

    expect(connected()).toMatchObject({ opened: 2 });
  });
});
