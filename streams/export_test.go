package streams

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/internal/keys"
	"github.com/tidemill/tidemill/task"
)

// ErrNoGroup is what a call says that met a lost group, and mended it.
var ErrNoGroup = errNoGroup

// DB is the connection under a log, for tests that damage what it points at.
func (l *Log) DB() redis.UniversalClient { return l.db }

// Keys names the keys of a partition.
func (l *Log) Keys(ctx context.Context, q task.Queue, n int) (*keys.Partition, error) {
	ps, err := l.partitions(ctx, q, true)
	if err != nil {
		return nil, err
	}
	return ps[n].Partition, nil
}

// ScriptSHA is how a script is called.
func ScriptSHA(name string) string { return scripts[name].sha }

// ScriptSource is a script as it is loaded.
func ScriptSource(name string) string { return scripts[name].source }

// ScriptNames lists the scripts.
func ScriptNames() []string {
	var names []string
	for name := range scripts {
		names = append(names, name)
	}
	return names
}

var scripts = func() map[string]*script {
	all := map[string]*script{}
	for _, s := range []*script{
		registerScript, holdScript, announceScript, epochScript, enqueueScript, releaseScript, joinScript, leaveScript, settleScript, renewScript,
		chargeScript, reclaimScript, recoverScript, cancelScript, requeueScript, redactScript, purgeScript, pauseScript, trimScript,
		retainScript, spareScript, pressureScript, restoreScript,
		snapshotScript, historyScript,
	} {
		all[s.name] = s
	}
	return all
}()

// Repeat makes the next Settle carry the number of the last one, as a call whose
// reply was lost does.
func (s *Session) Repeat() {
	next, last := <-s.lanes, <-s.lanes
	s.Numbered(last-2, next)
}

// Numbered gives the next two calls of Settle their numbers.
func (s *Session) Numbered(first, second int64) {
	for len(s.lanes) > 0 {
		<-s.lanes
	}
	s.lanes <- first
	s.lanes <- second
}

// RepeatBatch makes the next batch of births, to run now or later, carry the
// number of the last one.
func (l *Log) RepeatBatch(ctx context.Context, q task.Queue, later bool) error {
	ps, err := l.partitions(ctx, q, true)
	if err != nil {
		return err
	}
	ps[0].roads[laneKind{later: later}][0].seq--
	return nil
}

// Limits that tests count with.
const (
	MaxItems        = maxItems
	ReplicateWithin = replicateWithin
)
