package archtest

import "testing"

func TestCheckExternals(t *testing.T) {
	t.Parallel()
	const (
		redis   = "github.com/redis/go-redis/v9"
		mini    = "github.com/alicebob/miniredis/v2"
		otelAPI = "go.opentelemetry.io/otel/trace"
		otelSDK = "go.opentelemetry.io/otel/sdk/trace"
	)
	try(t, func(f *file) []string { return checkExternals(our, f) }, []example{
		{"standard library", "task/a.go", imports("net/http", "os"), ""},
		{"ours", "engine/a.go", imports(our + "/task"), ""},
		{"redis in streams", "streams/a.go", imports(redis), ""},
		{"redis in a test", "internal/memserver/a_test.go", imports(redis), ""},
		{"redis in a helper", "streams/streamstest/a.go", imports(redis), ""},
		{"miniredis at home", "internal/memserver/a.go", imports(mini + "/server"), ""},
		{"API in otel.go", "engine/otel.go", imports(otelAPI), ""},
		{"API in otel_metrics.go", "engine/otel_metrics.go", imports(otelAPI), ""},
		{"API in options", "engine/options.go", imports(otelAPI), ""},
		{"SDK in a test", "engine/otel_test.go", imports(otelSDK), ""},
		{"SDK at the edge", "internal/cli/work.go", imports(otelSDK), ""},
		{"ulid", "task/id.go", imports("github.com/oklog/ulid/v2"), ""},
		{"anything at the edge", "internal/cli/root.go", imports("github.com/spf13/cobra"), ""},
		{"anything in tests", "task/a_test.go", imports("pgregory.net/rapid"), ""},
		{"anything in helpers", "internal/redistest/a.go", imports("github.com/ory/dockertest/v3"), ""},

		{"redis in memserver", "internal/memserver/a.go", imports(redis), "speaks to Redis"},
		{"redis in engine", "engine/a.go", imports(redis), "speaks to Redis"},
		{"redis in main", "cmd/tidemill/main.go", imports(redis + "/maintnotifications"), "speaks to Redis"},
		{"miniredis in streams", "streams/a.go", imports(mini), "which server mem:// is"},
		{"miniredis in a test", "timer/a_test.go", imports(mini), "which server mem:// is"},
		{"API in streams", "streams/a.go", imports(otelAPI), "alone sees OpenTelemetry"},
		{"API elsewhere in engine", "engine/run.go", imports(otelAPI), "alone sees OpenTelemetry"},
		{"SDK in otel.go", "engine/otel.go", imports(otelSDK), "SDK"},
		{"exporter in engine", "engine/otel.go", imports("go.opentelemetry.io/otel/exporters/prometheus"), "SDK"},
		{"cobra in the library", "replay/a.go", imports("github.com/spf13/cobra"), "lives at the edge"},
	})
}

// TestExternalRows makes every row of the table refuse something.
func TestExternalRows(t *testing.T) {
	t.Parallel()
	for _, row := range externals {
		if row.why == "" {
			t.Errorf("%s gives no reason", row.prefix)
		}
		e := example{path: "task/a.go", src: imports(row.prefix + "/v9/some")}
		expect(t, checkExternals(our, e.file(t)), row.why)
		for _, name := range row.folders {
			if folderOf(name) == nil {
				t.Errorf("%s: no folder %s", row.prefix, name)
			}
		}
	}
}
