-- purge: dead tasks are removed on purpose; the log says who and why. What is not dead is passed over.
-- KEYS  meta events dead graves chunk...
-- ARGV  actor reason, then per task: id, lsn of its birth, its chunk as index into KEYS
-- reply OK purged
-- refusals EPOCH SCHEMA TYPE
local events, dead, graves = KEYS[2], KEYS[3], KEYS[4]
local refusal = open() or expect(events, 'stream', dead, 'zset', graves, 'hash')
if refusal then return refusal end
for i = 5, #KEYS do
  refusal = expect(KEYS[i], 'string')
  if refusal then return refusal end
end
local gone = {}
begin()
for i = 3, #ARGV, 3 do
  if call('ZREM', dead, ARGV[i]) == 1 then
    call('HDEL', graves, ARGV[i])
    gone[#gone + 1] = ARGV[i]
    index(KEYS[tonumber(ARGV[i + 2])], tonumber(ARGV[i + 1]), state.purged, lsn + 1, #gone - 1)
  end
end
if #gone > 0 then
  event(events, {kind = 'purged', actor = ARGV[1], reason = ARGV[2], n = int(#gone), extra = table.concat(gone, ' ')})
  count('purged', #gone)
end
commit()
return {'OK', #gone}
