-- announce: shows a node to operators for a while. For people alone. No prologue: it orders nothing. ZREMRANGEBYSCORE,
-- first, lets the others pass when memory is full.
-- KEYS  nodes node
-- ARGV  name body ttl
-- reply the ms at which it expires
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = string.format('%d', now + tonumber(ARGV[3]))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now))
redis.call('ZADD', KEYS[1], ends, ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return ends
