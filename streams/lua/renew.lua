-- renew: the consumer lives; this is its whole lease. When cancels are marked it also learns which of its tasks are.
-- KEYS  meta members cancels
-- ARGV  consumer, then lsns of births it asks about
-- reply OK marks-in-all marked-lsn...
-- refusals EPOCH SCHEMA FENCED
local members, cancels, consumer = KEYS[2], KEYS[3], ARGV[1]
local refusal = open()
if refusal then return refusal end
local fenced, hb, even, odd = member(members, consumer)
if fenced then return fenced end
local out = {'OK', call('ZCARD', cancels)}
begin()
enroll(members, consumer, hb + 1, even, odd)
if out[2] > 0 then
  for i = 2, #ARGV do
    if call('ZSCORE', cancels, ARGV[i]) then out[#out + 1] = ARGV[i] end
  end
end
return out
