package streams_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/internal/redisproc"
	"github.com/tidemill/tidemill/internal/redistest"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// On a Cluster the call and its WAIT go to the node that has the partition, also
// after it has moved.
func TestReplicatedOnACluster(t *testing.T) {
	t.Parallel()
	p := &pair{T: t, master: startClustered(t), replica: startClustered(t)}
	ctx, master, replica := t.Context(), p.client(p.master), p.client(p.replica)
	p.must(master.ClusterAddSlotsRange(ctx, 0, 16383).Err())
	host, port, err := net.SplitHostPort(p.address(p.replica))
	p.must(err)
	p.must(master.Do(ctx, "CLUSTER", "MEET", host, port, replica.ConfigGet(ctx, "cluster-port").Val()["cluster-port"]).Err())
	id, err := master.Do(ctx, "CLUSTER", "MYID").Text()
	p.must(err)
	r := &rig{T: t}
	r.until("replica follows", func() bool { return replica.ClusterReplicate(ctx, id).Err() == nil })
	r.until("cluster is well", func() bool {
		return strings.Contains(master.ClusterInfo(ctx).Val(), "cluster_state:ok") && strings.Contains(master.Info(ctx, "replication").Val(), "state=online")
	})
	r = newRig(t, "redis+cluster://"+p.address(p.master), streams.Options{Partitions: 1})
	for range 20 {
		r.enqueue(replicated(1)...)
	}
	p.must(replica.ClusterFailover(ctx).Err()) // the partition moves, and its replica is the other one now
	r.until("promoted", func() bool { return strings.Contains(replica.Info(ctx, "replication").Val(), "state=online") })
	moved := r.enqueue(replicated(1)...)[0]
	at, err := replica.XRange(ctx, r.k.Tasks, moved.Birth().String(), "+").Result()
	if err != nil || len(at) != 1 {
		t.Errorf("the new master has %v, %v, want %s", at, err, moved.Birth())
	}
	p.must(p.master.Signal(syscall.SIGSTOP))
	t.Cleanup(func() { _ = p.master.Signal(syscall.SIGCONT) })
	got, err := r.log.Enqueue(r.ctx, replicated(1))
	if !errors.Is(err, task.ErrNotReplicated) || len(got) != 1 {
		t.Errorf("%v, %v, want a task and %v", got, err, task.ErrNotReplicated)
	}
}

func startClustered(t *testing.T) *redisproc.Proc {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, bus, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	return redistest.Start(t, redisproc.Options{TCP: true, Args: []string{
		"--cluster-enabled", "yes", "--cluster-port", bus, "--repl-diskless-sync-delay", "0",
	}})
}
