package consumergroup

// Gate lets one through at a time.
type Gate struct{ slot chan struct{} }

// NewGate returns an open gate.
func NewGate() *Gate { return &Gate{slot: make(chan struct{}, 1)} }

func (g *Gate) leave() { <-g.slot }
