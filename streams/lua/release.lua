-- release: waiting tasks that are due become deliverable. Due is judged by the raw clock, never early. A task that is
-- not waiting any more, or not due yet, is passed over, so the call may be repeated and any node may make it.
-- KEYS  meta tasks events waiting copies chunk...
-- ARGV  tasks, then of each its id, then of each the address of its birth, then per run of neighbouring births that
--       follow each other in the list: lsn of the first, chunk as index into KEYS, count
-- reply OK released next-due|"" now
-- refusals EPOCH SCHEMA TYPE
local refusal = open() or expect(tasks, 'stream', events, 'stream', waiting, 'zset', copies, 'hash')
for i = 6, #KEYS do
  refusal = refusal or expect(KEYS[i], 'string')
end
if refusal then return refusal end

-- neighbours releases a run, whose births it reads at once: those of one batch stand next to one another. What a
-- stranger between them hides is read by its address.
local none = {}
local function neighbours(i, birth, chunk, count, times, copied)
  local found, f = call('XRANGE', events, args[listed + 1 + i], args[listed + i + count], 'COUNT', count), 1
  for k = i, i + count - 1 do
    local from, copy, e, list = args[listed + 1 + k], copied[k], found[f], nil
    if e and e[1] == from then
      f = f + 1
      if body(e[2]) ~= '' then list = e[2] end
    end
    if times[k] then release(args[k + 1], from, birth + k - i, chunk, times[k], copy and parts(copy) or none, list) end
  end
end

local ids, times = due()
begin()
if ids[1] then
  local copied, i = call('HMGET', copies, unpack(args, 2, listed + 1)), 1
  call('ZREM', waiting, unpack(ids))
  call('HDEL', copies, unpack(ids))
  for r = 2 * listed + 2, #args, 3 do
    local count = tonumber(args[r + 2])
    neighbours(i, tonumber(args[r]), KEYS[tonumber(args[r + 1])], count, times, copied)
    i = i + count
  end
end
count('open', released)
count('expired', expired)
commit()
local head = call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
return {'OK', released, head and int(score(head)) or '', int(now)}
