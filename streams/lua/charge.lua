-- charge: a delivery that was taken over is about to start; should its node die of it, the count tells. A repeat finds
-- the count already moved and changes nothing.
-- KEYS  meta tasks members
-- ARGV  consumer, then per delivery: entry count
-- reply OK answers   A: charged, T: held by another or gone
-- refusals EPOCH SCHEMA FENCED NOGROUP
local tasks, members, consumer = KEYS[2], KEYS[3], ARGV[1]
local refusal = open()
if refusal then return refusal end
local fenced = member(members, consumer)
if fenced then return fenced end
local answers, charged, counts = {}, {}, {}
begin()
for i = 2, #ARGV, 2 do
  local held = redis.pcall('XPENDING', tasks, group, ARGV[i], ARGV[i], 1)
  if held.err then return {'NOGROUP'} end
  local row, told, answer = held[1], tonumber(ARGV[i + 1]), 'T'
  if row and row[2] == consumer and (row[4] == told or row[4] == told + 1) then
    charged[#charged + 1], counts[ARGV[i]], answer = ARGV[i], told + 1, 'A'
  end
  answers[#answers + 1] = answer
end
claim(tasks, consumer, charged, counts, 0)
return {'OK', table.concat(answers)}
