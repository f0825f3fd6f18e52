-- verdicts: prepended to settle, after outcomes: takes an entry off its consumer, and what follows from one item.
-- KEYS and ARGV as in settle; fields of an item, from ARGV[i]:
-- code entry birth chunk ref attempt delay error reason opts extra
local marks, strict = 0, false -- how many cancels are marked; whether the owner must be asked for

-- ack: a delivery of another server life may be somebody else's by now. An answer in lower case needs no outcome: the
-- entry is a stranger's, or its task was cancelled before it was delivered.
local function ack(id, birth)
  if strict then
    local row = call('XPENDING', tasks, group, id, id, 1)[1]
    if not row then return 'G' end
    if row[2] ~= consumer then return 'T' end
  end
  if call('XACK', tasks, group, id) == 0 then return 'G' end
  if marks == 0 and birth > 0 then return 'A' end
  local mark = marks > 0 and call('ZSCORE', cancels, int(birth))
  if mark then call('ZREM', cancels, int(birth)) end -- whatever the outcome: of a marked task it is the last
  return (birth == 0 or mark and string.sub(mark, 1, 1) == '-') and 'a' or 'A', mark
end

local function late(it, from)
  if it.birth > 0 then
    event(events, {kind = 'stale_outcome', ref = it.ref, attempt = it.attempt, consumer = from, outcome = it.opts,
      prev = it.entry, error = it.error, extra = it.extra})
  end
  return 'A'
end

local function verdict(i)
  local it = {entry = ARGV[i + 1], birth = tonumber(ARGV[i + 2]), chunk = KEYS[tonumber(ARGV[i + 3])], ref = ARGV[i + 4],
    attempt = ARGV[i + 5], delay = tonumber(ARGV[i + 6]), error = ARGV[i + 7], opts = ARGV[i + 9], extra = ARGV[i + 10]}
  local code, reason = ARGV[i], ARGV[i + 8]
  if code == 'stale_outcome' then return late(it, reason) end
  local answer, marked = ack(it.entry, it.birth)
  if answer ~= 'A' then return answer end
  if marked and (code == 'retry' or code == 'snoozed' or code == 'handed_back') then code = 'cancelled' end
  if code == 'cancelled' or code == 'expired' then
    finish(it, code)
    return answer
  end
  local list = raw(tasks, it.entry)
  if code == 'dead' then
    bury(it, list, reason)
  elseif not list then
    bury(it, nil, 'payload_lost')
  elseif code == 'handed_back' then
    back(it, list)
  else
    wait(it, list, code)
  end
  return answer
end
