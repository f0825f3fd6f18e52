-- settle: records outcomes, once each. The consumer's record numbers its calls: asked again, a call is answered from
-- the record. Entries are acknowledged one by one and an outcome is written only for those that were pending. The
-- successes of a call share one entry.
-- KEYS  meta tasks events waiting copies members cancels dead graves wake chunk...
-- ARGV  consumer seq token base successes, then per success: entry birth chunk item
--       then per other outcome: code entry birth chunk ref attempt delay error reason opts extra
-- reply OK|DUP answers lsn   per item A recorded, G not pending, T held by another
-- refusals EPOCH SCHEMA FENCED OLDSEQ TYPE
local members, cancels, consumer = KEYS[6], KEYS[7], ARGV[1]
local refusal = open() or expect(KEYS[2], 'stream', KEYS[3], 'stream', cancels, 'zset')
if refusal then return refusal end
local fenced, hb, last, reply = member(members, consumer)
local seq, successes = tonumber(ARGV[2]), tonumber(ARGV[5])
if fenced then return fenced end
if seq == last then return {'DUP', reply, int(lsn)} end
if seq < last then return {'OLDSEQ'} end
if #ARGV > 5 + 4 * successes then
  refusal = expect(KEYS[4], 'zset', KEYS[5], 'hash', KEYS[8], 'zset', KEYS[9], 'hash', KEYS[10], 'list')
  if refusal then return refusal end
end
for i = 11, #KEYS do
  refusal = expect(KEYS[i], 'string')
  if refusal then return refusal end
end

local marks, strict = call('ZCARD', cancels), ARGV[3] ~= token
local v = verdicts(consumer, marks)
begin()
-- ack takes the entry off the consumer. A delivery of another server life may be somebody else's by now.
local function ack(id)
  if strict then
    local row = call('XPENDING', KEYS[2], group, id, id, 1)[1]
    if not row then return 'G' end
    if row[2] ~= consumer then return 'T' end
  end
  return call('XACK', KEYS[2], group, id) == 1 and 'A' or 'G'
end

local answers, items, at = {}, {}, lsn + 1
for i = 6, 5 + 4 * successes, 4 do
  local answer = ack(ARGV[i])
  if answer == 'A' then
    items[#items + 1] = ARGV[i + 3]
    index(KEYS[tonumber(ARGV[i + 2])], tonumber(ARGV[i + 1]), state.succeeded, at, #items - 1)
    if marks > 0 then call('ZREM', cancels, ARGV[i + 1]) end
  end
  answers[#answers + 1] = answer
end
if #items > 0 then
  event(KEYS[3], {outcome = 'succeeded', consumer = consumer, n = int(#items), prev = ARGV[4], extra = table.concat(items)})
  v.opened, v.ended.succeeded = v.opened - #items, #items
end
for i = 6 + 4 * successes, #ARGV, 11 do
  answers[#answers + 1] = v.settle(i, ack)
end
v.done()
answers = table.concat(answers)
call('HSET', members, consumer, int(hb) .. '|' .. int(seq) .. '|' .. answers)
commit()
return {'OK', answers, int(lsn)}
