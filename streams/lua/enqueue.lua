-- enqueue: births, all to run now or all later. A producer's batches are numbered: asked again, a batch is answered
-- from the session and nothing is written, so a lost reply makes no second task.
-- KEYS  meta tasks events waiting wake session unique...
-- ARGV  seq stride, then per task: type payload headers opts due [unique ttl]
--       due: '' now, '+ms' from now, 'ms' absolute; unique: index into KEYS or 0; ttl: ms
-- reply OK|DUP "seq epoch ms first n index=id..."   tasks at an index have an older task with their key
-- refusals EPOCH SCHEMA OLDSEQ FULL TYPE   FULL reason: the mark of pressure.lua, which is believed for a minute
local tasks, events, waiting, wake, session = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local seq, stride = tonumber(ARGV[1]), tonumber(ARGV[2])
local refusal = open()
if refusal then return refusal end
local last = call('GET', session)
if last then
  local done = tonumber(string.match(last, '^%d+'))
  if done == seq then return {'DUP', last} end
  if done > seq then return {'OLDSEQ'} end
end
if full and math.abs(now - string.match(full, '^%d+')) < 60000 then return {'FULL', string.match(full, '%a+$')} end
local later = ARGV[7] ~= ''
local known, hits = {}, {}
if stride == 7 then
  for i = 3, #ARGV, stride do
    local key = KEYS[tonumber(ARGV[i + 5])]
    if key and known[key] == nil then known[key] = call('GET', key) end
  end
end
local head
if later then
  refusal = expect(wake, 'list')
  if refusal then return refusal end
  head = call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
end
local first, soonest, epoch = lsn + 1, nil, string.match(token, '%d+$')
for i = 3, #ARGV, stride do
  local key = stride == 7 and KEYS[tonumber(ARGV[i + 5])]
  if key and known[key] then
    hits[#hits + 1] = ' ' .. int((i - 3) / stride) .. '=' .. known[key]
  else
    local due = ARGV[i + 4]
    if string.sub(due, 1, 1) == '+' then due = int(now + tonumber(due)) end
    append(later and events or tasks, 'v', '1', 'type', ARGV[i], 'payload', ARGV[i + 1], 'ref', epoch, 'attempt', '1',
      'headers', ARGV[i + 2], 'opts', ARGV[i + 3], 'due', due, 'prev', '')
    if later then
      call('ZADD', waiting, due, ulid(lsn))
      soonest = math.min(soonest or tonumber(due), tonumber(due))
    end
    if key then
      known[key] = ulid(lsn)
      call('SET', key, known[key], 'PX', ARGV[i + 6])
    end
  end
end
local n = lsn - first + 1
if soonest then sooner(wake, head, soonest) end
if not later then count('open', n) end
count('enqueued', n)
local reply = string.format('%d %s %d %d %d%s', seq, epoch, ms, first, n, table.concat(hits))
call('SET', session, reply, 'PX', '86400000')
commit()
return {'OK', reply}
