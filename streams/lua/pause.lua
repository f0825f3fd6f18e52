-- pause: the queue delivers no more, or again. Readers see the flag with their next fetch.
-- KEYS  meta events
-- ARGV  paused|resumed actor reason
-- reply OK | SAME
-- refusals EPOCH SCHEMA TYPE
local refusal = open() or expect(KEYS[2], 'stream')
if refusal then return refusal end
local want = ARGV[1] == 'paused' and '1' or '0'
if (call('HGET', meta, 'paused') or '0') == want then return {'SAME'} end
begin()
event(KEYS[2], {kind = ARGV[1], actor = ARGV[2], reason = ARGV[3], n = '0'})
call('HSET', meta, 'paused', want)
commit()
return {'OK'}
