package memserver

import (
	"context"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/redistest"
)

// Scripts that must do the same here and on a real server: what the library's
// own scripts are built of. KEYS[1] is a stream with the group g at 0 and the
// entries 1-1, 1-2 and 1-3, of which c has been given the first two; KEYS[2]
// does not exist.
var behaviours = []struct{ name, script, want string }{
	{
		"hmget missing is false",
		`redis.call('HSET',KEYS[2],'a','1') local r = redis.call('HMGET',KEYS[2],'a','x') return {r[1], tostring(r[2])}`,
		`[1 false]`,
	},
	{
		"hincrby counts past 2^53",
		`redis.call('HSET',KEYS[2],'a','9007199254740993') redis.call('HINCRBY',KEYS[2],'a',1) return redis.call('HGET',KEYS[2],'a')`,
		`9007199254740994`,
	},
	{"xadd explicit id", `return redis.call('XADD',KEYS[1],'5-1','f','')`, `5-1`},
	{
		"xadd id too small",
		`return redis.pcall('XADD',KEYS[1],'1-3','f','v').err`,
		`ERR The ID specified in XADD is equal or smaller than the target stream top item`,
	},
	{
		"xadd id 0-0",
		`return redis.pcall('XADD',KEYS[1],'0-0','f','v').err`,
		`ERR The ID specified in XADD must be greater than 0-0`,
	},
	{
		"xadd * after a later id",
		`redis.call('XADD',KEYS[1],'99999999999999-5','f','v') return redis.call('XADD',KEYS[1],'*','f','v')`,
		`99999999999999-6`,
	},
	{
		"xreadgroup new",
		`return redis.call('XREADGROUP','GROUP','g','d','COUNT',9,'STREAMS',KEYS[1],'>')[1][2]`,
		`[[1-3 [f v3]]]`,
	},
	{
		"xreadgroup nothing new is false",
		`redis.call('XREADGROUP','GROUP','g','d','STREAMS',KEYS[1],'>') return tostring(redis.call('XREADGROUP','GROUP','g','d','STREAMS',KEYS[1],'>'))`,
		`false`,
	},
	{
		"xreadgroup own history counts as delivery",
		`redis.call('XREADGROUP','GROUP','g','c','STREAMS',KEYS[1],'0') return redis.call('XPENDING',KEYS[1],'g','1-1','1-1',1)[1][4]`,
		`2`,
	},
	{"xack twice", `return {redis.call('XACK',KEYS[1],'g','1-1','9-9'), redis.call('XACK',KEYS[1],'g','1-1')}`, `[1 0]`},
	{"xpending summary", `return redis.call('XPENDING',KEYS[1],'g')`, `[2 1-1 1-2 [[c 2]]]`},
	{
		"xpending summary of none",
		`redis.call('XACK',KEYS[1],'g','1-1','1-2') return redis.call('XPENDING',KEYS[1],'g')`, `[0 <nil> <nil> <nil>]`,
	},
	{
		"xpending one",
		`local p = redis.call('XPENDING',KEYS[1],'g','1-2','1-2',1)[1] return {p[1], p[2], p[4]}`, `[1-2 c 1]`,
	},
	{"xpending of another consumer", `return #redis.call('XPENDING',KEYS[1],'g','-','+',9,'d')`, `0`},
	{"xpending too young", `return #redis.call('XPENDING',KEYS[1],'g','IDLE',60000,'-','+',9)`, `0`},
	{
		"xpending idle ms",
		`redis.call('XCLAIM',KEYS[1],'g','d',0,'1-1','IDLE',5000,'RETRYCOUNT',7,'JUSTID')
		local p = redis.call('XPENDING',KEYS[1],'g','IDLE',5000,'-','+',9)[1] return {p[1], p[2], p[3] < 9000, p[4]}`,
		`[1-1 d 1 7]`,
	},
	{"xclaim justid retrycount", `return redis.call('XCLAIM',KEYS[1],'g','d',0,'1-2','RETRYCOUNT',1,'JUSTID')`, `[1-2]`},
	{"xclaim entry", `return redis.call('XCLAIM',KEYS[1],'g','d',0,'1-2','RETRYCOUNT',1)`, `[[1-2 [f v2]]]`},
	{"xclaim not pending", `return #redis.call('XCLAIM',KEYS[1],'g','d',0,'1-3','9-9')`, `0`},
	{
		"xclaim force",
		`redis.call('XCLAIM',KEYS[1],'g','d',0,'1-3','FORCE','JUSTID','RETRYCOUNT',3)
		local p = redis.call('XPENDING',KEYS[1],'g','1-3','1-3',1)[1] return {p[2], p[4]}`, `[d 3]`,
	},
	{"xautoclaim too young", `return redis.call('XAUTOCLAIM',KEYS[1],'g','d',60000,'0-0','JUSTID')`, `[0-0 [] []]`},
	{
		"xautoclaim in pages",
		`return {redis.call('XAUTOCLAIM',KEYS[1],'g','d',0,'0-0','COUNT',1,'JUSTID'), redis.call('XAUTOCLAIM',KEYS[1],'g','d',0,'1-2','COUNT',1,'JUSTID')}`,
		`[[1-2 [1-1] []] [0-0 [1-2] []]]`,
	},
	{
		"xinfo consumers",
		`local r = redis.call('XINFO','CONSUMERS',KEYS[1],'g') return {#r, r[1][1], r[1][2], r[1][3], r[1][4]}`, `[1 name c pending 2]`,
	},
	{
		"xinfo groups",
		`local r = redis.call('XINFO','GROUPS',KEYS[1])[1] return {r[2], r[3], r[4], r[5], r[6], r[7], r[8]}`,
		`[g consumers 1 pending 2 last-delivered-id 1-2]`,
	},
	{"xrange open end", `return redis.call('XRANGE',KEYS[1],'(1-2','+','COUNT',9)`, `[[1-3 [f v3]]]`},
	{"xtrim exact", `return {redis.call('XTRIM',KEYS[1],'MINID','=','1-3'), redis.call('XLEN',KEYS[1])}`, `[2 1]`},
	{
		"xgroup create twice",
		`return redis.pcall('XGROUP','CREATE',KEYS[1],'g','0').err`, `BUSYGROUP Consumer Group name already exists`,
	},
	{
		"zset by score",
		`redis.call('ZADD',KEYS[2],'5','a','1795000000123','b','3','c')
		return {redis.call('ZRANGEBYSCORE',KEYS[2],'-inf','(1795000000123','LIMIT',0,9), redis.call('ZRANGE',KEYS[2],0,0,'WITHSCORES'), redis.call('ZSCORE',KEYS[2],'b'), redis.call('ZREM',KEYS[2],'a','x')}`,
		`[[c a] [c 3] 1795000000123 1]`,
	},
	{
		"setrange pads, getrange clips",
		`redis.call('SETRANGE',KEYS[2],2,'\255\0') return {#redis.call('GET',KEYS[2]), redis.call('GETRANGE',KEYS[2],2,9) == '\255\0' and 1, redis.call('GETRANGE',KEYS[2],9,12)}`,
		`[4 1 ]`,
	},
	{
		"set px nx",
		`return {redis.call('SET',KEYS[2],'v','PX',60000,'NX').ok, tostring(redis.call('SET',KEYS[2],'w','PX',60000,'NX')), redis.call('PTTL',KEYS[2]) > 59000}`,
		`[OK false 1]`,
	},
	{"format %.0f", `return string.format('%.0f', 1795000000123 * 1000)`, `1795000000123000`},
	{
		"cjson there and back",
		`local v = cjson.decode('{"a":[1,2],"b":"x"}') return {v.a[2], v.b, cjson.encode({1,'y'})}`, `[2 x [1,"y"]]`,
	},
	{"error with a code", `return redis.error_reply('FENCED lost')`, `FENCED lost`},
	{
		"unpack 5000",
		`local t = {} for i = 1, 5000 do t[i] = 'x' end return redis.call('RPUSH',KEYS[2],unpack(t))`, `5000`,
	},
}

