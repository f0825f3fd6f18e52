-- spare: a hold. Trim removes nothing from a moment on, until it is released. To look and to register is one script: a
-- trim ran before, and the floor tells of it, or it runs after, and sees the cursor: each of its steps reads them all.
-- Asked again, a hold holds what it held or more. What is left below the floor is held too, though nobody reads it.
-- The cursor of an archive is moved by the archiver; here it is taken away when there is none any more. Asked again, a
-- release finds it gone and says nothing twice.
-- KEYS  meta tasks events cursors
-- ARGV  cursor from-ms from-lsn actor reason   by time or by lsn, the other ''; both '': release
-- reply OK|SAME entry floor | OK|GONE of a release
-- refusals EPOCH SCHEMA TYPE
local tasks, events, cursors, cursor = KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local name = string.match(cursor, '^hold:(.+)')
local refusal = open() or expect(tasks, 'stream', events, 'stream', cursors, 'hash')
if refusal then return refusal end
local held = call('HGET', cursors, cursor)
local function said(words)
  begin()
  event(events, {kind = 'retention_set', n = '0', actor = ARGV[4], reason = ARGV[5], extra = words})
end
if ARGV[2] == '' and ARGV[3] == '' then
  if not held then return {'GONE'} end
  said(name and 'release ' .. name or 'forget ' .. cursor)
  call('HDEL', cursors, cursor)
  commit()
  return {'OK'}
end

-- the first entry of the moment, or the next one to be written. An lsn that is not there, trimmed or in a gap, holds all.
local at, from = int(ms) .. '-' .. int(lsn + 1), ARGV[2] .. '-0'
if ARGV[3] ~= '' then
  local n = tonumber(ARGV[3])
  local e = n <= lsn and (find(tasks, n, 0) or find(events, n, 0))
  from = n > lsn and at or e and e[1] or '0-0'
end
for _, stream in ipairs({tasks, events}) do
  local e, wall = own(stream, from)
  local id = wall and from or e and e[1] -- nobody looks behind a wall of strangers' entries: it is held from there
  if id and after(at, id) then at = id end
end
if held and not after(held, at) then return {'SAME', held, int(floor)} end
said('hold ' .. name .. ' ' .. at)
call('HSET', cursors, cursor, at)
commit()
return {'OK', at, int(floor)}
