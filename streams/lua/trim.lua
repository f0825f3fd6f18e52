-- trim: cuts both streams at a floor that spares what is pending, undelivered, registered or younger than the cut. It
-- goes in three steps, each a call that may be repeated: plan a floor; copy, a page a call, what still waits and was
-- born below it (outcomes settled meanwhile see the plan and copy for themselves); cut.
-- KEYS  meta tasks events waiting copies cancels cursors
-- ARGV  cut-ms cursor plan   cursor: '' plan, else where to go on copying
-- reply OK removed floor | KEEP cursor plan | IDLE floor
-- refusals EPOCH SCHEMA NOGROUP TYPE
local tasks, events, waiting, copies, cancels, cursors = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local refusal = open() or expect(tasks, 'stream', events, 'stream', waiting, 'zset', copies, 'hash', cancels, 'zset')
if refusal then return refusal end

local function lower(a, b) return a and (not b or tonumber(string.match(a, '%d+$')) < tonumber(string.match(b, '%d+$'))) and a or b end
local function first(stream, from) local e = call('XRANGE', stream, from, '+', 'COUNT', 1)[1] return e and e[1] end

local function target()
  local delivered
  for _, g in ipairs(call('XINFO', 'GROUPS', tasks)) do
    if g[2] == group then delivered = g end
  end
  if not delivered then return nil end
  local at
  for i = 1, #delivered, 2 do if delivered[i] == 'last-delivered-id' then at = delivered[i + 1] end end
  local least = lower(first(tasks, ARGV[1] .. '-0'), first(events, ARGV[1] .. '-0')) or int(ms) .. '-' .. int(lsn + 1)
  least = lower(call('XPENDING', tasks, group)[2], least)
  least = lower(first(tasks, '(' .. at), least)
  for _, cursor in ipairs(call('HVALS', cursors)) do least = lower(cursor, least) end
  return least
end

local planned = call('HGET', meta, 'cut')
if ARGV[2] == '' then
  planned = target()
  if not planned then return {'NOGROUP'} end
  if tonumber(string.match(planned, '%d+$')) <= floor then return {'IDLE', int(floor)} end
elseif planned ~= ARGV[3] then
  return {'IDLE', int(floor)} -- another trimmer planned anew
end
local cut = tonumber(string.match(planned, '%d+$'))
begin()
call('HSET', meta, 'plan', int(cut), 'cut', planned)
local page = call('ZSCAN', waiting, ARGV[2] == '' and '0' or ARGV[2], 'COUNT', 256)
for i = 1, #page[2], 2 do
  local id = page[2][i]
  local from, birth = address(id)
  local copy = birth < cut and (call('HGET', copies, id) or '')
  local body = copy and not parts(copy)[4] and (read(events, from) or read(tasks, from))
  if body then
    if copy == '' then copy = record('1', from, body.opts) end
    call('HSET', copies, id, copy .. record(body.type, body.payload, body.headers))
  end
end
if page[1] ~= '0' then return {'KEEP', page[1], planned} end
if cut > floor then
  event(events, {kind = 'trimmed', n = '0', extra = int(floor) .. ' ' .. int(cut)})
  call('HSET', meta, 'floor', int(cut))
  call('ZREMRANGEBYSCORE', cancels, '-inf', '(' .. int(cut))
end
local removed = 0
for _, stream in ipairs({tasks, events}) do removed = removed + call('XTRIM', stream, 'MINID', '~', planned, 'LIMIT', 10000) end
commit()
return {'OK', removed, int(cut)}
