-- restore: claims an empty namespace for a restore, and at its end registers the queues, all or none. Who registers a
-- queue in between gets a number beyond those of the restore, so that no key is of both. No prologue: another slot.
-- KEYS  registry
-- ARGV  next [queue numbers]...   next: the number behind all of the restore; with no queue it claims
-- reply 1; 0 the namespace is not empty, or holds more than the claim
local holds = redis.call('HGETALL', KEYS[1])
if #ARGV == 1 then
  if #holds > 0 then return 0 end
  redis.call('HSET', KEYS[1], '#next', ARGV[1])
  return 1
end
if #holds ~= 2 or holds[1] ~= '#next' or holds[2] ~= ARGV[1] then return 0 end
for i = 2, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
