package memserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

func open(tb testing.TB, name string) *Server {
	tb.Helper()
	s, err := Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// client is what a library would make of s; in a bubble too.
func client(tb testing.TB, s *Server) *redis.Client {
	tb.Helper()
	c := redis.NewClient(&redis.Options{
		Addr:                     "127.0.0.1:0", // looked at, never dialled
		Protocol:                 2,
		Dialer:                   s.Dialer(),
		MaxRetries:               -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	tb.Cleanup(func() { c.Close() })
	return c
}

// evalsha runs a script the way the library does.
func evalsha(ctx context.Context, c *redis.Client, script string, keys []string, args ...any) (any, error) {
	sha, err := c.ScriptLoad(ctx, script).Result()
	if err != nil {
		return nil, err
	}
	return c.EvalSha(ctx, sha, keys, args...).Result()
}

func TestPrivateServersShareNothing(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	a, b := client(t, open(t, "")), client(t, open(t, ""))
	if err := a.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.Get(ctx, "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("got %v, want %v", err, redis.Nil)
	}
}

func TestNamedServerLivesUntilItsLastClose(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	first, second := open(t, t.Name()), open(t, t.Name())
	if err := client(t, first).Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second Close must not take the other opener's share
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := client(t, second).Get(ctx, "k").Result()
	if err != nil || got != "v" {
		t.Fatalf("after the first close: got %q, %v, want v", got, err)
	}
	second.Close()
	if _, err := second.Dialer()(ctx, "", ""); !errors.Is(err, ErrClosed) {
		t.Errorf("dial after the last close: got %v, want %v", err, ErrClosed)
	}
	if err := client(t, open(t, t.Name())).Get(ctx, "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("same name, new server: got %v, want %v", err, redis.Nil)
	}
}

func TestDialAfterCancel(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := open(t, "").Dialer()(ctx, "", ""); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

// A bubble ends only when its goroutines have, so this also shows that Close
// leaves none behind, not even those of blocked commands.
func TestCloseWakesBlockedCommands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, "")
		c := client(t, s)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := c.BLPop(t.Context(), 0, "nothing").Err(); err == nil || errors.Is(err, redis.Nil) {
					t.Errorf("blpop: got %v, want a broken connection", err)
				}
			})
		}
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
	})
}

func TestCloseWhileScriptsRun(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	c := client(t, s)
	var started, ended sync.WaitGroup
	for i := range 8 {
		started.Add(1)
		ended.Go(func() {
			running := sync.OnceFunc(started.Done)
			for {
				err := c.Eval(t.Context(), "return redis.call('INCR',KEYS[1])", []string{fmt.Sprint("k", i)}).Err()
				if err != nil {
					return
				}
				running()
			}
		})
	}
	started.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ended.Wait()
}

func TestPipelineOfAnySize(t *testing.T) {
	t.Parallel()
	c := client(t, open(t, ""))
	payload := strings.Repeat("x", 4<<10)
	var want, got []string
	cmds, err := c.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range 1000 {
			v := fmt.Sprint(i, payload)
			want = append(want, v)
			p.Echo(t.Context(), v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range cmds {
		got = append(got, cmd.(*redis.StringCmd).Val())
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("replies (-want +got):\n%s", d)
	}
}
