-- library: prepended, after the prologue, to every script but enqueue.
local state = {waiting = 1, ready = 2, succeeded = 4, dead = 5, cancelled = 6, expired = 7, purged = 8, lost = 9}

local function event(stream, e)
  local id = place()
  local is = redis.pcall('XADD', stream, id, 'v', '1', 'kind', e.kind or 'outcome', 'ref', e.ref or '', 'attempt',
    e.attempt or '', 'consumer', e.consumer or '', 'n', e.n or '1', 'outcome', e.outcome or '', 'error', e.error or '',
    'actor', e.actor or '', 'reason', e.reason or '', 'due', e.due or '', 'prev', e.prev or '', 'extra', e.extra or '')
  if is == id then return id end
  displaced(stream, is)
  return event(stream, e)
end

-- fields names those of one entry. What another writer left out is empty, so that nothing fails.
local function fields(list)
  local f = {type = '', payload = '', headers = '', opts = '', prev = ''}
  for i = 1, #list, 2 do f[list[i]] = list[i + 1] end
  return f
end

-- body is what an entry in the shape of births passes on: type, payload, headers, opts.
local function body(list)
  if list[3] == 'type' and list[5] == 'payload' and list[11] == 'headers' and list[13] == 'opts' then
    return list[4], list[6], list[12], list[14]
  end
  local f = fields(list)
  return f.type, f.payload, f.headers, f.opts
end

-- raw returns one entry as it stands, read its fields; nil: there is none.
local function raw(stream, id)
  local found = call('XRANGE', stream, id, id)[1]
  return found and found[2]
end

local function read(stream, id)
  local list = raw(stream, id)
  return list and fields(list)
end

-- born is the birth at an address, which may be in either stream; an entry of a stranger with the same id is none.
local function born(tasks, events, id)
  for _, stream in ipairs({events, tasks}) do
    local list = raw(stream, id)
    if list and body(list) ~= '' then return list end
  end
end

-- delivered is the id of the last entry that any consumer was given; nil: there is no group.
local function delivered(stream)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, g in ipairs(groups.err and {} or groups) do
    for i = 3, g[2] == group and #g or 0, 2 do
      if g[i] == 'last-delivered-id' then return string.match(g[i + 1], '-') and g[i + 1] or g[i + 1] .. '-0' end
    end
  end
end

-- after compares two ids as streams do. An entry of a stranger has no lsn of ours, so lsns alone do not order them.
local function after(a, b)
  local ams, an = string.match(a, '^(%d+)-(%d+)$')
  local bms, bn = string.match(b, '^(%d+)-(%d+)$')
  ams, bms = tonumber(ams), tonumber(bms)
  return ams > bms or ams == bms and tonumber(an) > tonumber(bn)
end

-- record and parts: values as netstrings, 3:abc0:
local function record(...)
  local out = {...}
  for i = 1, #out do out[i] = #out[i] .. ':' .. out[i] end
  return table.concat(out)
end

