-- release: waiting tasks that are due become deliverable. Due is judged by the raw clock, never early. A task that is
-- not waiting any more, or not due yet, is passed over, so the call may be repeated and any node may make it.
-- KEYS  meta tasks events waiting copies chunk...
-- ARGV  per task: id, address of its birth, lsn of its birth, its chunk as index into KEYS
-- reply OK released next-due|"" now
-- refusals EPOCH SCHEMA TYPE
local tasks, events, waiting, copies = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local refusal = open() or expect(tasks, 'stream', events, 'stream', waiting, 'zset', copies, 'hash')
for i = 6, #KEYS do
  refusal = refusal or expect(KEYS[i], 'string')
end
if refusal then return refusal end
local released, expired = 0, 0

local function release(id, birth, chunk, due, from)
  local copy = parts(call('HGET', copies, id) or '')
  local attempt, prev = copy[1] or '1', copy[2] or from
  local body = copy[4] and {type = copy[4], payload = copy[5], headers = copy[6], opts = copy[3]}
    or born(tasks, events, from)
  call('ZREM', waiting, id)
  call('HDEL', copies, id)
  if not body then
    event(events, {kind = 'entry_lost', ref = id, prev = prev})
    return index(chunk, birth, state.lost, lsn)
  end
  local opts = copy[3] or body.opts
  local deadline = string.match(',' .. opts, ',d(%d+)')
  if deadline and tonumber(deadline) < now then
    expired = expired + 1
    event(events, {outcome = 'expired', ref = id, attempt = attempt, prev = prev})
    return index(chunk, birth, state.expired, lsn)
  end
  released = released + 1
  entry(tasks, {type = body.type, payload = body.payload, ref = id, attempt = attempt, headers = body.headers,
    opts = opts, due = due, prev = prev})
  index(chunk, birth, state.ready, lsn)
end

begin()
for i = 1, #ARGV, 4 do
  local due = call('ZSCORE', waiting, ARGV[i])
  if due and score(due) <= now then
    release(ARGV[i], tonumber(ARGV[i + 2]), KEYS[tonumber(ARGV[i + 3])], int(score(due)), ARGV[i + 1])
  end
end
count('open', released)
count('expired', expired)
commit()
local head = call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
return {'OK', released, head and int(score(head)) or '', int(now)}
