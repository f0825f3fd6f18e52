package task

//go:generate go test -run TestStatesDoc . -rewrite

// next is the law: the state that follows an event in a state. What is not
// listed is illegal. docs/STATES.md is generated from it and streamstest
// compares every pair with what the scripts do.
var next = map[State]map[Kind]State{
	None: {
		Born:      Ready,
		Scheduled: Waiting,
	},
	Waiting: {
		Released:      Ready,
		OutcomeCancel: Cancelled,
		OutcomeExpire: Expired, // the deadline had passed when it fell due
		EntryLost:     Lost,    // its birth vanished before the release
		StaleOutcome:  Waiting, // of a consumer that lost the delivery before this wait
	},
	Ready: {
		HandedBack:      Ready,
		Reclaimed:       Ready,
		CancelRequested: Ready,
		OutcomeSuccess:  Succeeded,
		OutcomeRetry:    Waiting,
		OutcomeSnooze:   Waiting,
		OutcomeDead:     Dead,
		OutcomeCancel:   Cancelled,
		OutcomeExpire:   Expired,
		EntryLost:       Lost,
		StaleOutcome:    Ready,
	},
	Succeeded: {StaleOutcome: Succeeded, Redacted: Succeeded},
	Dead: {
		Requeued:     Waiting, // released by the same script
		PurgedDead:   Purged,
		StaleOutcome: Dead,
		Redacted:     Dead, // and never requeued
	},
	Cancelled: {StaleOutcome: Cancelled, Redacted: Cancelled},
	Expired:   {StaleOutcome: Expired, Redacted: Expired},
	Purged:    {StaleOutcome: Purged, Redacted: Purged},
	Lost:      {StaleOutcome: Lost, Redacted: Lost},
}

// Apply returns the state after an event, or an [*IllegalError]. Running
// follows the same row as Ready: the log does not tell them apart.
func Apply(s State, k Kind) (State, error) {
	row := s
	if s == Running {
		row = Ready
	}
	if to, ok := next[row][k]; ok {
		return to, nil
	}
	return s, &IllegalError{State: s, Kind: k}
}
