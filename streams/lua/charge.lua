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

-- counts of what the consumer holds there, in one look. Where more than was asked for lies in between, it ends early:
-- what it did not see is asked for by itself.
local seen = {}
local page = redis.pcall('XPENDING', tasks, group, ARGV[2], ARGV[#ARGV - 1], int(#ARGV / 2), consumer)
if page.err then return {'NOGROUP'} end
for _, row in ipairs(page) do seen[row[1]] = row[4] end
local function held(id)
  if seen[id] then return seen[id] end
  local row = call('XPENDING', tasks, group, id, id, 1)[1]
  return row and row[2] == consumer and row[4]
end

local answers, charged, counts = {}, {}, {}
begin()
for i = 2, #ARGV, 2 do
  local id, told, answer = ARGV[i], tonumber(ARGV[i + 1]), 'T'
  local count = held(id)
  if count == told or count == told + 1 then
    charged[#charged + 1], counts[id], answer = id, told + 1, 'A'
  end
  answers[#answers + 1] = answer
end
claim(tasks, consumer, charged, counts, 0)
return {'OK', table.concat(answers)}
