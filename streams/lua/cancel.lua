-- cancel: a waiting task ends at once; so does a ready one, whose entry stays behind a tombstone and is dropped when it
-- is read; a running one is marked, and its node stops it. Idempotent by state. In c the score of a mark is the lsn of
-- the request, of a tombstone the same below zero.
-- KEYS  meta tasks events waiting copies cancels chunk
-- ARGV  id address birth actor reason entry   entry: where the caller's fold says the task is open, or '': only asked
--       about births below the floor, which have no slot
-- reply CANCELLED | REQUESTED | DUP | FINISHED state | UNKNOWN | TRIMMED   TRIMMED: fold, and ask again with the entry
-- refusals EPOCH SCHEMA NOGROUP TYPE
local tasks, events, waiting, copies, cancels, chunk = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local id, birth = ARGV[1], tonumber(ARGV[3])
local refusal = open() or expect(tasks, 'stream', events, 'stream', waiting, 'zset', copies, 'hash', cancels, 'zset',
  chunk, 'string')
if refusal then return refusal end
local stands, at = status(chunk, birth)
local mark = call('ZSCORE', cancels, ARGV[3])
local waits = call('ZSCORE', waiting, id)
if mark and string.sub(mark, 1, 1) == '-' then return {'FINISHED', state.cancelled} end
if stands and stands >= state.succeeded then return {'FINISHED', stands} end
if mark then return {'DUP'} end

-- latest is the event that led to where the task stands: of an open task the entry to be delivered.
local latest, ms0 = ARGV[6], tonumber(string.match(ARGV[2], '^%d+'))
if waits then
  latest = parts(call('HGET', copies, id) or '')[2] or ARGV[2]
elseif stands == 0 then
  local born = birth <= lsn and (call('XRANGE', tasks, ARGV[2], ARGV[2])[1] or call('XRANGE', events, ARGV[2], ARGV[2])[1])
  latest = born and ARGV[2] or ''
elseif stands then
  local entry = find(tasks, at, ms0)
  latest = entry and fields(entry[2]).ref == id and entry[1] or '' -- another birth may have had this lsn
end

local function finish(tombstone)
  begin()
  call('ZREM', waiting, id)
  call('HDEL', copies, id)
  if tombstone then
    call('ZADD', cancels, int(-lsn - 1), ARGV[3])
    count('open', -1)
  end
  event(events, {outcome = 'cancelled', ref = id, actor = ARGV[4], reason = ARGV[5], prev = latest})
  index(chunk, birth, state.cancelled, lsn)
  count('cancelled', 1)
  commit()
  return {'CANCELLED'}
end

if waits then return finish() end
if latest == '' then return {stands and 'UNKNOWN' or 'TRIMMED'} end
local last = delivered(tasks)
if not last then return {'NOGROUP'} end
if after(latest, last) then return finish(true) end
if not stands and #call('XPENDING', tasks, group, latest, latest, 1) == 0 then return {'TRIMMED'} end
begin()
call('ZADD', cancels, int(lsn + 1), ARGV[3])
event(events, {kind = 'cancel_requested', ref = id, actor = ARGV[4], reason = ARGV[5], prev = latest})
commit()
return {'REQUESTED'}
