-- requeue: a dead task gets another life with a full set of retries; attempts go on counting, so that (id, attempt)
-- never repeats.
-- KEYS  meta tasks events dead graves chunk
-- ARGV  id birth actor reason opts attempt   opts and attempt as the caller read them from the grave, for the next life
-- reply OK | UNKNOWN   UNKNOWN: not dead, or its payload was lost
-- refusals EPOCH SCHEMA TYPE
local tasks, events, dead, graves, chunk = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local id, birth = ARGV[1], tonumber(ARGV[2])
local refusal = open() or expect(tasks, 'stream', events, 'stream', chunk, 'string')
if refusal then return refusal end
local grave = call('HGET', graves, id)
if not grave or not call('ZSCORE', dead, id) then return {'UNKNOWN'} end
local body = parts(grave)
begin()
call('ZREM', dead, id)
call('HDEL', graves, id)
local cause = event(events, {kind = 'requeued', ref = id, actor = ARGV[3], reason = ARGV[4]})
entry(tasks, {type = body[2], payload = body[3], ref = id, attempt = ARGV[6], headers = body[4], opts = ARGV[5],
  due = int(now), prev = cause})
index(chunk, birth, state.ready, lsn)
count('open', 1)
count('requeued', 1)
commit()
return {'OK'}
