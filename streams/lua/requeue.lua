-- requeue: a dead task gets another life with a full set of retries; attempts go on counting, so that (id, attempt)
-- never repeats. A repeat finds the task requeued by the same hand, and says OK.
-- KEYS  meta tasks events dead graves chunk
-- ARGV  id birth actor reason opts attempt   opts and attempt as the caller read them from the grave, for the next life
-- reply OK | UNKNOWN   UNKNOWN: not dead, or its payload was lost
-- refusals EPOCH SCHEMA TYPE
local tasks, events, dead, graves, chunk = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, birth = ARGV[1], tonumber(ARGV[2])
local refusal = open() or expect(tasks, 'stream', events, 'stream', dead, 'zset', graves, 'hash', chunk, 'string')
if refusal then return refusal end
local stands, at = status(chunk, birth)
local latest = at and at > 0 and
  find(stands == state.ready and tasks or events, at, tonumber(string.match(address(id), '^%d+')))
local body = parts(call('HGET', graves, id) or '')
if not body[4] or not call('ZSCORE', dead, id) then
  local open_entry = stands == state.ready and latest and read(tasks, latest[1])
  local cause = open_entry and read(events, open_entry.prev ~= '' and open_entry.prev or '0-1')
  if cause and cause.kind == 'requeued' and cause.actor == ARGV[3] and cause.reason == ARGV[4] then return {'OK'} end
  return {'UNKNOWN'}
end
if tonumber(body[1]) + 1 ~= tonumber(ARGV[6]) then return {'UNKNOWN'} end -- requeued, and dead again, since it was read
begin()
call('ZREM', dead, id)
call('HDEL', graves, id)
local cause = event(events, {kind = 'requeued', ref = id, actor = ARGV[3], reason = ARGV[4], prev = latest and latest[1]})
entry(tasks, body[2], body[3], id, ARGV[6], body[4], ARGV[5], int(now), cause)
index(chunk, birth, state.ready, lsn)
count('open', 1)
count('requeued', 1)
commit()
return {'OK'}
