package memserver

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// In a bubble a server that polled would let time pass before it noticed.

func TestBlockedReaderWakesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, s := t.Context(), open(t, "")
		reader, writer := client(t, s), client(t, s)
		if err := reader.XGroupCreateMkStream(ctx, "s", "g", "0").Err(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var got []redis.XStream
		var err error
		var wg sync.WaitGroup
		wg.Go(func() {
			got, err = reader.XReadGroup(ctx, &redis.XReadGroupArgs{
				Group: "g", Consumer: "c", Streams: []string{"s", ">"}, Count: 10, Block: time.Minute,
			}).Result()
		})
		synctest.Wait()
		const script = `redis.call('XADD',KEYS[1],'5-1','f','a') return redis.call('XADD',KEYS[1],'5-2','f','b')`
		if _, err := evalsha(ctx, writer, script, []string{"s"}); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		// The reader gets what the whole script wrote: it wakes after, not inside.
		want := []redis.XStream{{Stream: "s", Messages: []redis.XMessage{
			{ID: "5-1", Values: map[string]any{"f": "a"}},
			{ID: "5-2", Values: map[string]any{"f": "b"}},
		}}}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("read: %v (-want +got):\n%s", err, d)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("woke after %v, want 0", d)
		}
	})
}

func TestBlockedReaderTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), client(t, open(t, ""))
		if err := c.XGroupCreateMkStream(ctx, "s", "g", "0").Err(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		err := c.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: "g", Consumer: "c", Streams: []string{"s", ">"}, Block: 5 * time.Second,
		}).Err()
		if d := time.Since(start); !errors.Is(err, redis.Nil) || d != 5*time.Second {
			t.Errorf("got %v after %v, want %v after 5s", err, d, redis.Nil)
		}
	})
}

func TestBlockedPopWakesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, s := t.Context(), open(t, "")
		popper, pusher := client(t, s), client(t, s)
		start := time.Now()
		var got []string
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { got, err = popper.BLPop(ctx, time.Minute, "l").Result() })
		synctest.Wait()
		if _, err := evalsha(ctx, pusher, `return redis.call('LPUSH',KEYS[1],'v')`, []string{"l"}); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if d := cmp.Diff([]string{"l", "v"}, got); err != nil || d != "" {
			t.Errorf("blpop: %v (-want +got):\n%s", err, d)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("woke after %v, want 0", d)
		}
	})
}
