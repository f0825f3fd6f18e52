-- hold: a soft lease of a role, taken or renewed. Economy only, never safety. No prologue: it orders nothing. PEXPIRE,
-- which finds nothing where the role is free, lets SET pass when memory is full: the trimmer, too, holds a role.
-- KEYS  role
-- ARGV  who ttl
-- reply 1 held, 0 held by another
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 0 then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
