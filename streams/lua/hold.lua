-- hold: a soft lease of a role, taken or renewed. Economy only, never safety. No prologue: it orders nothing. The no-op
-- lets it work when memory is full: the trimmer, too, holds a role.
-- KEYS  role
-- ARGV  who ttl
-- reply 1 held, 0 held by another
redis.call('DEL', KEYS[1] .. ':nothing')
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
