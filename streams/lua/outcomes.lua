-- outcomes: prepended to settle, after the prologue: what each outcome writes. tally is what it adds up to.
-- KEYS and ARGV as in settle.
local tasks, events, waiting, copies, members, cancels = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local dead, graves, wake, consumer = KEYS[8], KEYS[9], KEYS[10], ARGV[1]
local tally = {open = 0, ended = {}, soonest = nil}
local plan -- the floor that trim has announced, once it was asked for

local function ended(code, n)
  tally.open, tally.ended[code] = tally.open - n, (tally.ended[code] or 0) + n
end

local function outcome(it, code, more)
  local e = more or {}
  e.outcome, e.ref, e.attempt, e.consumer = code, it.ref, it.attempt, consumer
  e.error, e.extra, e.prev = it.error, it.extra, it.entry
  return event(events, e)
end

local function finish(it, code, more)
  outcome(it, code, more)
  index(it.chunk, it.birth, state[code], lsn)
  ended(code, 1)
end

local function bury(it, list, reason)
  finish(it, 'dead', {reason = reason})
  call('ZADD', dead, int(now), it.ref)
  if list then
    call('HSET', graves, it.ref, record(it.attempt) .. packed(list) .. record(it.opts, reason, it.error))
  end
end

-- wait puts a task into the zset. What it needs then and the log may have lost until then goes along: all of it when
-- its birth is below a floor that is, or is about to be.
local function wait(it, list, code)
  local due, used = now + it.delay, code == 'retry' and 1 or 0
  local id = outcome(it, code, {due = int(due)})
  local copy = record(int(it.attempt + used), id, it.opts)
  plan = plan or math.max(floor, tonumber(call('HGET', meta, 'plan') or 0))
  if it.birth < plan then copy = copy .. packed(list) end
  call('HSET', copies, it.ref, copy)
  call('ZADD', waiting, int(due), it.ref)
  index(it.chunk, it.birth, state.waiting, lsn)
  tally.soonest = math.min(tally.soonest or due, due)
  ended(code, 1)
end

local function back(it, list)
  local kind, payload, headers = body(list)
  entry(tasks, kind, payload, it.ref, it.attempt, headers, it.opts, '', it.entry)
  index(it.chunk, it.birth, state.ready, lsn)
end

-- total writes the tally; head is what waited first before.
local function total(head)
  if tally.soonest then sooner(wake, head, tally.soonest) end
  count('open', tally.open)
  for code, n in pairs(tally.ended) do count(code, n) end
end
