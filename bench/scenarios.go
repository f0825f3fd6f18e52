package bench

const (
	perSecond = "tasks/s"
	millis    = "ms"
)

// scenarios in the order of the report.
var scenarios = []scenario{
	{name: "enqueue bulk", units: map[string]string{"rate": perSecond}, tidemill: enqueueBulk, floor: floorBulk},
	{name: "enqueue one by one", units: map[string]string{"rate": perSecond}, tidemill: enqueueSingly(1), floor: floorSingly(1)},
	{name: "enqueue from 64 goroutines", units: map[string]string{"rate": perSecond}, tidemill: enqueueSingly(64), floor: floorSingly(64)},
	{name: "drain, no-op, concurrency 1", units: map[string]string{"rate": perSecond}, tidemill: drain(1), floor: floorDrain},
	{name: "drain, no-op, concurrency 64", units: map[string]string{"rate": perSecond}, tidemill: drain(64), floor: floorDrain},
	{name: "pickup at 1000/s", units: map[string]string{"p50": millis, "p99": millis}, tidemill: pickup, floor: floorPickup},
	{name: "lateness, 2000 due in 2 s", units: map[string]string{"p50": millis, "p99": millis}, tidemill: lateness},
	{name: "bytes of a ready task, 100 B payload", units: map[string]string{"bytes": "B"}, tidemill: bytesReady, floor: floorBytes},
}
