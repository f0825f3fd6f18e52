-- join: a consumer's record, before its first read. A name is used once: whoever finds it taken picks another.
-- KEYS  meta members
-- ARGV  consumer
-- reply OK token | INUSE
-- refusals EPOCH SCHEMA
local refusal = open()
if refusal then return refusal end
if call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return {'INUSE'} end
begin()
call('HSET', KEYS[2], ARGV[1], '0|0|')
return {'OK', token}
