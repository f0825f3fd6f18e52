-- due: prepended to release: what of the list is due, and what becomes of one task.
-- KEYS and ARGV as in release.
local tasks, events, waiting, copies, args = KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV
local listed = tonumber(args[1])
local released, expired = 0, 0

-- due returns the ids of what is due, each once, and the due times by place in the list.
local function due()
  local ids, times, known = {}, {}, {}
  local said, time, is -- what the last score said, as a time, and whether that is due: neighbours often share it
  for i, s in ipairs(listed > 0 and call('ZMSCORE', waiting, unpack(args, 2, listed + 1)) or {}) do
    local id = args[i + 1]
    if s and s ~= said then
      local at = score(s)
      said, time, is = s, int(at), at <= now
    end
    if s and is and not known[id] then ids[#ids + 1], times[i], known[id] = id, time, true end
  end
  return ids, times
end

-- release writes what becomes of one task. list: its birth, where that is at hand.
local function release(id, from, birth, chunk, time, copy, list)
  local attempt, prev, opts = copy[1] or '1', copy[2] or from, copy[3]
  local kind, payload, headers, born_with = copy[4], copy[5], copy[6], nil
  if not kind then
    list = list or born(tasks, events, from)
    if not list then
      event(events, {kind = 'entry_lost', ref = id, prev = prev})
      return index(chunk, birth, state.lost, lsn)
    end
    kind, payload, headers, born_with = body(list)
    opts = opts or born_with
  end
  local deadline = opts ~= '' and string.match(',' .. opts, ',d(%d+)')
  if deadline and tonumber(deadline) < now then
    expired = expired + 1
    event(events, {outcome = 'expired', ref = id, attempt = attempt, prev = prev})
    return index(chunk, birth, state.expired, lsn)
  end
  released = released + 1
  entry(tasks, kind, payload, id, attempt, headers, opts, time, prev)
  index(chunk, birth, state.ready, lsn)
end
