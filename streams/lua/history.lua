-- history: where a task stands, and its latest entry, from which the rest is found by following prev. Reads only.
-- KEYS  meta tasks events waiting cancels chunk
-- ARGV  id address birth ms-of-birth
-- reply OK floor lsn slot due|"" mark|"" delivered entries   entries: birth, then latest, each as XRANGE returns it
--       then of the open entry: consumer idle count, if it is pending
-- refusals EPOCH SCHEMA NOGROUP
local tasks, events = KEYS[2], KEYS[3]
local birth = tonumber(ARGV[3])
local refusal = open()
if refusal then return refusal end

local at = birth % 8192 * 8
local slot = birth >= floor and call('GETRANGE', KEYS[6], at, at + 7) or ''
local stands, n = status(KEYS[6], birth)
local first = call('XRANGE', tasks, ARGV[2], ARGV[2])[1]
if not first or first[2][3] ~= 'type' then -- or a stranger's, with the same id
  first = call('XRANGE', events, ARGV[2], ARGV[2])[1]
end
local entries = {first}
local open_entry = ARGV[2]
if stands and stands > 0 then
  entries[#entries + 1] = find(stands == state.ready and tasks or events, n, tonumber(ARGV[4]))
  open_entry = stands == state.ready and entries[#entries] and entries[#entries][1]
end
local held = open_entry and redis.pcall('XPENDING', tasks, group, open_entry, open_entry, 1) or {}
if held.err then return {'NOGROUP'} end
local due, mark = call('ZSCORE', KEYS[4], ARGV[1]), call('ZSCORE', KEYS[5], ARGV[3])
local out = {'OK', int(floor), int(lsn), slot, due and int(score(due)) or '', mark and '1' or '', entries}
if held[1] then
  out[8], out[9], out[10] = held[1][2], held[1][3], held[1][4]
end
return out
