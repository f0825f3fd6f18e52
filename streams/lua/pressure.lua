-- pressure: enqueue is refused while the archive does not come on, or no longer: the streams are larger than is borne, and
-- what trim would remove of them the archive does not have. Enqueue believes the mark for a minute of Redis' clock: who
-- trims sets it again, and where nobody trims it ends by itself.
-- KEYS  meta tasks events cursors
-- ARGV  cursor cut-ms over   over: '1', larger than is borne
-- reply OK | MARKED
-- refusals EPOCH SCHEMA TYPE
local refusal = open() or expect(KEYS[2], 'stream', KEYS[3], 'stream', KEYS[4], 'hash')
if refusal then return refusal end
local from, behind = ARGV[3] == '1' and call('HGET', KEYS[4], ARGV[1]), false
for i = 2, from and 3 or 1 do
  local e = own(KEYS[i], from)
  behind = behind or e and tonumber(string.match(e[1], '^%d+')) < tonumber(ARGV[2])
end
if not behind and not full then return {'OK'} end
begin()
if not behind then
  call('HDEL', meta, 'full')
  return {'OK'}
end
call('HSET', meta, 'full', int(now) .. ' ' .. ARGV[1])
return {'MARKED'}
