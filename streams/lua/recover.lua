-- recover: rebuilds a lost consumer group. The caller folds the log and names the entries that are open, in order; they
-- go to a consumer without a record, as not delivered yet, since no node died, and ordinary reclaim takes them from it.
-- Making the group also makes a new token: whoever holds a delivery from before is asked whether it still owns it.
-- Without a group nothing can be settled, and what was claimed is never claimed again, so a fold stays true until its
-- last page; but a group that is lost once more meanwhile is not made with the pages that are left.
-- KEYS  meta tasks events chunk...
-- ARGV  token last done gone, then per entry: entry, its lsn, lsn of its birth, its chunk as index into KEYS
--       token: under which the caller folded; last: where the group goes on; done: 1 with the last page; gone: 1 with the
--       first page of a fold that was begun when there was no group
-- reply OK token | AGAIN | DONE   AGAIN: another recovery came between; ask epoch, and fold anew
-- refusals EPOCH SCHEMA TYPE
local tasks, events = KEYS[2], KEYS[3]
local refusal = open() or expect(tasks, 'stream', events, 'stream')
if refusal then return refusal end
local last, has = ARGV[2], delivered(tasks)
local m = call('HMGET', meta, 'recover', 'claimed')
local claimed = tonumber(m[2] or 0)
if has and not m[1] then return {'DONE'} end
if token ~= ARGV[1] or not has and ARGV[4] ~= '1' then return {'AGAIN'} end
begin()
if not has then
  local server, epoch = string.match(token, '^(.*)%.(%d+)$')
  token, claimed = server .. '.' .. int(tonumber(epoch) + 1), 0
  call('XGROUP', 'CREATE', tasks, group, last, 'MKSTREAM')
  call('HSET', meta, 'token', token, 'recover', last)
end
for i = 5, #ARGV, 4 do
  local id, at, birth = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local stands, now_at = status(KEYS[tonumber(ARGV[i + 3])], birth) -- a second opinion, where there is an index
  local current = not stands or stands == 0 and at == birth or stands == state.ready and now_at == at
  if at > claimed and current then
    call('XCLAIM', tasks, group, 'recover', 0, id, 'RETRYCOUNT', '0', 'FORCE', 'JUSTID')
    claimed = at
  end
end
call('HSET', meta, 'claimed', int(claimed))
if ARGV[3] == '1' then
  call('HDEL', meta, 'recover', 'claimed')
  event(events, {kind = 'recovered', n = '0', extra = last .. ' ' .. token})
  commit()
end
return {'OK', token}
