-- epoch: the first call after Redis restarted, was promoted or flushed, and the first call ever. Repeating it is
-- harmless: the token tells. The jump keeps lsns that the lost tail may have handed out from being used again.
-- KEYS  meta tasks events
-- ARGV  epoch ms lsn   the highest the caller has seen
-- reply OK token survived | SAME token | RECOVER token survived|"" last gone   RECOVER: the group is gone (1), or its
--       recovery has not ended (0); survived where this call opened the epoch
-- refusals TYPE SCHEMA
local tasks, events = KEYS[2], KEYS[3]
tick()
local wrong = expect(tasks, 'stream', events, 'stream')
if wrong then return wrong end
local info = call('INFO', 'replication')
local replid = string.sub(string.match(info, 'master_replid:(%x+)'), 1, 12)
local m = call('HMGET', meta, 'token', 'ms', 'lsn', 'recover', 'schema')
local known, old = {tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])}, m[1]
if old and m[5] ~= '1' then return {'SCHEMA', m[5] or ''} end

local function answer(word, survived)
  local has, entries = delivered(tasks), call('XREVRANGE', tasks, '+', '-', 'COUNT', 1)
  if has and not m[4] then return {word, token, survived} end
  if has then return {'RECOVER', token, survived, m[4], 0} end
  if entries[1] then return {'RECOVER', token, survived, entries[1][1], 1} end
  begin()
  call('XGROUP', 'CREATE', tasks, group, '0', 'MKSTREAM')
  return {word, token, survived}
end

if old and string.sub(old, 1, 12) == replid then
  token = old
  return answer('SAME', '')
end

-- what survived: the clock, and both streams, whose last-generated-id lies after a foreign entry
local survived, seen = tonumber(m[3] or 0), 0
ms = math.max(now, tonumber(m[2] or 0), known[2])
for _, stream in ipairs({tasks, events}) do
  local last = call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  local ids, stat = {last and last[1] or '0-0', '0-0'}, redis.pcall('XINFO', 'STREAM', stream)
  for i = 1, stat.err and 0 or #stat, 2 do
    if stat[i] == 'last-generated-id' then ids[2] = stat[i + 1] end
  end
  for _, id in ipairs(ids) do
    local a, b = string.match(id, '^(%d+)-(%d+)$') -- nothing in a stream of miniredis that never had an entry
    ms, seen = math.max(ms, tonumber(a or 0)), math.max(seen, tonumber(b or 0))
  end
end
survived = math.max(survived, seen)
local cause, epoch = 'created', math.max(tonumber(old and string.match(old, '%d+$') or 0), known[1]) + 1
if old then
  cause = string.find(info, 'master_replid2:' .. string.sub(old, 1, 12), 1, true) and 'promotion' or 'restart'
  if string.sub(old, 1, 8) == 'restored' then cause = 'restore' end
elseif survived > 0 or known[3] > 0 then cause = 'flush' end
lsn = cause == 'created' and survived or math.ceil((math.max(survived, known[3]) + 2 ^ 28) / 16) * 16
token = replid .. '.' .. int(now) .. '.' .. int(epoch) -- now: made anew after a flush, it is another token
begin()
event(events, {kind = 'epoch', reason = cause, n = '0', extra = record(old or '', token, int(survived), int(known[3]))})
if not old then call('HSET', meta, 'schema', '1', 'floor', int(cause == 'created' and 1 or lsn)) end
call('HSET', meta, 'token', token)
commit()
return answer('OK', int(survived))
