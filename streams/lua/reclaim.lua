-- reclaim: takes over a page of what a silent consumer held. The caller passes the record it has seen unchanged over
-- one lease of its own monotonic clock; the first page fences the victim as a whole, and only then do entries move.
-- Marking them as stalled for years lets XAUTOCLAIM take exactly these, whatever the clock did. Only a first delivery
-- is charged (1 → 2): what a node merely held is not what killed it. A repeat takes the next page.
-- KEYS  meta tasks events members
-- ARGV  taker victim seen limit
-- reply OK token entry count... | ALIVE record | DONE   DONE: nothing is left, the victim is deleted
-- refusals EPOCH SCHEMA FENCED NOGROUP
local tasks, events, members = KEYS[2], KEYS[3], KEYS[4]
local taker, victim, seen, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local refusal = open() or expect(events, 'stream') or member(members, taker)
if refusal then return refusal end
local rec = call('HGET', members, victim) or ''
if rec ~= 'dead' and rec ~= seen then return {'ALIVE', rec} end
local page = redis.pcall('XPENDING', tasks, group, '-', '+', limit, victim)
if page.err or recovering() then return {'NOGROUP'} end
begin()
if #page == 0 then
  call('XGROUP', 'DELCONSUMER', tasks, group, victim)
  call('HDEL', members, victim)
  return {'DONE'}
end
call('HSET', members, victim, 'dead')

local ids, counts = {}, {}
for i, row in ipairs(page) do
  ids[i] = row[1]
  counts[row[1]] = row[4] == 1 and 2 or row[4]
end
local mark = {'XCLAIM', tasks, group, victim, 0, unpack(ids)}
for _, word in ipairs({'IDLE', '100000000000', 'JUSTID'}) do mark[#mark + 1] = word end
local there = {}
for _, id in ipairs(call(unpack(mark))) do there[id] = true end
for _, id in ipairs(ids) do
  if not there[id] then
    count('open', -1)
    event(events, {kind = 'entry_lost', consumer = victim, prev = id})
  end
end

local reply, claims, byCount = {'OK', token}, {}, {}
for _, id in ipairs(call('XAUTOCLAIM', tasks, group, taker, '50000000000', ids[1], 'COUNT', limit, 'JUSTID')[2]) do
  local n = counts[id] -- none: left over by a page of another fenced consumer, when the scan ended before it
  if not n then n = math.max(2, call('XPENDING', tasks, group, id, id, 1)[1][4]) end
  byCount[n] = byCount[n] or {}
  table.insert(byCount[n], id)
  reply[#reply + 1], reply[#reply + 2] = id, n
  claims[#claims + 1] = id .. '/' .. int(n)
end
for n, list in pairs(byCount) do
  list[#list + 1], list[#list + 2], list[#list + 3] = 'RETRYCOUNT', int(n), 'JUSTID'
  call('XCLAIM', tasks, group, taker, 0, unpack(list))
end
if #claims > 0 then
  event(events, {kind = 'reclaimed', consumer = victim, actor = taker, n = int(#claims), extra = table.concat(claims, ' ')})
end
commit()
return reply
