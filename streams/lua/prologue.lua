-- prologue: prepended to every script of a partition. KEYS[1] is always the meta hash.
-- A script is: open() or refuse → read and validate → begin() → XACKs → entries → indexes → session → commit().
-- There is no rollback: nothing after begin() may fail, so key types are checked (expect) and XADD resyncs (displaced).
-- Every function here costs every call its making, 0.1 µs: what enqueue does not need is in library.
local call, group, meta = redis.call, 'workers', KEYS[1]
local now, ms, lsn, floor, token, full -- clock: raw ms for due times; hybrid ms and lsn for ids. full: why no births
local had = {} -- what open has read of the meta hash

local function int(n) return string.format('%d', n) end

local function tick()
  local t = call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end

-- open starts the clock, or says why nothing may be written: the server that answers is not the one that wrote the
-- token (a promotion, a restart, a flush), or the schema is another one.
local function open()
  tick()
  had = call('HMGET', meta, 'schema', 'token', 'ms', 'lsn', 'floor', 'open', 'enqueued', 'succeeded', 'full')
  token, full = had[2], had[9]
  if not token then return {'EPOCH'} end
  if not string.find(call('INFO', 'replication'), 'master_replid:' .. string.sub(token, 1, 12), 1, true) then
    return {'EPOCH'}
  end
  if had[1] ~= '1' then return {'SCHEMA', had[1] or ''} end
  ms, lsn, floor = math.max(now, tonumber(had[3])), tonumber(had[4]), tonumber(had[5])
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

-- place moves the clock on and names the place of the next entry.
local stamp, stamped -- the first half of ids, and of which ms it is
local function place()
  lsn = lsn + 1
  if stamped ~= ms then stamp, stamped = int(ms) .. '-', ms end
  return stamp .. int(lsn)
end

-- displaced: a foreign entry has taken the place. The clock moves past it, and what could not be written is, once more:
-- after a ms that an id can hold there is always room. Beyond it numbers are not exact, and it would go on for ever.
local function displaced(stream, failed)
  if not string.find(failed.err, 'equal or smaller', 1, true) then error(failed.err, 0) end
  local info = call('XINFO', 'STREAM', stream)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then ms = tonumber(string.match(info[i + 1], '^%d+')) + 1 end
  end
  if ms >= 2 ^ 48 then error(failed.err, 0) end
  lsn = lsn - 1
end

-- entry writes the shape of births, event in library that of everything else: fixed fields in a fixed order.
local function entry(stream, kind, payload, ref, attempt, headers, opts, due, prev)
  local id = place()
  local is = redis.pcall('XADD', stream, id, 'v', '1', 'type', kind, 'payload', payload, 'ref', ref, 'attempt', attempt,
    'headers', headers, 'opts', opts, 'due', due, 'prev', prev)
  if is == id then return id end
  displaced(stream, is)
  return entry(stream, kind, payload, ref, attempt, headers, opts, due, prev)
end

-- score reads what ZSCORE answers; miniredis writes round numbers with an exponent, which its tonumber does not read.
local function score(s)
  local n = tonumber(s)
  if n then return n end
  local digits, e = string.match(s, '^(-?[%d.]+)e%+?(%d+)$')
  return math.floor(tonumber(digits) * 10 ^ tonumber(e) + 0.5)
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

-- sooner wakes the releaser when due comes before everything that waits: at most one token, ended by its TTL.
local function sooner(wake, head, due)
  if (not head or due < score(head)) and call('EXISTS', wake) == 0 then
    call('LPUSH', wake, '1')
    call('PEXPIRE', wake, '60000')
  end
end
