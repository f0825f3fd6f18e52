package wire

import "github.com/tidemill/tidemill/task"

// Events reads any entry of either stream and unpacks it. What it does not
// understand comes back as one event of kind Unknown with its raw fields.
func Events(p task.Partition, at task.Position, f Fields) []task.Event {
	return AppendEvents(nil, p, at, f)
}

// AppendEvents is Events that appends to a slice, so that one who reads many entries
// may use the same again.
func AppendEvents(to []task.Event, p task.Partition, at task.Position, f Fields) []task.Event {
	e := task.Event{At: at, Partition: p}
	switch {
	case f.has(EventFields, eKind):
		if all, ok := event(to, e, f); ok {
			return all
		}
	case f.has(BirthFields, bType):
		if birth(&e, f) {
			return append(to, e)
		}
	}
	e = task.Event{At: at, Partition: p, Raw: make([]string, len(f))}
	for i, v := range f {
		e.Raw[i] = string(v)
	}
	return append(to, e)
}

// birth reads an entry of the shape of births. An id as ref tells a later
// delivery from a birth, and a due time what had waited from what had not:
// that there is one, since any number may be one.
func birth(e *task.Event, f Fields) bool {
	d, err := Delivery(e.Partition, e.At, f, func(b []byte) string { return string(b) })
	if err != nil {
		return false
	}
	e.Task, e.Type, e.Payload, e.Headers, e.Opts = d.ID, d.Type, d.Payload, d.Headers, d.Opts
	e.Attempt, e.DueMs = d.Attempt, d.DueMs
	later := len(f.get(BirthFields, bRef)) == idLen
	waited := len(f.get(BirthFields, bDue)) > 0
	switch {
	case later && waited:
		e.Kind = task.Released
	case later:
		e.Kind = task.HandedBack
	case waited:
		e.Kind = task.Scheduled
	default:
		e.Kind = task.Born
	}
	var ok bool
	e.Prev, ok = position(f.get(BirthFields, bPrev))
	return ok
}

func event(to []task.Event, e task.Event, f Fields) (all []task.Event, ok bool) {
	if e.Kind, e.Outcome, ok = kind(f); !ok {
		return nil, false
	}
	if ref := f.get(EventFields, eRef); len(ref) > 0 {
		var err error
		if e.Task, err = task.ParseID(string(ref)); err != nil {
			return nil, false
		}
	}
	if e.Prev, ok = position(f.get(EventFields, ePrev)); !ok {
		return nil, false
	}
	e.Attempt, e.N = int(number(f.get(EventFields, eAttempt))), int(number(f.get(EventFields, eN)))
	e.Consumer, e.Error = string(f.get(EventFields, eConsumer)), string(f.get(EventFields, eError))
	e.Actor, e.Reason = string(f.get(EventFields, eActor)), string(f.get(EventFields, eReason))
	e.DueMs = number(f.get(EventFields, eDue))
	e.Extra = append(e.Extra, f.get(EventFields, eExtra)...)
	return unpack(to, e)
}

// kind reads the fields kind and outcome. An entry of this shape is an outcome,
// which the second names, or an event that is neither outcome nor birth.
func kind(f Fields) (k task.Kind, outcome string, ok bool) {
	word, outcome := string(f.get(EventFields, eKind)), string(f.get(EventFields, eOutcome))
	if word == Outcome {
		k = task.ParseKind(outcome)
		return k, "", k.IsOutcome()
	}
	k = task.ParseKind(word)
	return k, outcome, k > task.OutcomeExpire
}
