package streams

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// Back-pressure of the archive. Trim spares what the archive does not have, so an
// archive that stands still lets the log grow. Where both streams take more than
// fullAt times what retention allows, and what trim would remove of them is not
// archived, trim marks the partition full, and enqueue is refused.
//
//  1. Nothing is lost: the mark is there before memory is full, and trim goes on
//     sparing what is not archived.
//  2. Enqueue alone is refused. Workers drain, tasks are retried, released, requeued.
//  3. A log without the archive's cursor is never marked, nor is one that is large
//     because of a backlog, a hold or another cursor: memory bounds those.
//  4. A mark is believed for fullFor of Redis' clock. Who trims sets it again, or
//     takes it away when the archive has come on; where nobody trims it ends.
const (
	fullAt  = 2
	fullFor = time.Minute // as enqueue.lua has it
)

// archiveCursor is the name of the archive's cursor, which is its role too.
const archiveCursor = "archive"

// press marks the partition full or takes the mark away, where there may be reason to.
func (p *partition) press(ctx context.Context, cutMs int64, over, full bool) error {
	if !over && !full {
		return nil
	}
	_, err := p.call(ctx, pressureScript, []string{p.Meta, p.Tasks, p.Events, p.Cursors}, archiveCursor, cutMs, b2i(over))
	return err
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Full tells why enqueue is refused by a partition of a queue: what stands in
// [task.Backpressure], but for memory. It is empty where enqueue is not.
func (r *Reader) Full(ctx context.Context, q task.Queue) (reason string, err error) {
	ps, err := r.log.partitions(ctx, q, false)
	if err != nil {
		return "", err
	}
	now, err := r.Now(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range ps {
		v, err := r.log.db.HMGet(ctx, p.Meta, "full").Result()
		if err != nil {
			return "", fmt.Errorf("%s: %w", q, mapError(err))
		}
		since, why, marked := strings.Cut(reply(v).text(0), " ")
		if marked && now.Sub(time.UnixMilli(parseInt(since))).Abs() < fullFor {
			return why, nil
		}
	}
	return "", nil
}
