-- redact: the payloads of a task that has ended are removed. Its births, releases and hand-backs leave their stream;
-- what is left of each stands in r, where readers find it, so no lsn is missing. A dead one cannot be requeued any more.
-- KEYS  meta tasks events waiting graves redacted cancels chunk
-- ARGV  id birth actor reason, then addresses of its entries, the first one first in every call about this task
-- reply OK event removed | OPEN   event: address of the redacted event, the same one when asked again; OPEN: not ended,
--       or a consumer still holds an entry
-- refusals EPOCH SCHEMA NOGROUP TYPE
local tasks, events, waiting, graves, redacted = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local cancels, chunk, id = KEYS[7], KEYS[8], ARGV[1]
local refusal = open() or expect(tasks, 'stream', events, 'stream', waiting, 'zset', graves, 'hash', redacted, 'zset',
  cancels, 'zset', chunk, 'string')
if refusal then return refusal end
local stands = status(chunk, tonumber(ARGV[2]))
if stands and stands < state.succeeded or call('ZSCORE', waiting, id) then return {'OPEN'} end

-- remnant is what an earlier call left of an entry: address, event, then names and values.
local function remnant(address)
  local at, n = string.match(address, '^(%d+)-(%d+)$')
  for _, member in ipairs(call('ZRANGEBYSCORE', redacted, at, at)) do
    if tonumber(string.sub(member, 1, 16)) == tonumber(n) then return parts(string.sub(member, 17)) end
  end
end

local found, cause = {}, (ARGV[5] and remnant(ARGV[5]) or {})[2]
local last = not stands and (delivered(tasks) or '0-0') -- there is no index: what nobody has read is open
for i = 5, #ARGV do
  for _, stream in ipairs({tasks, events}) do
    local e = call('XRANGE', stream, ARGV[i], ARGV[i])[1]
    if e and e[2][1] == 'v' and e[2][3] == 'type' then
      if last and stream == tasks and after(ARGV[i], last) then return {'OPEN'} end
      found[#found + 1] = {stream, ARGV[i], e[2]}
    end
  end
  local held = redis.pcall('XPENDING', tasks, group, ARGV[i], ARGV[i], 1)
  if held.err then return {'NOGROUP'} end
  if held[1] then return {'OPEN'} end
end
begin()
call('HDEL', graves, id)
call('ZREM', cancels, ARGV[2]) -- the tombstone of one that nobody will read now
cause = cause or event(events, {kind = 'redacted', ref = id, actor = ARGV[3], reason = ARGV[4]})
for _, f in ipairs(found) do
  local stream, address, list = unpack(f)
  for i = 1, #list, 2 do
    if list[i] == 'payload' then list[i + 1] = '' end
  end
  local ms0, n = string.match(address, '^(%d+)-(%d+)$')
  call('XDEL', stream, address)
  call('ZADD', redacted, ms0, string.format('%016d', tonumber(n)) .. record(address, cause, unpack(list)))
end
commit()
return {'OK', cause, #found}
