package bench

import (
	"context"
	"strings"
	"time"
)

// Units of metrics.
const (
	tasksPerSecond = "tasks/s"
	percent        = "%"
	millis         = "ms"
	bytesEach      = "B/task"
	perTask        = "/task"
	microsEach     = "µs/task"
	perSecond      = "/s"
)

// needs of a scenario that not every run can give.
type needs uint8

const (
	needsOwn         needs = 1 << iota // nobody else on the server
	needsPersistence                   // a server with another one
	needsLatency                       // a delay on the way
	needsKill                          // a worker to kill
)

// String names what is needed, as in "a kill, a server of its own".
func (n needs) String() string {
	var words []string
	for i, w := range []string{"a server of its own", "another persistence", "another latency", "a worker process to kill"} {
		if n&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// side measures one round: of Tidemill, or of the floor.
type side func(ctx context.Context, r *run) (figures, error)

// figures are what one round of one side measured, by metric.
type figures map[string]float64

type metric struct{ name, unit string }

// scenario is measured by both sides in turns; floor may be nil. What it needs
// decides whether it is run.
type scenario struct {
	name     string // family, or family/member
	about    string
	quick    bool
	long     bool // a round takes long: three of them at most
	needs    needs
	metrics  []metric
	tidemill side
	floor    side

	persistence string        // appendfsync of the server; "": no persistence
	delay       time.Duration // added to every answer
}

// What many scenarios have in common.
var (
	rates   = []metric{{"rate", tasksPerSecond}}
	both    = []metric{{"enqueue", tasksPerSecond}, {"drain", tasksPerSecond}}
	latency = []metric{{"p50", millis}, {"p99", millis}, {"p99.9", millis}}
	sizes   = []metric{{"bytes", bytesEach}}
	costs   = []metric{{"calls", perTask}, {"commands", perTask}, {"server cpu", microsEach}}
	idle    = []metric{{"calls", perSecond}, {"commands", perSecond}}
	bursts  = []metric{{"rate", tasksPerSecond}, {"p50", millis}, {"p99", millis}, {"p99.9", millis}}
	release = []metric{{"rate", tasksPerSecond}, {"enqueue p50", millis}, {"enqueue p99", millis}}
	slots   = []metric{{"busy", percent}, {"rate", tasksPerSecond}}
	regains = []metric{{"first", millis}, {"all", millis}}
)

// scenarios in the order of a run. Counts are those of 100,000 tasks a round.
var scenarios = []scenario{
	{name: "enqueue/one", about: "one by one", quick: true, metrics: rates, tidemill: enqueueSingly(1), floor: floorSingly(1)},
	{name: "enqueue/64", about: "one by one, from 64 goroutines", quick: true, metrics: rates, tidemill: enqueueSingly(64), floor: floorSingly(64)},
	{name: "enqueue/bulk", about: "EnqueueMany; floor: pipelined XADD", quick: true, metrics: rates, tidemill: enqueueBulk, floor: floorBulk},
	{name: "drain/1", about: "no-op tasks, concurrency 1", metrics: rates, tidemill: drain(1), floor: floorDrain(1)},
	{name: "drain/16", about: "no-op tasks, concurrency 16", metrics: rates, tidemill: drain(16), floor: floorDrain(1)},
	{name: "drain/64", about: "no-op tasks, concurrency 64", quick: true, metrics: rates, tidemill: drain(64), floor: floorDrain(1)},
	{name: "drain/256", about: "no-op tasks, concurrency 256", metrics: rates, tidemill: drain(256), floor: floorDrain(1)},
	{name: "endtoend", about: "4 producers and a worker at once", metrics: rates, tidemill: endToEnd, floor: floorEndToEnd},
	{name: "handlers/1ms", about: "are 64 slots full with handlers of 1 ms", metrics: slots, tidemill: handlers(time.Millisecond, 20), floor: floorHandlers(time.Millisecond, 20)},
	{name: "handlers/50ms", about: "the same with 50 ms", metrics: slots, tidemill: handlers(50*time.Millisecond, 4), floor: floorHandlers(50*time.Millisecond, 4)},
	{name: "pickup/1000", about: "enqueue to start, at 1,000 a second", quick: true, metrics: latency, tidemill: pickup(1000, 5), floor: floorPickup(1000, 5)},
	{name: "pickup/idle", about: "enqueue to start, at 100 a second", quick: true, metrics: latency, tidemill: pickup(100, 1), floor: floorPickup(100, 1)},
	{name: "due/paced", about: "lateness of 2,000 delayed tasks due in 10 s", quick: true, metrics: latency, tidemill: lateness(0)},
	{name: "due/backlog", about: "the same with 1,000,000 waiting", long: true, metrics: latency, tidemill: lateness(1000)},
	{name: "due/atonce", about: "100,000 due at once, until the last has run", quick: true, long: true, metrics: bursts, tidemill: burst(dueAtOnce)},
	{name: "due/release", about: "100,000 due at once in a paused queue, until the last is ready", quick: true, long: true, metrics: release, tidemill: burst(releaseAtOnce)},
	{name: "retry", about: "every task fails once; floor: twice the traffic", metrics: rates, tidemill: retries, floor: floorDrain(2)},
	{name: "crash", about: "kill -9 with 10,000 in flight, lease 2 s, until they run elsewhere", long: true, needs: needsOwn | needsKill, metrics: regains, tidemill: crash},
	{name: "bytes/ready", about: "memory of a task that nobody took yet", quick: true, metrics: sizes, tidemill: bytesReady, floor: floorBytes},
	{name: "bytes/delayed", about: "memory of a delayed task", quick: true, metrics: sizes, tidemill: bytesDelayed},
	{name: "bytes/done", about: "memory of a task that succeeded, with its history", quick: true, metrics: sizes, tidemill: bytesDone, floor: floorBytes},
	{name: "cost/one", about: "what one enqueue asks of the server", needs: needsOwn, metrics: costs, tidemill: enqueueSingly(1), floor: floorSingly(1)},
	{name: "cost/bulk", about: "what a bulk enqueue asks of the server", needs: needsOwn, metrics: costs, tidemill: enqueueBulk, floor: floorBulk},
	{name: "cost/drain", about: "what a drain at concurrency 64 asks of the server", needs: needsOwn, metrics: costs, tidemill: drain(64), floor: floorDrain(1)},
	{name: "idle/producer", about: "commands a second of an engine that does not run", needs: needsOwn, metrics: idle, tidemill: idling(shape{})},
	{name: "idle/1", about: "of one that works on one queue", needs: needsOwn, metrics: idle, tidemill: idling(shape{queues: 1}), floor: floorIdle},
	{name: "idle/queues", about: "of one that works on 4 queues", needs: needsOwn, metrics: idle, tidemill: idling(shape{queues: 4}), floor: floorIdle},
	{name: "idle/partitions", about: "of one that works on 4 partitions", needs: needsOwn, metrics: idle, tidemill: idling(shape{queues: 1, partitions: 4}), floor: floorIdle},
	{name: "with/plain", about: "bulk enqueue, then drain at 64; what follows changes one thing", metrics: both, tidemill: there(shape{queues: 1}), floor: floorThere(0)},
	{name: "with/queues", about: "over 4 queues", metrics: both, tidemill: there(shape{queues: 4}), floor: floorThere(0)},
	{name: "with/partitions", about: "over 4 partitions", metrics: both, tidemill: there(shape{queues: 1, partitions: 4}), floor: floorThere(0)},
	{name: "with/history", about: "after 1,000,000 events", long: true, metrics: both, tidemill: there(shape{queues: 1, history: 1000}), floor: floorThere(1000)},
	{name: "with/archive", about: "an archiver beside it, in the same process", metrics: both, tidemill: there(shape{queues: 1, archived: true}), floor: floorThere(0)},
	{name: "with/everysec", about: "AOF everysec", needs: needsOwn | needsPersistence, persistence: "everysec", metrics: both, tidemill: there(shape{queues: 1}), floor: floorThere(0)},
	{name: "with/always", about: "AOF always", long: true, needs: needsOwn | needsPersistence, persistence: "always", metrics: both, tidemill: there(shape{queues: 1}), floor: floorThere(0)},
	{name: "with/latency", about: "1 ms more to the server", needs: needsOwn | needsLatency, delay: time.Millisecond, metrics: both, tidemill: there(shape{queues: 1}), floor: floorThere(0)},
}
