package bench

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
)

// invalidated is the channel that Redis tells changed keys on, to RESP2 clients.
const invalidated = "__redis__:invalidate"

// pongWithin bounds the wait for what a connection that may be lost has to tell.
const pongWithin = time.Second

// sessions learns the names of producers' sessions, the only keys of a run that
// nothing lists, from a user's Redis itself: CLIENT TRACKING in broadcast mode, of
// their prefixes alone. Where it may not track, the run looks for them at its end.
type sessions struct {
	db      *redis.Client
	tracker *redis.Conn // tracking ends with it
	told    *redis.PubSub

	pong  chan struct{} // receives when told is up to date
	ended chan struct{} // closed by listen

	mu    sync.Mutex
	names map[string]bool
}

// watchSessions begins to listen; nil if it may not.
func watchSessions(ctx context.Context, db *redis.Client, ns string) *sessions {
	o := *db.Options()
	var id int64 // of the connection that is told
	o.OnConnect = func(ctx context.Context, c *redis.Conn) (err error) {
		id, err = c.ClientID(ctx).Result()
		return err
	}
	listener := redis.NewClient(&o)
	s := &sessions{
		db: listener, told: listener.Subscribe(ctx, invalidated), tracker: db.Conn(),
		pong: make(chan struct{}, 1), ended: make(chan struct{}), names: map[string]bool{},
	}
	_, err := s.told.Receive(ctx) // that it is subscribed
	if err == nil {
		args := []any{"client", "tracking", "on", "redirect", id, "bcast"}
		for _, p := range possible(ns) {
			args = append(args, "prefix", p.Producer(""))
		}
		err = s.tracker.Do(ctx, args...).Err()
	}
	go s.listen() // joined by close
	if err != nil {
		_ = s.close()
		return nil
	}
	return s
}

// listen ends when told is closed, or has lost its connection.
func (s *sessions) listen() {
	defer close(s.ended)
	for {
		got, err := s.told.Receive(context.Background())
		if err != nil {
			return
		}
		switch m := got.(type) {
		case *redis.Message:
			s.add(append(m.PayloadSlice, m.Payload))
		case *redis.Pong:
			select {
			case s.pong <- struct{}{}:
			default:
			}
		}
	}
}

func (s *sessions) add(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range names {
		if strings.HasPrefix(n, keyPrefix) {
			s.names[n] = true
		}
	}
}

// keyPrefix is what a name that was told must begin with.
var keyPrefix, _, _ = strings.Cut(keys.Registry("x"), "x")

// take returns the names since it was last called.
func (s *sessions) take(ctx context.Context) []string {
	if s == nil {
		return nil
	}
	if s.told.Ping(ctx) == nil { // what was told before comes before the answer
		select {
		case <-s.pong:
		case <-s.ended:
		case <-ctx.Done():
		case <-time.After(pongWithin):
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Collect(maps.Keys(s.names))
	clear(s.names)
	return names
}

func (s *sessions) close() error {
	_ = s.tracker.Close()
	err := s.told.Close()
	<-s.ended
	_ = s.db.Close()
	return err
}
