package memserver

import (
	"strings"
	"testing"
)

// Scripts that do something else here than on Redis, in the world of
// behaviours: what a script must not rely on. A row that fails because
// miniredis has learned is to be deleted.
//
// here and redis are prefixes of the outcome. Three more do not fit a row: XINFO
// GROUPS comes in random order, and as direct commands XLEN of a wrong type sends
// two replies, and XACK panics after a consumer that had claimed a trimmed entry
// was deleted.
var differences = []struct{ name, script, here, redis string }{
	// What hides a lost task.
	{
		"xclaim ignores min-idle-time",
		`return #redis.call('XCLAIM',KEYS[1],'g','d',60000,'1-1')`, `1`, `0`,
	},
	{
		"xclaim justid counts a delivery",
		`redis.call('XCLAIM',KEYS[1],'g','d',0,'1-1','JUSTID') return redis.call('XPENDING',KEYS[1],'g','1-1','1-1',1)[1][4]`, `2`, `1`,
	},
	{
		"xautoclaim justid counts a delivery",
		`redis.call('XAUTOCLAIM',KEYS[1],'g','d',0,'0-0','JUSTID') return redis.call('XPENDING',KEYS[1],'g','1-1','1-1',1)[1][4]`, `2`, `1`,
	},
	{
		"xclaim force takes what does not exist",
		`redis.call('XCLAIM',KEYS[1],'g','d',0,'7-7','FORCE','JUSTID') return #redis.call('XPENDING',KEYS[1],'g','7-7','7-7',1)`, `1`, `0`,
	},
	{
		"xautoclaim never reports trimmed entries",
		`redis.call('XTRIM',KEYS[1],'MINID','1-2') return redis.call('XAUTOCLAIM',KEYS[1],'g','d',0,'0-0','JUSTID')`,
		`[0-0 [1-2] []]`, `[0-0 [1-2] [1-1]]`,
	},
	{
		"xpending summary hides trimmed entries",
		`redis.call('XTRIM',KEYS[1],'MINID','1-2') return redis.call('XPENDING',KEYS[1],'g')[1]`, `1`, `2`,
	},
	{
		"xack does not count trimmed entries",
		`redis.call('XTRIM',KEYS[1],'MINID','1-2') return redis.call('XACK',KEYS[1],'g','1-1')`, `0`, `1`,
	},
	{
		"xadd forgets the last id of an empty stream",
		`redis.call('XTRIM',KEYS[1],'MAXLEN',0) return redis.pcall('XADD',KEYS[1],'1-2','f','v')`, `1-2`, `ERR The ID specified`,
	},
	{
		"xgroup create $ forgets it too",
		`redis.call('XTRIM',KEYS[1],'MAXLEN',0) redis.call('XGROUP','DESTROY',KEYS[1],'g')
		redis.call('XGROUP','CREATE',KEYS[1],'h','$') return redis.call('XINFO','GROUPS',KEYS[1])[1][8]`, `0-0`, `1-3`,
	},
	{
		"xadd that fails leaves a stream",
		`redis.pcall('XADD',KEYS[2],'0-0','f','v') return redis.call('EXISTS',KEYS[2])`, `1`, `0`,
	},
	{
		"xtrim ~ is exact",
		`return redis.call('XTRIM',KEYS[1],'MINID','~','1-3')`, `2`, `0`,
	},
	{
		"hincrby wraps",
		`redis.call('HSET',KEYS[2],'a','9223372036854775807') return redis.pcall('HINCRBY',KEYS[2],'a',1)`,
		`-9223372036854775808`, `ERR increment or decrement would overflow`,
	},

	// What it cannot do.
	{"xpending has no open ranges", `return #redis.call('XPENDING',KEYS[1],'g','(1-1','+',9)`, `ERR Error compiling`, `1`},
	{
		"xadd has no limit",
		`return redis.pcall('XADD',KEYS[1],'MAXLEN','~',9,'LIMIT',5,'2-1','f','v')`, `ERR Invalid stream ID`, `2-1`,
	},
	{"xgroup setid", `return redis.pcall('XGROUP','SETID',KEYS[1],'g','0')`, `ERR 'XGROUP setid' not supported`, `OK`},
	{
		"xinfo consumers knows no idle time",
		`return redis.call('XINFO','CONSUMERS',KEYS[1],'g')[1][6] < 0`, `1`, `redis: nil`,
	},

	// Lua.
	{
		"redis.call errors lose their code",
		`return redis.call('INCR',KEYS[1])`, `ERR Error compiling script (new function): :1: WRONGTYPE`, `WRONGTYPE`,
	},
	{"error with a table loses it", `error({err='FENCED lost'})`, `ERR Error compiling`, `FENCED lost`},
	{"block in a script", `return #redis.call('XREADGROUP','GROUP','g','c','BLOCK',5,'STREAMS',KEYS[1],'>')`, `1`, `ERR XREADGROUP`},
	{
		"round scores come with an exponent",
		`redis.call('ZADD',KEYS[2],'1795000000000','m') return redis.call('ZSCORE',KEYS[2],'m')`, `1.795e+12`, `1795000000000`,
	},
	{"and tonumber reads none", `return tostring(tonumber('1e3'))`, `nil`, `1000`},
	{"tostring keeps all digits", `return tostring(1795000000000123)`, `1795000000000123`, `1.7950000000001e+15`},
	{"unpack ends at 5100", `local t = {} for i = 1, 6000 do t[i] = i end return select('#', unpack(t))`, `ERR Error compiling`, `6000`},
	{"table.concat too", `local t = {} for i = 1, 6000 do t[i] = 'x' end return #table.concat(t)`, `ERR Error compiling`, `6000`},
	{"format accepts nil", `return ('%s'):format(nil)`, `nil`, `ERR`},
	{"frontier patterns", `return tostring(('a b'):find('%f[b]b'))`, `nil`, `3`},
	{"cjson empty table", `return cjson.encode({})`, `[]`, `{}`},
	{"cjson replaces bytes", `return #cjson.encode('\255')`, `8`, `3`},
	{"cjson.decode does not raise", `return tostring((pcall(cjson.decode, '{bad')))`, `true`, `false`},
	{"cjson null is nil", `return tostring(cjson.decode('[null]')[1])`, `nil`, `userdata`},
	{"no bit, struct, cmsgpack", `return type(rawget(_G,'bit'))`, `nil`, `table`},
}

func TestDifferencesInProcess(t *testing.T) {
	t.Parallel()
	for _, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			if got := outcome(t, client(t, open(t, "")), d.script); !strings.HasPrefix(got, d.here) {
				t.Errorf("got %s, want %s", got, d.here)
			}
		})
	}
}

func TestDifferencesOfRedis(t *testing.T) {
	t.Parallel()
	c := realClient(t)
	for _, d := range differences {
		t.Run(d.name, func(t *testing.T) {
			if got := outcome(t, c, d.script); !strings.HasPrefix(got, d.redis) {
				t.Errorf("got %s, want %s", got, d.redis)
			}
		})
	}
}
