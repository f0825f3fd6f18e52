-- enqueue: births, all to run now or all later. A producer's batches are numbered: asked again, a batch is answered
-- from the session and nothing is written, so a lost reply makes no second task.
-- KEYS  meta tasks events waiting wake session unique...
-- ARGV  seq stride, then per run of births that differ in their payloads alone: type headers opts due count, then per
--       birth: payload [unique ttl]
--       stride: 1, or 3 with unique and ttl; due: '' now, '+ms' from now, 'ms' absolute; unique: index into KEYS or 0;
--       ttl: ms
-- reply OK|DUP "seq epoch ms first n index=id..."   tasks at an index have an older task with their key
-- refusals EPOCH SCHEMA OLDSEQ FULL TYPE   FULL reason: the mark of pressure.lua, which is believed for a minute
local tasks, events, waiting, wake, session, args = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], ARGV
local seq, stride = tonumber(args[1]), tonumber(args[2])
local refusal = open()
if refusal then return refusal end
local last = call('GET', session)
if last then
  local done = tonumber(string.match(last, '^%d+'))
  if done == seq then return {'DUP', last} end
  if done > seq then return {'OLDSEQ'} end
end
if full and math.abs(now - string.match(full, '^%d+')) < 60000 then return {'FULL', string.match(full, '%a+$')} end
local later, known, hits, head = args[6] ~= '', {}, '', nil
for i = 7, #KEYS do known[KEYS[i]] = call('GET', KEYS[i]) end
if later then
  refusal = expect(wake, 'list')
  if refusal then return refusal end
  head = call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
end
local stream, first, soonest, epoch = later and events or tasks, lsn + 1, nil, string.match(token, '%d+$')
local run, index = 3, 0
while args[run] do
  local kind, headers, opts, due = args[run], args[run + 1], args[run + 2], args[run + 3]
  if string.sub(due, 1, 1) == '+' then due = int(now + tonumber(due)) end
  local at = run + 5
  run = at + tonumber(args[run + 4]) * stride
  for i = at, run - 1, stride do
    local key = stride == 3 and KEYS[tonumber(args[i + 1])]
    if key and known[key] then
      hits = hits .. ' ' .. int(index) .. '=' .. known[key]
    else
      entry(stream, kind, args[i], epoch, '1', headers, opts, due, '')
      if later then
        call('ZADD', waiting, due, ulid(lsn))
        soonest = math.min(soonest or tonumber(due), tonumber(due))
      end
      if key then
        known[key] = ulid(lsn)
        call('SET', key, known[key], 'PX', args[i + 2])
      end
    end
    index = index + 1
  end
end
local n = lsn - first + 1
if soonest then sooner(wake, head, soonest) end
local reply = string.format('%d %s %d %d %d%s', seq, epoch, ms, first, n, hits)
call('SET', session, reply, 'PX', '86400000')
local enqueued, open_before = tonumber(had[7]) or 0, tonumber(had[6]) or 0
call('HSET', meta, 'ms', int(ms), 'lsn', int(lsn), 'enqueued', int(enqueued + n), 'open', int(open_before + (later and 0 or n)))
return {'OK', reply}
