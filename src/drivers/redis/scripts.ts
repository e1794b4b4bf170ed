import { createHash } from "node:crypto";
import { type Connection, isReply, type Server } from "./connection.js";

// Every script works on each of its keys alone, so that it runs in a cluster, with one key, and
// gives one result for each. Digits are a deadline, zeros for never. What has no header of ours is a
// stranger's, whose deadline only Redis knows.

const HEADER = `
local function headerIn(text)
  return string.match(text, '^(@1 [^\\n]* )(%d+)\\n')
end
local function header(key, start)
  local front, digits = headerIn(start)
  if not front and string.sub(start, 1, 3) == '@1 ' then
    return headerIn(redis.call('GET', key))
  end
  return front, digits
end
local function deadline(key, digits)
  if digits then return tonumber(digits), digits end
  local left = redis.call('PTTL', key)
  if left < 0 then return 0, '0000000000000' end
  local time = redis.call('TIME')
  local at = time[1] * 1000 + math.floor(time[2] / 1000) + left + 1
  return at, string.format('%013.0f', at)
end
local function isLater(a, b)
  return b ~= 0 and (a == 0 or a > b)
end
local function isSamePeriod(a, b, length)
  return math.floor(a / length) == math.floor(b / length)
end
local function toExpiry(at)
  return string.format('%.0f', math.max(1, at - 1))
end
`;

const VERSION = `
local function hasVersion(key, start, beginning, sha)
  if string.sub(start, 1, #beginning) == beginning then return true end
  if #beginning > #start and redis.call('GETRANGE', key, 0, #beginning - 1) == beginning then
    return true
  end
  if sha == '' or start == '' then return false end
  return redis.sha1hex(redis.call('GET', key)) == sha
end
`;

/** What is wrong with one key does not stop the others; see {@link orError}. */
const FOR_EACH_KEY = `
local results, count = {}, #ARGV / #KEYS
for i = 1, #KEYS do
  local ok, result = pcall(one, KEYS[i], unpack(ARGV, (i - 1) * count + 1, i * count))
  if ok then
    results[i] = result
  else
    results[i] = { 'error', false, type(result) == 'table' and result.err or tostring(result) }
  end
end
return results
`;

/**
 * Writes if the condition holds. Arguments for each key: text, digits, condition (`any`, `absent`,
 * `present` or `version`), beginning and SHA-1 of the version, 1 to keep a later deadline, and, where
 * there are indices, until when these have the entry and the length of their periods.
 * Returns 1, or the text that is there; or the digits of a later deadline that would be kept, with
 * nothing written, if indices do not have the entry until then.
 */
export const WRITE = script(`${HEADER}${VERSION}
local function one(key, text, digits, condition, beginning, sha, extend, untilDigits, length)
  local start = redis.call('GETRANGE', key, 0, 127)
  local isMet = condition == 'any'
    or condition == 'version' and hasVersion(key, start, beginning, sha)
    or condition == 'present' and start ~= ''
    or condition == 'absent' and start == ''
  if not isMet then return { redis.call('GET', key), redis.call('PTTL', key) } end
  local at, period = tonumber(digits), tonumber(length)
  if extend == '1' and start ~= '' then
    local _, storedDigits = header(key, start)
    local stored, stays = deadline(key, storedDigits)
    if isLater(stored, at) then
      if period and not isSamePeriod(tonumber(untilDigits), stored, period) then return stays end
      local front = headerIn(text)
      text = front .. stays .. string.sub(text, #front + #digits + 1)
      at = stored
    end
  end
  if at == 0 then
    redis.call('SET', key, text)
  else
    redis.call('SET', key, text, 'PXAT', toExpiry(at))
  end
  return 1
end
${FOR_EACH_KEY}`);

/**
 * Moves a deadline forward. Arguments for each key: digits, and, where there are indices, the length
 * of their periods, and beginning and SHA-1 of the version that these have until then, if they have
 * one; else nothing for each.
 * Returns 0 where nothing is there, else 1; or the text in a list, with nothing moved, if the
 * deadline would come into another period and indices do not have this version until then.
 */
export const TOUCH = script(`${HEADER}${VERSION}
local function one(key, digits, length, beginning, sha)
  local start = redis.call('GETRANGE', key, 0, 127)
  if start == '' then return 0 end
  local front, storedDigits = header(key, start)
  local at, stored = tonumber(digits), deadline(key, storedDigits)
  if not isLater(at, stored) then return 1 end
  local period = tonumber(length)
  if period and not isSamePeriod(stored, at, period) then
    local isIndexed = beginning ~= '' and hasVersion(key, start, beginning, sha)
    if not isIndexed then return { redis.call('GET', key) } end
  end
  if front and #digits == #storedDigits then
    redis.call('SETRANGE', key, #front, digits)
  elseif front then
    local rest = string.sub(redis.call('GET', key), #front + #storedDigits + 1)
    redis.call('SET', key, front .. digits .. rest, 'KEEPTTL')
  end
  if at == 0 then
    redis.call('PERSIST', key)
  else
    redis.call('PEXPIREAT', key, toExpiry(at))
  end
  return 1
end
${FOR_EACH_KEY}`);

/**
 * Deletes an entry of one version. Arguments for each key: beginning and SHA-1 of the version.
 * Returns 1 or 0.
 */
export const DELETE = script(`${VERSION}
local function one(key, beginning, sha)
  local start = redis.call('GETRANGE', key, 0, 127)
  if not hasVersion(key, start, beginning, sha) then return 0 end
  return redis.call('UNLINK', key)
end
${FOR_EACH_KEY}`);

/** A Lua script and the hash by which a server that has seen it knows it. */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** Prepares a script for {@link run}. */
export function script(text: string): Script {
  const source = text.trim();
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}

/** Runs a script on one key. */
export function run(
  connection: Connection,
  script: Script,
  key: string,
  args: readonly string[],
): Promise<unknown> {
  return evaluate((words) => connection.send(key, words), script, ["1", key, ...args]);
}

/** Runs a script that needs no key on a server. */
export function runOn(server: Server, script: Script, args: readonly string[]): Promise<unknown> {
  return evaluate(server.send, script, ["0", ...args]);
}

/** Runs a script that gives a result for each of its keys, or an error. One server holds them all. */
export async function runOnEach(
  connection: Connection,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<readonly unknown[]> {
  const rest = [String(keys.length)].concat(keys, args);
  const reply = await evaluate((words) => connection.send(keys[0] ?? "", words), script, rest);
  return Array.isArray(reply) ? reply.map(orError) : [];
}

// A server that does not know the script, such as one just started, is told it.
function evaluate(
  send: (args: readonly string[]) => Promise<unknown>,
  { source, sha }: Script,
  rest: readonly string[],
): Promise<unknown> {
  return send(["EVALSHA", sha].concat(rest)).catch((error: unknown) => {
    if (!isReply(error, "NOSCRIPT")) throw error;
    return send(["EVAL", source].concat(rest));
  });
}

/** Whether a script returned 1, which some clients hand out as a text. */
export function isOne(reply: unknown): boolean {
  return !Array.isArray(reply) && Number(reply) === 1;
}

function orError(result: unknown): unknown {
  const [mark, gap, message] = Array.isArray(result) && result.length === 3 ? result : [];
  return mark === "error" && gap === null ? new Error(String(message)) : result;
}
