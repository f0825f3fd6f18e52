-- register: the partition numbers of a queue, given out once, growing only when asked. No prologue: another slot.
-- KEYS  registry
-- ARGV  queue partitions   0: look up only
-- reply comma-separated numbers, empty if the queue is not registered
local have = redis.call('HGET', KEYS[1], ARGV[1])
local numbers, want = {}, tonumber(ARGV[2])
for n in string.gmatch(have or '', '%d+') do numbers[#numbers + 1] = n end
if want <= #numbers then return have or '' end
for i = #numbers + 1, want do
  numbers[i] = string.format('%.0f', redis.call('HINCRBY', KEYS[1], '#next', 1) - 1)
end
have = table.concat(numbers, ',')
redis.call('HSET', KEYS[1], ARGV[1], have)
return have
