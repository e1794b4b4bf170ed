import { script } from "./scripts.js";

/** An index keeps an id to the end of the day in which its entry ends, by the database's clock. */
export const PERIOD_MS = 86_400_000;
/** How long after its place in the index an entry itself may still be on its way. */
const GRACE_MS = 60_000;
/** The most days for which an index keeps an id, also of what never ends: else those would pile up. */
const MAX_PERIODS = 400;
/** After so many days an index is completed anew, long before it drops what is still there. */
const COMPLETE_PERIODS = 180;

// A score is the period times its length, plus the time of day when the id was added.

const NOW = `
local length, time = ${PERIOD_MS}, redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * Adds an id. Arguments: id, period. Drops those whose entries have ended, and the index itself
 * when the last one has.
 */
export const ADD = script(`${NOW}
local key, id, today = KEYS[1], ARGV[1], math.floor(now / length)
local period = math.min(tonumber(ARGV[2]), today + ${MAX_PERIODS})
local score = redis.call('ZSCORE', key, id)
if score then period = math.max(period, math.floor(score / length)) end
redis.call('ZADD', key, string.format('%.0f', period * length + now % length), id)
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('(%.0f', today * length))
local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]
if not last then return end
redis.call('PEXPIREAT', key, string.format('%.0f', (math.floor(last / length) + 1) * length))
`);

/** Takes an id out, unless it was added again since, or lately. Arguments: id, score. */
export const REMOVE = script(`${NOW}
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return end
if (now - score) % length < ${GRACE_MS} then return end
redis.call('ZREM', KEYS[1], ARGV[1])
`);

/** Notes for a while that the indices of some paths are complete. Arguments: the paths. */
export const COMPLETE = script(`${NOW}
redis.call('SADD', KEYS[1], unpack(ARGV))
if redis.call('PTTL', KEYS[1]) >= 0 then return end
redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', now + ${COMPLETE_PERIODS} * length))
`);

/**
 * A step of a walk through an index. Arguments: the server that the walk has begun on, the place
 * there, and about how many ids. Returns the server, the next place, and ids and scores in turns.
 * A place means nothing on another server, nor on one that was started again: there the walk
 * begins anew.
 */
export const WALK = script(`
local info = redis.pcall('INFO', 'server')
local server = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'any'
local place = server == ARGV[1] and ARGV[2] or '0'
local reply = redis.call('ZSCAN', KEYS[1], place, 'COUNT', ARGV[3])
return { server, reply[1], reply[2] }
`);
