package memserver

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

// scriptNow is the time that a script sees.
const scriptNow = `local t = redis.call('TIME') return t[1]*1000 + math.floor(t[2]/1000)`

func TestTTLsEndWithTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), client(t, open(t, ""))
		if ok, err := c.SetNX(ctx, "k", "v", 100*time.Millisecond).Result(); err != nil || !ok {
			t.Fatalf("set px nx: got %v, %v, want true", ok, err)
		}
		time.Sleep(99 * time.Millisecond)
		if err := c.Get(ctx, "k").Err(); err != nil {
			t.Errorf("after 99 ms: got %v, want a value", err)
		}
		time.Sleep(time.Millisecond)
		if err := c.Get(ctx, "k").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("after 100 ms: got %v, want %v", err, redis.Nil)
		}
		if ok, err := c.SetNX(ctx, "k", "v", time.Hour).Result(); err != nil || !ok {
			t.Errorf("set px nx after the end: got %v, %v, want true", ok, err)
		}
		time.Sleep(24 * time.Hour)
		n, err := evalsha(ctx, c, "return redis.call('EXISTS',KEYS[1])", []string{"k"})
		if err != nil || n != int64(0) {
			t.Errorf("a day later, in a script: got %v, %v, want 0", n, err)
		}
	})
}

// FastForward moves TTLs and must move nothing else.
func TestTimeIsTheClockOfTheBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), client(t, open(t, ""))
		for range 3 {
			now, err := c.Time(ctx).Result()
			if err != nil || !now.Equal(time.Now()) {
				t.Errorf("time: got %v, %v, want %v", now, err, time.Now())
			}
			ms, err := evalsha(ctx, c, scriptNow, nil)
			if err != nil || ms != time.Now().UnixMilli() {
				t.Errorf("time in a script: got %v, %v, want %d", ms, err, time.Now().UnixMilli())
			}
			id, err := c.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"f", "v"}}).Result()
			if want := fmt.Sprintf("%d-0", time.Now().UnixMilli()); err != nil || id != want {
				t.Errorf("xadd *: got %s, %v, want %s", id, err, want)
			}
			time.Sleep(time.Minute + 7*time.Millisecond)
		}
	})
}

func TestTimeIsRealOutside(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), client(t, open(t, ""))
	for range 10 {
		before := time.Now().UnixMilli()
		ms, err := evalsha(ctx, c, scriptNow, nil)
		after := time.Now().UnixMilli()
		if err != nil || ms.(int64) < before || ms.(int64) > after {
			t.Errorf("got %v, %v, want between %d and %d", ms, err, before, after)
		}
		id, err := c.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"f", "v"}}).Result()
		if err != nil {
			t.Fatal(err)
		}
		at, _, _ := strings.Cut(id, "-")
		if n, _ := strconv.ParseInt(at, 10, 64); n < after || n > time.Now().UnixMilli() {
			t.Errorf("xadd *: got %s, want from %d on", id, after)
		}
	}
}
