const TURN_MS = 400;

// Of all turns: one that began anew would save and touch what the turn before has left that way.
let calls = 0;

/**
 * How often per second an operation is done while `inFlight` of them are always under way.
 *
 * @param operation - `run(n, done)` does it for the nth time; `limit` says how often it can be done.
 * @param clock - Which seconds: those of the wall, or those in which this process had a processor.
 */
export async function measure(
  { run, limit = Number.POSITIVE_INFINITY },
  inFlight,
  clock = () => performance.now(),
) {
  const start = clock();
  const count = await loop(run, inFlight, limit);
  return (count / (clock() - start)) * 1000;
}

/** The milliseconds in which this process had a processor. */
export function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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
