package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidemill/tidemill/task"
)

// maxErrorText bounds an error within a line.
const maxErrorText = 300

// tell says in a sentence what an event says. It begins with the word of its
// kind. The caller makes it safe for a terminal.
func (p places) tell(e *task.Event) string {
	switch {
	case e.Kind.OfPartition():
		return tellPartition(e)
	case task.OutcomeSuccess <= e.Kind && e.Kind <= task.StaleOutcome:
		return p.tellOutcome(e)
	}
	switch e.Kind {
	case task.Born:
		return fmt.Sprintf("born: %s, %s", e.Type, sizeOf(e))
	case task.Scheduled:
		return fmt.Sprintf("scheduled: %s, %s, due %s", e.Type, sizeOf(e), stampMs(e.DueMs))
	case task.Released:
		return fmt.Sprintf("released %s after it was due, for attempt %d", between(e.DueMs, e.At.Ms), e.Attempt)
	case task.HandedBack:
		return fmt.Sprintf("handed_back by its node, without a verdict, attempt %d", e.Attempt)
	case task.Reclaimed:
		return fmt.Sprintf("reclaimed from %s by %s, delivery %d", p.name(e.Consumer), p.name(e.Actor), e.Crashes+1)
	case task.CancelRequested, task.Requeued, task.PurgedDead, task.Redacted:
		return e.Kind.String() + act(e)
	case task.EntryLost:
		return "entry_lost: it vanished from the stream" + on(p.name(e.Consumer))
	}
	panic("cli: event of kind " + e.Kind.String())
}

// tellOutcome tells how an attempt ended.
func (p places) tellOutcome(e *task.Event) string {
	ran := fmt.Sprintf("attempt %d", e.Attempt)
	failed := fmt.Sprintf("attempt %d failed%s%s", e.Attempt, on(p.name(e.Consumer)), after(e.Ran))
	if e.Crashes > 0 {
		failed += fmt.Sprintf(", %s before it", count(e.Crashes, "crash"))
	}
	switch e.Kind {
	case task.OutcomeSuccess:
		s := fmt.Sprintf("succeeded by %s%s, %s", p.name(e.Consumer), after(e.Ran), ran)
		if e.Crashes > 0 {
			s += fmt.Sprintf(", %s before it", count(e.Crashes, "crash"))
		}
		if !e.Result.IsZero() {
			s += ", result " + e.Result.String()
		}
		return s
	case task.OutcomeRetry:
		return fmt.Sprintf("retry in %s: %s%s", between(e.At.Ms, e.DueMs), failed, why(e.Error))
	case task.OutcomeSnooze:
		return fmt.Sprintf("snoozed for %s%s%s", between(e.At.Ms, e.DueMs), on(p.name(e.Consumer)), why(e.Error))
	case task.OutcomeDead:
		return fmt.Sprintf("dead (%s): %s%s", e.Reason, failed, why(e.Error))
	case task.OutcomeCancel:
		if e.Actor != "" {
			return "cancelled" + act(e)
		}
		return fmt.Sprintf("cancelled: %s stopped%s%s", ran, on(p.name(e.Consumer)), after(e.Ran))
	case task.OutcomeExpire:
		return "expired: its deadline passed before a start"
	case task.StaleOutcome:
		return fmt.Sprintf("stale_outcome refused: %s reported %s too late, %s%s%s", p.name(e.Consumer), e.Outcome, ran, after(e.Ran), why(e.Error))
	}
	panic("cli: outcome of kind " + e.Kind.String())
}

// tellPartition tells what is about no single task.
func tellPartition(e *task.Event) string {
	switch e.Kind {
	case task.Paused, task.Resumed:
		return e.Kind.String() + act(e)
	case task.RetentionSet:
		return "retention_set to " + string(e.Extra) + act(e)
	case task.Trimmed:
		_, floor, _ := strings.Cut(string(e.Extra), " ")
		return "trimmed: the log now begins at lsn " + floor
	case task.EpochStarted:
		if e.Reason == "created" {
			return "epoch: the log begins"
		}
		return "epoch: another life of the server began, by a " + e.Reason
	case task.Recovered:
		return "recovered: the consumer group was rebuilt"
	case task.Unknown:
		return fmt.Sprintf("unknown: %s of another version", count(len(e.Raw)/2, "field"))
	}
	panic("cli: partition event of kind " + e.Kind.String())
}

// sizeOf tells of the payload of a birth.
func sizeOf(e *task.Event) string {
	if e.Erased {
		return "payload redacted"
	}
	return bytesOf(int64(len(e.Payload)))
}

func act(e *task.Event) string { return " by " + e.Actor + why(e.Reason) }

func on(consumer string) string {
	if consumer == "" {
		return ""
	}
	return " on " + consumer
}

func after(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return " after " + short(d)
}

func why(text string) string {
	if text == "" {
		return ""
	}
	return ": " + clip(text, maxErrorText)
}

// between is the time from one moment to a later one.
func between(fromMs, toMs int64) string {
	return short(time.Duration(toMs-fromMs) * time.Millisecond)
}
