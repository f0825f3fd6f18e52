-- successes: prepended to settle, after verdicts: what succeeded is acknowledged one by one and shares one entry.
-- KEYS and ARGV as in settle.
local answers = {} -- to the items of the call, in order

-- succeed takes the runs of births that end before ARGV[success], where their entries and items begin.
local function succeed(success)
  local args, all, items, asked, done, at = ARGV, answers, {}, 0, 0, lsn + 1
  for i = 7, success - 3, 3 do
    local birth, chunk, count, before = tonumber(args[i]), KEYS[tonumber(args[i + 1])], tonumber(args[i + 2]), done
    for b = birth, birth + count - 1 do
      local answer = ack(args[success], b)
      asked = asked + 1
      all[asked] = answer
      if answer == 'A' then
        done = done + 1
        items[done] = args[success + 1]
      end
      success = success + 2
    end
    if done == before + count then
      span(chunk, birth, count, state.succeeded, at, before)
    else
      for b = 1, count do
        if all[asked - count + b] == 'A' then
          index(chunk, birth + b - 1, state.succeeded, at, before)
          before = before + 1
        end
      end
    end
  end
  if done > 0 then
    event(events, {outcome = 'succeeded', consumer = consumer, n = int(done), prev = args[4], extra = table.concat(items)})
    ended('succeeded', done)
  end
end
