const TURN_MS = 400;

// Of all turns: one that began anew would save and touch what the turn before has left that way.
let calls = 0;

/**
 * Does an operation over and over while `inFlight` of them are always under way.
 *
 * @param operation - `run(n, done)` does it for the nth time; `limit` says how often it can be done.
 * @returns How often it was done, in how many milliseconds, and in how many of those this process had
 *   a processor.
 */
export async function measure({ run, limit = Number.POSITIVE_INFINITY }, inFlight) {
  const start = performance.now();
  const before = process.cpuUsage();
  const count = await loop(run, inFlight, limit);
  const { user, system } = process.cpuUsage(before);
  return { count, ms: performance.now() - start, processorMs: (user + system) / 1000 };
}

function loop(run, inFlight, limit) {
  return new Promise((resolve, reject) => {
    let begun = 0;
    let done = 0;
    const start = performance.now();
    // Some stores call back before they return: a call for each would fill the stack.
    let owed = 0;
    let isCalling = false;
    const next = () => {
      owed += 1;
      if (isCalling) return;
      isCalling = true;
      for (; owed > 0; owed -= 1) {
        begun += 1;
        calls += 1;
        run(limit < Number.POSITIVE_INFINITY ? begun - 1 : calls, finished);
      }
      isCalling = false;
    };
    const finished = (error) => {
      if (error) return reject(error);
      done += 1;
      const ms = performance.now() - start;
      if (ms < TURN_MS && begun + owed - (isCalling ? 1 : 0) < limit) next();
      else if (done === begun) resolve(done);
    };
    for (let i = 0; i < inFlight && begun < limit; i += 1) next();
  });
}
