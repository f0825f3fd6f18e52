package task

// Stats are the live numbers of one partition, read in one script.
type Stats struct {
	Queue     Queue     `json:"queue"`
	Partition Partition `json:"partition"`
	LSN       int64     `json:"lsn"`
	Floor     int64     `json:"floor"` // the log below it was trimmed
	NowMs     int64     `json:"now_ms"`
	Waiting   int64     `json:"waiting"`
	Ready     int64     `json:"ready"`
	Running   int64     `json:"running"`
	Dead      int64     `json:"dead"` // held for requeue; Buried counts all that ever died
	Marks     int64     `json:"-"`    // cancels asked for and not yet seen
	NextDueMs int64     `json:"next_due_ms,omitempty"`
	Paused    bool      `json:"paused"`

	Enqueued  int64 `json:"enqueued"` // totals since the partition was made
	Succeeded int64 `json:"succeeded"`
	Retried   int64 `json:"retried"`
	Snoozed   int64 `json:"snoozed"`
	Buried    int64 `json:"buried"`
	Cancelled int64 `json:"cancelled"`
	Expired   int64 `json:"expired"`
	Requeued  int64 `json:"requeued"`
	Purged    int64 `json:"purged"`

	Delivered Position `json:"-"` // the group's last delivery
}

// Add returns the sums of two partitions of one queue.
func (s Stats) Add(o Stats) Stats {
	s.Waiting, s.Ready, s.Running, s.Dead = s.Waiting+o.Waiting, s.Ready+o.Ready, s.Running+o.Running, s.Dead+o.Dead
	s.Enqueued, s.Succeeded, s.Retried, s.Snoozed = s.Enqueued+o.Enqueued, s.Succeeded+o.Succeeded, s.Retried+o.Retried, s.Snoozed+o.Snoozed
	s.Buried, s.Cancelled, s.Expired = s.Buried+o.Buried, s.Cancelled+o.Cancelled, s.Expired+o.Expired
	s.Requeued, s.Purged, s.Marks = s.Requeued+o.Requeued, s.Purged+o.Purged, s.Marks+o.Marks
	s.LSN += o.LSN
	if s.NextDueMs == 0 || o.NextDueMs != 0 && o.NextDueMs < s.NextDueMs {
		s.NextDueMs = o.NextDueMs
	}
	s.Paused = s.Paused || o.Paused
	return s
}

// Live is the live state of one partition, to be compared with the fold of its
// log: the open entries (held or undelivered), the waiting and the dead.
type Live struct {
	Stats
	Open    map[Position]bool
	Due     map[ID]int64
	Buried  map[ID]bool
	Marked  map[int64]bool // births, by lsn
	Settled bool           // the log did not move while the sets were read
}