local function parts(s)
  local out, at = {}, 1
  while at <= #s do
    local _, stop, n = string.find(s, '^(%d+):', at)
    out[#out + 1] = string.sub(s, stop + 1, stop + n)
    at = stop + n + 1
  end
  return out
end

-- packed is what copies and graves have of an entry in the shape of births.
local function packed(list)
  local kind, payload, headers = body(list)
  return record(kind, payload, headers)
end

-- address is the reverse of ulid: where the birth of a task id stands, and its lsn.
local function address(id)
  local function number(from, to)
    local n = 0
    for i = from, to do n = n * 32 + string.find(digits, string.sub(id, i, i), 1, true) - 1 end
    return n
  end
  local n = number(17, 26) % 2 ^ 48
  return int(number(1, 10)) .. '-' .. int(n), n
end

-- index writes the slot of a task: state:8 | lsn:48 of its latest event | item:8. Neighbours share one SETRANGE;
-- a chunk is created at full size; below the floor there is no index any more.
local run = {}
local function flush()
  if run.key then call('SETRANGE', run.key, run.at, table.concat(run.slots)) end
  run = {}
end

local made = {} -- all but the last bytes of a slot, which those of one script mostly share
local function slot(status, n, item)
  local low = n % 256
  local high = (n - low) / 256
  if made.status ~= status or made.high ~= high then
    local b, rest = {}, high
    for i = 5, 1, -1 do
      b[i] = rest % 256
      rest = (rest - b[i]) / 256
    end
    made = {status = status, high = high, bytes = string.char(status, b[1], b[2], b[3], b[4], b[5])}
  end
  return made.bytes .. string.char(low, item)
end

local function index(key, birth, status, n, item)
  if birth < floor then return end
  local at = birth % 8192 * 8
  if run.key ~= key or run.next ~= at then
    flush()
    if call('STRLEN', key) == 0 then call('SETRANGE', key, 65535, '\0') end
    run = {key = key, at = at, slots = {}}
  end
  run.slots[#run.slots + 1] = slot(status, n, item or 0)
  run.next = at + 8
end

-- span is index for a run of neighbours in one chunk, whose items count up.
local function span(key, birth, count, status, n, item)
  if birth < floor then
    for i = 0, count - 1 do index(key, birth + i, status, n, item + i) end
    return
  end
  flush()
  if call('STRLEN', key) == 0 then call('SETRANGE', key, 65535, '\0') end
  local slots, char, head = {}, string.char, string.sub(slot(status, n, 0), 1, 7)
  for i = 1, count do slots[i] = head .. char(item + i - 1) end
  call('SETRANGE', key, birth % 8192 * 8, table.concat(slots))
end

-- status reads a slot: state, lsn.
local function status(key, birth)
  if birth < floor then return nil end
  local at = birth % 8192 * 8
  local s = call('GETRANGE', key, at, at + 7)
  if #s < 8 then return 0, 0 end
  local n = 0
  for i = 2, 7 do n = n * 256 + string.byte(s, i) end
  return string.byte(s, 1), n
end

-- own is the first entry from an id on that is ours: a stranger's XADD has no lsn. Behind a wall of strangers' entries,
-- the second result, it does not look: a script must end.
local function own(stream, from)
  local list
  for _, n in ipairs({1, 16}) do
    list = call('XRANGE', stream, from, '+', 'COUNT', n)
    for _, e in ipairs(list) do
      if e[2][1] == 'v' then return e, false end
    end
  end
  return nil, #list == 16
end

-- find returns the entry with this lsn, by bisection over ms from low on: ids ascend in ms and in lsn alike.
local function find(stream, n, low)
  local high = ms
  while low < high do
    local mid = math.ceil((low + high) / 2)
    local e = own(stream, int(mid) .. '-0')
    if e and tonumber(string.match(e[1], '%d+$')) <= n then low = mid else high = mid - 1 end
  end
  local id = int(low) .. '-' .. int(n)
  return call('XRANGE', stream, id, id)[1]
end

-- member reads a consumer's record: heartbeat, and of either lane of settles the last one's seq and reply; a refusal
-- when it is fenced. enroll writes it.
local function member(members, consumer)
  local rec = call('HGET', members, consumer)
  if not rec or rec == 'dead' then return {'FENCED'} end
  local hb, odd, first, even, second = string.match(rec, '^(%d+)|(%d+)|(%u*)|?(%d*)|?(%u*)$')
  return nil, tonumber(hb), {seq = tonumber(even) or 0, reply = second}, {seq = tonumber(odd), reply = first}
end

local function enroll(members, consumer, hb, even, odd)
  call('HSET', members, consumer, table.concat({int(hb), int(odd.seq), odd.reply, int(even.seq), even.reply}, '|'))
end

-- recovering: the rebuilding of a lost group has begun and not ended.
local function recovering() return call('HGET', meta, 'recover') end

-- count moves a counter of the meta hash, with the commit.
local moved, known = {}, {open = 6, enqueued = 7, succeeded = 8} -- known: where open has read it
local function count(name, n)
  if n ~= 0 then moved[name] = (moved[name] or 0) + n end
end

-- commit stores the clock and the counters, last of all writes and in one; before it, the slots that are still to be.
local function commit()
  flush()
  local row = {'HSET', meta, 'ms', int(ms), 'lsn', int(lsn)}
  for name, n in pairs(moved) do
    local old = had[known[name]] or call('HGET', meta, name) or 0
    row[#row + 1], row[#row + 2] = name, int((tonumber(old) or 0) + n)
  end
  call(unpack(row))
end
