-- settle: records outcomes, once each. The consumer's record numbers its calls: asked again, a call is answered from
-- the record. Entries are acknowledged one by one and an outcome is written only for those that were pending. The
-- successes of a call share one entry.
-- KEYS  meta tasks events waiting copies members cancels dead graves wake chunk...
-- ARGV  consumer seq token base runs successes, then per run of successes with neighbouring births: birth chunk count
--       then per success: entry item, then per other outcome: code entry birth chunk ref attempt delay error reason opts extra
--       token: of the deliveries, '' if they differ; birth: 0 for the entry of a stranger, which is only taken off
-- reply OK|DUP answers lsn   per item A recorded, G not pending, T held by another
-- refusals EPOCH SCHEMA FENCED OLDSEQ NOGROUP TYPE
local refusal = open() or expect(tasks, 'stream', events, 'stream', cancels, 'zset')
if refusal then return refusal end
local fenced, hb, even, odd = member(members, consumer)
local seq, runs, successes = tonumber(ARGV[2]), tonumber(ARGV[5]), tonumber(ARGV[6])
local success = 7 + 3 * runs
local first = success + 2 * successes -- of the other outcomes
if fenced then return fenced end
local last = seq % 2 == 0 and even or odd
if seq == last.seq then return {'DUP', last.reply, int(lsn)} end
if seq < last.seq then return {'OLDSEQ'} end
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
begin()
succeed(success)
for i = first, #ARGV, 11 do answers[#answers + 1] = verdict(i) end
total(head)
last.seq, last.reply = seq, string.upper(table.concat(answers))
enroll(members, consumer, hb, even, odd)
commit()
return {'OK', last.reply, int(lsn)}
