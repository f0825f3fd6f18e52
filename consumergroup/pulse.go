package consumergroup

import (
	"sync"
	"time"
)

// Pulse is when a group last had good answers, by the partition that is worst off.
// The zero time: no consumer has joined yet.
type Pulse struct {
	Read    time.Time // the reader's last good answer; now, where there is no room to read for
	Renewed time.Time // the lease: when its last good renewal was sent
}

// pulse is that of one partition. It goes on from one incarnation to the next.
type pulse struct {
	mu      sync.Mutex // guards what follows
	read    time.Time
	renewed time.Time
	full    bool // the reader waits for room
}

func (p *pulse) joined() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read, p.renewed, p.full = time.Now(), time.Now(), false
}

func (p *pulse) hasRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = time.Now()
}

func (p *pulse) hasRenewed(sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewed = sent
}

// waits says whether the reader waits for room, which is as good as reading.
func (p *pulse) waits(full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full, p.read = full, time.Now()
}

func (p *pulse) take() Pulse {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full {
		return Pulse{Read: time.Now(), Renewed: p.renewed}
	}
	return Pulse{Read: p.read, Renewed: p.renewed}
}

// Pulse tells when this group last had good answers.
func (g *Group) Pulse() Pulse {
	worst := g.pulses[0].take()
	for i := range g.pulses[1:] {
		worst = worst.Worse(g.pulses[1+i].take())
	}
	return worst
}

// Worse is the older of each of the times.
func (p Pulse) Worse(o Pulse) Pulse {
	if o.Read.Before(p.Read) {
		p.Read = o.Read
	}
	if o.Renewed.Before(p.Renewed) {
		p.Renewed = o.Renewed
	}
	return p
}
