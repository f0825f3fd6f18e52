package proxy

import (
	"fmt"
	"strings"
	"sync"
)

// Command is one command of a client.
type Command struct {
	Name string   // in upper case
	Args [][]byte // all words, the name included; valid during the call only
}

// Verdict is what becomes of a command.
type Verdict int

const (
	// Forward it, and its reply.
	Forward Verdict = iota
	// DropReply forwards it; when its reply comes it is lost and the connection
	// reset. Replies of earlier commands have arrived.
	DropReply
	// Swallow does not forward it and resets the connection. Replies to earlier
	// commands of the connection may be lost too.
	Swallow
	// Before calls the crash function in its place and resets the connection.
	Before
	// After forwards it, waits for its reply, calls the crash function and goes
	// on as DropReply.
	After
)

// String is the name of the constant.
func (v Verdict) String() string {
	switch v {
	case Forward:
		return "Forward"
	case DropReply:
		return "DropReply"
	case Swallow:
		return "Swallow"
	case Before:
		return "Before"
	case After:
		return "After"
	default:
		return fmt.Sprintf("Verdict(%d)", int(v))
	}
}

// OnFunc decides on a command; the function it returns is the crash of Before
// and After and may be nil.
type OnFunc func(c Command) (Verdict, func())

// judge asks one OnFunc, one command at a time.
type judge struct {
	mu sync.Mutex // held during f
	f  OnFunc
}

// On has f decide on every command from now on, nil forwards all. It is called
// for one command at a time, before that is forwarded, and not for those that
// vanish in a hole. It must be cheap. Neither f nor the crash function may call
// Close; every other fault may be switched in them.
func (p *Proxy) On(f OnFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge = nil
	if f != nil {
		p.judge = &judge{f: f}
	}
}

// decide asks the judge of the moment.
func (p *Proxy) decide(words [][]byte) sentence {
	p.mu.Lock()
	j := p.judge
	p.mu.Unlock()
	if j == nil {
		return sentence{}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	v, crash := j.f(Command{Name: strings.ToUpper(string(words[0])), Args: words})
	return sentence{v, crash}
}

// sentence is a verdict with its crash function. The zero value forwards.
type sentence struct {
	verdict Verdict
	crash   func()
}

// execute calls the crash function.
func (s sentence) execute() {
	if s.crash != nil {
		s.crash()
	}
}

// sentences of commands that were forwarded and not answered yet, in order.
type sentences struct {
	mu   sync.Mutex
	open []sentence
}

func (q *sentences) push(s sentence) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open = append(q.open, s)
}

// pop answers the zero sentence to a reply that nobody asked for, such as that
// of a server with too many clients.
func (q *sentences) pop() sentence {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.open) == 0 {
		return sentence{}
	}
	s := q.open[0]
	q.open = q.open[1:]
	return s
}
