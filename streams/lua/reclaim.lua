-- reclaim: takes over a page of what a silent consumer held. The caller passes the record it has seen unchanged over
-- one lease of its own monotonic clock; the first page fences the victim as a whole, and only then do entries move.
-- Marking them as stalled for years lets XAUTOCLAIM take exactly these, whatever the clock did. Only a first delivery
-- is charged (1 → 2): what a node merely held is not what killed it. What a rebuilt group holds was delivered to nobody
-- (0 → 1). A repeat takes the next page.
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
  counts[row[1]] = row[4] <= 1 and row[4] + 1 or row[4]
end
local there = claim(tasks, victim, ids, counts, '100000000000')
for _, id in ipairs(ids) do
  if not there[id] then
    count('open', -1)
    event(events, {kind = 'entry_lost', consumer = victim, prev = id})
  end
end

local reply, claims = {'OK', token}, {}
local moved = call('XAUTOCLAIM', tasks, group, taker, '50000000000', ids[1], 'COUNT', limit, 'JUSTID')[2]
local function now(id) return call('XPENDING', tasks, group, id, id, 1)[1][4] end
for _, id in ipairs(moved) do
  counts[id] = counts[id] or math.max(2, now(id)) -- left over by a page of another fenced consumer, when the scan ended before it
  reply[#reply + 1], reply[#reply + 2] = id, counts[id]
  claims[#claims + 1] = id .. '/' .. int(counts[id])
end
if moved[1] and now(moved[1]) ~= counts[moved[1]] then claim(tasks, taker, moved, counts, 0) end -- miniredis counts a claim with JUSTID
if #claims > 0 then
  event(events, {kind = 'reclaimed', consumer = victim, actor = taker, n = int(#claims), extra = table.concat(claims, ' ')})
end
commit()
return reply
