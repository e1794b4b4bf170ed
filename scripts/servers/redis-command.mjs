import { converse } from "./converse.mjs";

/** Sends one command without spaces in its words to the Redis on a port, and resolves to its answer as text. */
export async function redisCommand(port, ...words) {
  const answer = await converse(port, `${words.join(" ")}\r\n`, isComplete);
  const end = answer.indexOf("\r\n");
  const [kind, first] = [answer[0], answer.slice(1, end)];
  if (kind === "-") throw new Error(`Redis answered ${words[0]} with ${first}`);
  return kind === "$" ? answer.slice(end + 2, -2) : first;
}

/** Whether a simple answer or one of a given length is there whole. */
function isComplete(text) {
  const line = /^(.)(.*)\r\n/.exec(text);
  if (line === null) return false;
  return line[1] !== "$" || text.length >= line[0].length + Number(line[2]) + 2;
}
