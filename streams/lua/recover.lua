-- recover: rebuilds a lost consumer group. The caller folds the log and names the entries that are open; they go to a
-- consumer without a record, from which ordinary reclaim takes them. An entry that is pending again, or that the index
-- says is settled, is passed over, so a repeat or a second recoverer does no harm.
-- KEYS  meta tasks events chunk...
-- ARGV  last asof done, then per entry: entry, its lsn, lsn of its birth, its chunk as index into KEYS
--       last: where the group goes on; asof: lsn the fold is true at; done: 1 with the last page
-- reply OK claimed | AGAIN | DONE
-- refusals EPOCH(checked by open) SCHEMA TYPE
local tasks, events = KEYS[2], KEYS[3]
local refusal = open() or expect(tasks, 'stream', events, 'stream')
if refusal then return refusal end
local last, going = ARGV[1], call('HGET', meta, 'recover')
local has = false
for _, g in ipairs(call('XINFO', 'GROUPS', tasks)) do has = has or g[2] == group end
if has and going ~= last then return {'DONE'} end
begin()
if not has then
  if int(lsn) ~= ARGV[2] then return {'AGAIN'} end
  call('XGROUP', 'CREATE', tasks, group, last)
  call('HSET', meta, 'recover', last)
end
local claimed = 0
for i = 4, #ARGV, 4 do
  local id, birth = ARGV[i], tonumber(ARGV[i + 2])
  local stands, at = status(KEYS[tonumber(ARGV[i + 3])], birth)
  local current = stands == 0 and ARGV[i + 1] == ARGV[i + 2] or stands == state.ready and int(at) == ARGV[i + 1]
  if not stands then current = int(lsn) == ARGV[2] end
  if current and #call('XPENDING', tasks, group, id, id, 1) == 0 then
    call('XCLAIM', tasks, group, 'recover', 0, id, 'RETRYCOUNT', '1', 'FORCE', 'JUSTID')
    claimed = claimed + 1
  end
end
if ARGV[3] == '1' then
  call('HDEL', meta, 'recover')
  event(events, {kind = 'recovered', n = '0', extra = last})
  commit()
end
return {'OK', claimed}
