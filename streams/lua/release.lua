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

-- what is due: of each its place in ARGV, id and due time
local ids, at, due, times, known = {}, {}, {}, {}, {}
for i = 1, #ARGV, 4 do ids[#ids + 1] = ARGV[i] end
for n, s in ipairs(ids[1] and call('ZMSCORE', waiting, unpack(ids)) or {}) do
  local ms0 = s and score(s)
  if ms0 and ms0 <= now and not known[ids[n]] then
    at[#at + 1], due[#due + 1], times[#times + 1], known[ids[n]] = 4 * n - 3, ids[n], int(ms0), true
  end
end

local released, expired = 0, 0
local function release(n, copy, births)
  local i, attempt, opts, f = at[n], copy[1] or '1', copy[3], nil
  local id, from, birth, chunk = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), KEYS[tonumber(ARGV[i + 3])]
  local prev = copy[2] or from
  if copy[4] then f = {type = copy[4], payload = copy[5], headers = copy[6]} else f = births[from] or born(tasks, events, from) end
  if not f then
    event(events, {kind = 'entry_lost', ref = id, prev = prev})
    return index(chunk, birth, state.lost, lsn)
  end
  opts = opts or f.opts
  local deadline = opts ~= '' and string.match(',' .. opts, ',d(%d+)')
  if deadline and tonumber(deadline) < now then
    expired = expired + 1
    event(events, {outcome = 'expired', ref = id, attempt = attempt, prev = prev})
    return index(chunk, birth, state.expired, lsn)
  end
  released = released + 1
  append(tasks, 'v', '1', 'type', f.type, 'payload', f.payload, 'ref', id, 'attempt', attempt, 'headers', f.headers,
    'opts', opts, 'due', times[n], 'prev', prev)
  index(chunk, birth, state.ready, lsn)
end

begin()
if due[1] then
  local copied, births = call('HMGET', copies, unpack(due)), neighbours(events, at)
  call('ZREM', waiting, unpack(due))
  call('HDEL', copies, unpack(due))
  for n = 1, #due do release(n, copied[n] and parts(copied[n]) or {}, births) end
end
count('open', released)
count('expired', expired)
commit()
local head = call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
return {'OK', released, head and int(score(head)) or '', int(now)}
