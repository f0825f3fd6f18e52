-- prologue: prepended to every script of a partition. KEYS[1] is always the meta hash.
-- A script is: open() or refuse → read and validate → begin() → XACKs → entries → indexes → session → commit().
-- There is no rollback: nothing after begin() may fail, so key types are checked (expect) and XADD resyncs (append).
local call, group, meta = redis.call, 'workers', KEYS[1]
local now, ms, lsn, floor, plan, token -- clock: raw ms for due times; hybrid ms and lsn for ids
local recovering -- set while the rebuilding of a lost group has begun and not ended
local state = {waiting = 1, ready = 2, succeeded = 4, dead = 5, cancelled = 6, expired = 7, purged = 8, lost = 9}

local function int(n) return string.format('%.0f', n) end

local function tick()
  local t = call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end

-- open starts the clock, or says why nothing may be written: the server that answers is not the one that wrote the
-- token (a promotion, a restart, a flush), or the schema is another one.
local function open()
  tick()
  local m = call('HMGET', meta, 'schema', 'token', 'ms', 'lsn', 'floor', 'plan', 'recover')
  token = m[2]
  if not token then return {'EPOCH'} end
  if not string.find(call('INFO', 'replication'), 'master_replid:' .. string.sub(token, 1, 12), 1, true) then
    return {'EPOCH'}
  end
  if m[1] ~= '1' then return {'SCHEMA', m[1] or ''} end
  ms, lsn, floor = math.max(now, tonumber(m[3])), tonumber(m[4]), tonumber(m[5])
  plan, recovering = math.max(floor, tonumber(m[6] or 0)), m[7]
end

-- expect names the first key of the wrong type: pairs of key, type.
local function expect(...)
  local want = {...}
  for i = 1, #want, 2 do
    local is = call('TYPE', want[i]).ok
    if is ~= 'none' and is ~= want[i + 1] then return {'TYPE', want[i], is} end
  end
end

-- begin lets the rest of the script write when memory is full: Redis looks at the first write only, and this one, which
-- changes nothing, passes.
local function begin() call('HDEL', meta, 'nothing') end

-- append adds an entry at the next lsn. A foreign entry may have taken the place; then the clock moves past it.
local function append(stream, ...)
  lsn = lsn + 1
  local id = int(ms) .. '-' .. int(lsn)
  local r = redis.pcall('XADD', stream, id, ...)
  if type(r) == 'table' and r.err then
    if not string.find(r.err, 'equal or smaller', 1, true) then error(r.err, 0) end
    local info = call('XINFO', 'STREAM', stream)
    for i = 1, #info, 2 do
      if info[i] == 'last-generated-id' then ms = tonumber(string.match(info[i + 1], '^%d+')) + 1 end
    end
    id = int(ms) .. '-' .. int(lsn)
    call('XADD', stream, id, ...)
  end
  return id
end

-- entry writes the shape of births, event that of everything else: fixed fields in a fixed order.
local function entry(stream, b)
  return append(stream, 'v', '1', 'type', b.type, 'payload', b.payload, 'ref', b.ref, 'attempt', b.attempt,
    'headers', b.headers, 'opts', b.opts, 'due', b.due or '', 'prev', b.prev or '')
end

local function event(stream, e)
  return append(stream, 'v', '1', 'kind', e.kind or 'outcome', 'ref', e.ref or '', 'attempt', e.attempt or '',
    'consumer', e.consumer or '', 'n', e.n or '1', 'outcome', e.outcome or '', 'error', e.error or '',
    'actor', e.actor or '', 'reason', e.reason or '', 'due', e.due or '', 'prev', e.prev or '', 'extra', e.extra or '')
end

-- read returns the fields of one entry by name, or nil. What another writer left out is empty, so that nothing fails.
local function read(stream, id)
  local found = call('XRANGE', stream, id, id)[1]
  if not found then return nil end
  local f = {type = '', payload = '', headers = '', opts = ''}
  for i = 1, #found[2], 2 do f[found[2][i]] = found[2][i + 1] end
  return f
end

-- born reads the birth at an address, which may be in either stream; an entry of a stranger with the same id is none.
local function born(tasks, events, id)
  local e = read(events, id)
  if e and e.type ~= '' then return e end
  e = read(tasks, id)
  if e and e.type ~= '' then return e end
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

-- score reads what ZSCORE answers; miniredis writes round numbers with an exponent, which its tonumber does not read.
local function score(s)
  local digits, e = string.match(s, '^(-?[%d.]+)e%+?(%d+)$')
  return digits and math.floor(tonumber(digits) * 10 ^ tonumber(e) + 0.5) or tonumber(s)
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

-- ulid writes the task id of the birth at (ms, n): ms:48 | partition:16 | epoch:16 | lsn:48 in base 32.
local digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
local function base32(n, width)
  local out = {}
  for i = width, 1, -1 do
    local d = n % 32
    out[i] = string.sub(digits, d + 1, d + 1)
    n = (n - d) / 32
  end
  return table.concat(out)
end

local function ulid(n)
  local high = tonumber(string.match(meta, '/(%d+)}')) * 65536 + tonumber(string.match(token, '%.(%d+)$')) % 65536
  local low = n % 2 ^ 45
  return base32(ms, 10) .. base32((high - high % 4) / 4, 6) .. base32(high % 4 * 8 + (n - low) / 2 ^ 45, 1) .. base32(low, 9)
end

-- address is the reverse: where the birth of a task id stands, and its lsn.
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

local function slot(status, n, item)
  local b = {}
  for i = 6, 1, -1 do
    b[i] = n % 256
    n = (n - b[i]) / 256
  end
  return string.char(status, b[1], b[2], b[3], b[4], b[5], b[6], item)
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

-- count moves a counter of the meta hash.
local function count(name, n)
  if n ~= 0 then call('HINCRBY', meta, name, int(n)) end
end

-- sooner wakes the releaser when due comes before everything that waits: at most one token, ended by its TTL.
local function sooner(wake, head, due)
  if (not head or due < score(head)) and call('EXISTS', wake) == 0 then
    call('LPUSH', wake, '1')
    call('PEXPIRE', wake, '60000')
  end
end

-- commit stores the clock, last of all writes.
local function commit()
  flush()
  call('HSET', meta, 'ms', int(ms), 'lsn', int(lsn))
end

-- member reads a consumer's record: heartbeat, seq, reply; a refusal when it is fenced.
local function member(members, consumer)
  local rec = call('HGET', members, consumer)
  if not rec or rec == 'dead' then return {'FENCED'} end
  local hb, seq, reply = string.match(rec, '^(%d+)|(%d+)|(.*)$')
  return nil, tonumber(hb), tonumber(seq), reply
end
