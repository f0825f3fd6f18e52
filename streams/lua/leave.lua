-- leave: a consumer that holds nothing is deleted with its record, and only then: deleting one that holds entries
-- would lose them.
-- KEYS  meta tasks members
-- ARGV  consumer
-- reply OK | BUSY
-- refusals EPOCH SCHEMA NOGROUP
local tasks, members, consumer = KEYS[2], KEYS[3], ARGV[1]
local refusal = open()
if refusal then return refusal end
local held = redis.pcall('XPENDING', tasks, group, '-', '+', 1, consumer)
if held.err then return {'NOGROUP'} end
if #held > 0 then return {'BUSY'} end
begin()
call('XGROUP', 'DELCONSUMER', tasks, group, consumer)
call('HDEL', members, consumer)
return {'OK'}
