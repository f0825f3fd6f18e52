-- cancel: a waiting task ends at once; so does a ready one, whose entry stays behind a mark and is dropped when it is
-- read; a running one is marked, and its node stops it. Idempotent by state.
-- KEYS  meta tasks events waiting copies cancels chunk
-- ARGV  id address birth actor reason
-- reply CANCELLED | REQUESTED | DUP | FINISHED state | UNKNOWN
-- refusals EPOCH SCHEMA NOGROUP TYPE
local tasks, events, waiting, copies, cancels, chunk = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local id, birth = ARGV[1], tonumber(ARGV[3])
local refusal = open() or expect(tasks, 'stream', events, 'stream', copies, 'hash', cancels, 'zset', chunk, 'string')
if refusal then return refusal end
local stands, at = status(chunk, birth)
local mark = call('ZSCORE', cancels, ARGV[3])
local waits = call('ZSCORE', waiting, id)
if stands and stands >= state.succeeded then return {'FINISHED', stands} end
if mark then return {'DUP'} end
if not waits and stands == 0 then
  at = birth
  local there = call('XRANGE', tasks, ARGV[2], ARGV[2])[1] or call('XRANGE', events, ARGV[2], ARGV[2])[1]
  if not there or birth > lsn then return {'UNKNOWN'} end
end

local latest = ARGV[2] -- the event that led to where the task stands
if stands and stands > 0 then
  latest = (find(stands == state.ready and tasks or events, at, tonumber(string.match(ARGV[2], '^%d+'))) or {''})[1]
end

local function finish()
  event(events, {outcome = 'cancelled', ref = id, actor = ARGV[4], reason = ARGV[5], prev = latest})
  if stands then index(chunk, birth, state.cancelled, lsn) end
  count('cancelled', 1)
  commit()
  return {'CANCELLED'}
end

begin()
if waits then
  call('ZREM', waiting, id)
  call('HDEL', copies, id)
  return finish()
end
local delivered
for _, g in ipairs(call('XINFO', 'GROUPS', tasks)) do
  if g[2] == group then
    for i = 1, #g, 2 do
      if g[i] == 'last-delivered-id' then delivered = tonumber(string.match(g[i + 1], '%d+$')) end
    end
  end
end
if not delivered then return {'NOGROUP'} end
call('ZADD', cancels, int(lsn + 1), ARGV[3])
if stands and at > delivered then
  count('open', -1)
  return finish()
end
event(events, {kind = 'cancel_requested', ref = id, actor = ARGV[4], reason = ARGV[5], prev = latest})
commit()
return {'REQUESTED'}
