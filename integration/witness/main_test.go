package witness_test

import (
	"testing"

	"github.com/tidemill/tidemill/internal/redistest"
)

func TestMain(m *testing.M) { redistest.Main(m) }
