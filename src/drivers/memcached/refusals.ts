import { DatabankError } from "../../databank/errors.js";
import type { Reply } from "./reply.js";

/** The error of an answer that is none of those that a command is hoped to have. */
export function refusal(reply: Reply | undefined): Error {
  const line = reply?.line ?? "nothing";
  if (line.includes("too large")) {
    return new DatabankError(
      "The value is larger than this memcached can hold; start it with a higher -I, or set maxValueBytes to what it has",
      { code: "DATABANK_VALUE_TOO_LARGE" },
    );
  }
  return new Error(`memcached answered ${line}`);
}

/** The error of a server that gives changes no numbers, so that no condition can be kept. */
export function withoutCas(): Error {
  return new DatabankError(
    "This memcached was started with -C and cannot say whether an entry has changed; start it without",
  );
}

/** The error of a change for which others were always faster. */
export function tooSlow(rounds: number): Error {
  return new DatabankError(`Others changed the entry ${rounds} times in the meantime`, {
    code: "DATABANK_CONFLICT",
  });
}
