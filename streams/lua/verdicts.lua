-- verdicts: prepended to settle; what follows from each outcome but success. Fields of an item, from ARGV[i]:
-- code entry birth chunk ref attempt delay error reason opts extra
local function verdicts(consumer, marks)
  local tasks, events, waiting, copies, cancels = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[7]
  local dead, graves, wake = KEYS[8], KEYS[9], KEYS[10]
  local v, soonest, head = {opened = 0, ended = {}}, nil, nil

  local function outcome(it, code, more)
    local e = more or {}
    e.outcome, e.ref, e.attempt, e.consumer = code, it.ref, it.attempt, consumer
    e.error, e.extra, e.prev = it.error, it.extra, it.entry
    return event(events, e)
  end

  local function finish(it, code, more)
    outcome(it, code, more)
    index(it.chunk, it.birth, state[code], lsn)
    call('ZREM', cancels, int(it.birth))
    v.opened, v.ended[code] = v.opened - 1, (v.ended[code] or 0) + 1
  end

  local function bury(it, body, reason)
    finish(it, 'dead', {reason = reason})
    call('ZADD', dead, int(now), it.ref)
    if body then
      call('HSET', graves, it.ref, record(it.attempt, body.type, body.payload, body.headers, it.opts, reason, it.error))
    end
  end

  local function wait(it, body, code)
    local due, used = now + it.delay, code == 'retry' and 1 or 0
    local id = outcome(it, code, {due = int(due)})
    local copy = record(int(it.attempt + used), id, it.opts)
    if it.birth < plan then copy = copy .. record(body.type, body.payload, body.headers) end
    call('HSET', copies, it.ref, copy)
    call('ZADD', waiting, int(due), it.ref)
    index(it.chunk, it.birth, state.waiting, lsn)
    soonest = math.min(soonest or due, due)
    v.opened, v.ended[code] = v.opened - 1, (v.ended[code] or 0) + 1
  end

  function v.settle(i, ack)
    local it = {entry = ARGV[i + 1], birth = tonumber(ARGV[i + 2]), chunk = KEYS[tonumber(ARGV[i + 3])], ref = ARGV[i + 4],
      attempt = ARGV[i + 5], delay = tonumber(ARGV[i + 6]), error = ARGV[i + 7], opts = ARGV[i + 9], extra = ARGV[i + 10]}
    local code, reason = ARGV[i], ARGV[i + 8]
    if code == 'stale_outcome' then
      event(events, {kind = code, ref = it.ref, attempt = it.attempt, consumer = reason, outcome = it.opts, prev = it.entry,
        error = it.error, extra = it.extra})
      return 'A'
    end
    local answer = ack(it.entry)
    if answer ~= 'A' then return answer end
    local marked = marks > 0 and call('ZSCORE', cancels, int(it.birth))
    if marked and (status(it.chunk, it.birth) or 0) >= state.succeeded then -- cancelled before it was delivered
      call('ZREM', cancels, int(it.birth))
      return answer
    end
    if marked and (code == 'retry' or code == 'snoozed' or code == 'handed_back') then code = 'cancelled' end
    if code == 'cancelled' or code == 'expired' then
      finish(it, code)
      return answer
    end
    local body = read(tasks, it.entry)
    if code == 'dead' then
      bury(it, body, reason)
    elseif not body then
      bury(it, nil, 'payload_lost')
    elseif code == 'handed_back' then
      entry(tasks, {type = body.type, payload = body.payload, ref = it.ref, attempt = it.attempt, headers = body.headers,
        opts = it.opts, prev = it.entry})
      index(it.chunk, it.birth, state.ready, lsn)
    else
      wait(it, body, code)
    end
    return answer
  end

  function v.done()
    if soonest then sooner(wake, head, soonest) end
    count('open', v.opened)
    for code, n in pairs(v.ended) do count(code, n) end
  end
  if #ARGV > 5 + 4 * tonumber(ARGV[5]) then head = call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2] end
  return v
end
