-- register: the partition numbers of a queue, given out once: a queue keeps those it got. No prologue: another slot.
-- KEYS  registry
-- ARGV  queue partitions [numbers]   partitions 0: look up only; numbers: what the caller remembers of a registry that
--       was flushed, taken up if the queue is unknown and no other has got one of them since
-- reply comma-separated numbers, empty if the queue is not registered
local have = redis.call('HGET', KEYS[1], ARGV[1])
if not have and ARGV[3] then
  local taken, top = {}, tonumber(redis.call('HGET', KEYS[1], '#next') or 0)
  for _, v in ipairs(redis.call('HVALS', KEYS[1])) do
    for n in string.gmatch(v, '%d+') do taken[n] = true end
  end
  taken[string.format('%.0f', top)] = nil -- #next itself
  have = ARGV[3]
  for n in string.gmatch(ARGV[3], '%d+') do
    if taken[n] then return '' end
    top = math.max(top, tonumber(n) + 1)
  end
  redis.call('HSET', KEYS[1], '#next', string.format('%.0f', top), ARGV[1], have)
end
local numbers, want = {}, tonumber(ARGV[2])
if have or want == 0 then return have or '' end
for i = 1, want do
  numbers[i] = string.format('%.0f', redis.call('HINCRBY', KEYS[1], '#next', 1) - 1)
end
have = table.concat(numbers, ',')
redis.call('HSET', KEYS[1], ARGV[1], have)
return have
