package replay_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/streams"
	"github.com/tidemill/tidemill/task"
)

// The state at any moment is the fold of the log up to it: of the queues, and of
// any task, also of those that have ended since.
func ExampleAt() {
	ctx := context.Background()
	l, err := streams.New("mem://", streams.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	births := []task.Birth{
		{Queue: "mail", Type: "email.send", Payload: []byte(`1`)},
		{Queue: "mail", Type: "email.send", Payload: []byte(`2`), In: time.Hour},
	}
	tasks, err := l.Enqueue(ctx, births)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := l.Cancel(ctx, tasks[1].ID, streams.By{Actor: "ops", Reason: "a typo"}); err != nil {
		log.Fatal(err)
	}
	for _, lsn := range []int64{2, 3, 4, 5} {
		s, err := replay.At(ctx, l.Reader(), replay.Moment{LSN: lsn})
		if err != nil {
			fmt.Println("lsn 5 is outside:", err != nil)
			break
		}
		q := s.Queues[0]
		fmt.Printf("lsn %d: %d ready, %d waiting, %d cancelled\n", s.AsOf["mail/0"], q.Ready, q.Waiting, q.Cancelled)
		if st, err := s.Task(ctx, tasks[1].ID); err == nil {
			fmt.Printf("  the second is %s %q\n", st.State, st.Reason)
		}
	}
	// Output:
	// lsn 2: 1 ready, 0 waiting, 0 cancelled
	// lsn 3: 1 ready, 1 waiting, 0 cancelled
	//   the second is waiting ""
	// lsn 4: 1 ready, 0 waiting, 1 cancelled
	//   the second is cancelled "a typo"
	// lsn 5 is outside: true
}
