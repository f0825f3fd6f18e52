-- snapshot: the live state in one look, for stats and fsck. Reads only.
-- KEYS  meta tasks events waiting dead cancels members
-- ARGV  none
-- reply OK, then name value...
-- refusals EPOCH SCHEMA NOGROUP
local tasks = KEYS[2]
local refusal = open()
if refusal then return refusal end
local pending = redis.pcall('XPENDING', tasks, group)
if pending.err or recovering() then return {'NOGROUP'} end
local out = {'OK', 'lsn', int(lsn), 'floor', int(floor), 'now', int(now), 'token', token, 'pending', int(pending[1]),
  'waiting', int(call('ZCARD', KEYS[4])), 'buried', int(call('ZCARD', KEYS[5])), 'marks', int(call('ZCARD', KEYS[6])),
  'members', int(call('HLEN', KEYS[7])), 'entries', int(call('XLEN', tasks)), 'events', int(call('XLEN', KEYS[3]))}
out[#out + 1], out[#out + 2] = 'delivered', delivered(tasks)
local head = call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2]
out[#out + 1], out[#out + 2] = 'due', head and int(score(head)) or ''
for i, name in ipairs({'open', 'enqueued', 'succeeded', 'retry', 'snoozed', 'dead', 'cancelled', 'expired', 'requeued', 'purged', 'paused'}) do
  out[#out + 1], out[#out + 2] = name, call('HGET', meta, name) or '0'
end
return out
