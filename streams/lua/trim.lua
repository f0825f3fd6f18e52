-- trim: cuts both streams at a floor that spares what is pending, undelivered, registered or younger than the cut. Each
-- of its steps may be repeated: plan a floor; copy, a page a call, what still waits and was born below it (outcomes
-- settled meanwhile see the plan and copy for themselves); cut, and again while something goes.
-- KEYS  meta tasks events waiting copies cancels cursors redacted
-- ARGV  cut-ms cursor plan   cursor: '' plan, else where to go on copying
-- reply OK removed floor | KEEP cursor plan
-- refusals EPOCH SCHEMA NOGROUP TYPE
local tasks, events, waiting, copies, cancels, cursors = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local refusal = open() or expect(tasks, 'stream', events, 'stream', waiting, 'zset', copies, 'hash', cancels, 'zset')
if refusal then return refusal end
local last = delivered(tasks)
if not last or recovering() then return {'NOGROUP'} end -- what is open is not pending yet
local function number(id) return tonumber(string.match(id, '%d+$')) end
local function lower(a, b) return (a and (not b or after(b, a))) and a or b end
local walled = false -- who knows what stands behind a wall of strangers' entries
local function mine(stream, from)
  local e, wall = own(stream, from)
  walled = walled or wall
  return e and e[1]
end
local function first(from) return lower(mine(tasks, from), mine(events, from)) end
local function target()
  local least = lower(first(ARGV[1] .. '-0'), int(ms) .. '-' .. int(lsn + 1))
  local pending = call('XPENDING', tasks, group)[2]
  return lower(mine(tasks, '(' .. last), lower(pending and first(pending), least))
end

local planned, resumed = call('HGET', meta, 'cut'), ARGV[2] ~= ''
if not resumed then
  local fresh = target()
  if walled then return {'OK', 0, int(floor)} end
  if number(fresh) > floor then planned = fresh end
elseif planned ~= ARGV[3] then return {'OK', 0, int(floor)} end -- another trimmer planned anew
for _, cursor in ipairs(planned and call('HVALS', cursors) or {}) do planned = lower(cursor, planned) end
if not planned or number(planned) < floor then return {'OK', 0, int(floor)} end
local cut, page = number(planned), {'0', {}}
begin()
call('HSET', meta, 'plan', int(cut), 'cut', planned)
if cut > floor then page = call('ZSCAN', waiting, resumed and ARGV[2] or '0', 'COUNT', 256) end
for i = 1, #page[2], 2 do
  local id = page[2][i]
  local from, birth = address(id)
  local copy = birth < cut and (call('HGET', copies, id) or '')
  local list = copy and not parts(copy)[4] and born(tasks, events, from)
  if list then
    if copy == '' then copy = record('1', from, ({body(list)})[4]) end
    call('HSET', copies, id, copy .. packed(list))
  end
end
if page[1] ~= '0' then return {'KEEP', page[1], planned} end
if cut > floor then
  event(events, {kind = 'trimmed', n = '0', extra = int(floor) .. ' ' .. int(cut)})
  call('HSET', meta, 'floor', int(cut))
  call('ZREMRANGEBYSCORE', cancels, '(' .. int(-cut), '(' .. int(cut))
  call('ZREMRANGEBYSCORE', KEYS[8], '-inf', '(' .. string.match(planned, '^%d+'))
end
local removed = 0
for _, stream in ipairs({tasks, events}) do removed = removed + call('XTRIM', stream, 'MINID', '~', planned, 'LIMIT', 10000) end
commit()
return {'OK', removed, int(cut)}
