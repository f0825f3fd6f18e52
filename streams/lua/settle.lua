-- settle: records outcomes, once each. The consumer's record numbers its calls: asked again, a call is answered from
-- the record. Entries are acknowledged one by one and an outcome is written only for those that were pending. The
-- successes of a call share one entry.
-- KEYS  meta tasks events waiting copies members cancels dead graves wake chunk...
-- ARGV  consumer seq token base successes, then per success: entry birth chunk item
--       then per other outcome: code entry birth chunk ref attempt delay error reason opts extra
--       token: of the deliveries, '' if they differ; birth: 0 for the entry of a stranger, which is only taken off
-- reply OK|DUP answers lsn   per item A recorded, G not pending, T held by another
-- refusals EPOCH SCHEMA FENCED OLDSEQ NOGROUP TYPE
local refusal = open() or expect(tasks, 'stream', events, 'stream', cancels, 'zset')
if refusal then return refusal end
local fenced, hb, last, reply = member(members, consumer)
local seq, successes = tonumber(ARGV[2]), tonumber(ARGV[5])
local first = 6 + 4 * successes -- of the other outcomes
if fenced then return fenced end
if seq == last then return {'DUP', reply, int(lsn)} end
if seq < last then return {'OLDSEQ'} end
for i = 11, #KEYS do
  refusal = refusal or expect(KEYS[i], 'string')
end
if first <= #ARGV then
  refusal = refusal or expect(waiting, 'zset', copies, 'hash', dead, 'zset', graves, 'hash', wake, 'list')
end
if refusal then return refusal end
-- XACK in a lost group answers as if somebody had settled the entry: the outcome would vanish
if redis.pcall('XPENDING', tasks, group, '-', '+', 1).err then return {'NOGROUP'} end

marks, strict = call('ZCARD', cancels), ARGV[3] ~= token
local head = first <= #ARGV and call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
local answers, items, at = {}, {}, lsn + 1
begin()
for i = 6, first - 1, 4 do
  local answer = ack(ARGV[i], ARGV[i + 1])
  if answer == 'A' then
    items[#items + 1] = ARGV[i + 3]
    index(KEYS[tonumber(ARGV[i + 2])], tonumber(ARGV[i + 1]), state.succeeded, at, #items - 1)
  end
  answers[#answers + 1] = answer
end
if #items > 0 then
  event(events, {outcome = 'succeeded', consumer = consumer, n = int(#items), prev = ARGV[4], extra = table.concat(items)})
  ended('succeeded', #items)
end
for i = first, #ARGV, 11 do answers[#answers + 1] = verdict(i) end
total(head)
answers = string.upper(table.concat(answers))
call('HSET', members, consumer, int(hb) .. '|' .. int(seq) .. '|' .. answers)
commit()
return {'OK', answers, int(lsn)}
