-- claim: prepended to the scripts that set how often entries were delivered.
-- claim lets owner hold ids, each with its count, and tells which are there.
local function claim(tasks, owner, ids, counts, idle)
  local byCount, there = {}, {}
  for _, id in ipairs(ids) do
    local n = counts[id]
    byCount[n] = byCount[n] or {'XCLAIM', tasks, group, owner, 0}
    table.insert(byCount[n], id)
  end
  for n, words in pairs(byCount) do
    for _, word in ipairs({'IDLE', idle, 'RETRYCOUNT', int(n), 'JUSTID'}) do words[#words + 1] = word end
    for _, id in ipairs(call(unpack(words))) do there[id] = true end
  end
  return there
end