// world makes the stream and returns the keys.
func world(ctx context.Context, t *testing.T, c *redis.Client) []string {
	t.Helper()
	ns := redistest.Namespace(t)
	keys := []string{"{" + ns + "}s", "{" + ns + "}2"}
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.XGroupCreateMkStream(ctx, keys[0], "g", "0")
		for i := 1; i <= 3; i++ {
			p.XAdd(ctx, &redis.XAddArgs{Stream: keys[0], ID: fmt.Sprint("1-", i), Values: []string{"f", fmt.Sprint("v", i)}})
		}
		p.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "c", Streams: []string{keys[0], ">"}, Count: 2, Block: -1})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// outcome of a script, a reply or an error, as one line.
func outcome(t *testing.T, c *redis.Client, script string) string {
	t.Helper()
	v, err := evalsha(t.Context(), c, script, world(t.Context(), t, c))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(v)
}

func realClient(t *testing.T) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(redistest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	o.Protocol = 2
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestMain(m *testing.M) { redistest.Main(m) }

func TestBehaviourInProcess(t *testing.T) {
	t.Parallel()
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			if got := outcome(t, client(t, open(t, "")), b.script); got != b.want {
				t.Errorf("got %s, want %s", got, b.want)
			}
		})
	}
}

func TestBehaviourOfRedis(t *testing.T) {
	t.Parallel()
	c := realClient(t)
	for _, b := range behaviours {
		t.Run(b.name, func(t *testing.T) {
			if got := outcome(t, c, b.script); got != b.want {
				t.Errorf("got %s, want %s", got, b.want)
			}
		})
	}
}
