-- retention: how much history this partition keeps, whatever its nodes say; or as they say again.
-- KEYS  meta events
-- ARGV  age bytes dead actor reason   ms, bytes, ms; '': as the nodes say
-- reply OK | SAME
-- refusals EPOCH SCHEMA TYPE
local events, names = KEYS[2], {'keep_age', 'keep_bytes', 'keep_dead'}
local refusal = open() or expect(events, 'stream')
if refusal then return refusal end
local was, same, words = call('HMGET', meta, unpack(names)), true, {'keep'}
for i = 1, #names do
  same = same and (was[i] or '') == ARGV[i]
  words[i + 1] = ARGV[i] == '' and '-' or ARGV[i]
end
if same then return {'SAME'} end
begin()
event(events, {kind = 'retention_set', n = '0', actor = ARGV[4], reason = ARGV[5], extra = table.concat(words, ' ')})
for i, name in ipairs(names) do
  if ARGV[i] == '' then call('HDEL', meta, name) else call('HSET', meta, name, ARGV[i]) end
end
commit()
return {'OK'}
