package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/engine"
)

// keyed adds the idempotency key of a payload to the options, where keys come
// from a field. A payload that is no JSON is refused in any case.
func (e *enqueueFlags) keyed(payload []byte, opts []engine.EnqueueOption) ([]engine.EnqueueOption, error) {
	if err := checkJSON(payload); err != nil {
		return nil, err
	}
	if e.keyField == "" {
		return opts, nil
	}
	key, err := keyOf(payload, e.keyField)
	if err != nil {
		return nil, err
	}
	return append(slices.Clip(opts), engine.KeyFor(key, e.keyTTL)), nil
}

// checkJSON says what is wrong with a payload that is no JSON, and where.
func checkJSON(payload []byte) error {
	if json.Valid(payload) {
		return nil
	}
	err := json.Unmarshal(payload, new(json.RawMessage))
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return fmt.Errorf("not JSON: byte %d: %w", syntax.Offset, err)
	}
	return fmt.Errorf("not JSON: %w", err)
}

// keyOf reads a top-level field: a string, or a number as it is written, so that
// 1 and 1.0 are two keys.
func keyOf(payload []byte, field string) (string, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil || fields == nil {
		return "", fmt.Errorf("key field %q: the payload is no object", field)
	}
	raw, ok := fields[field]
	if !ok {
		return "", fmt.Errorf("key field %q is missing", field)
	}
	switch c := raw[0]; {
	case c == '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case c == '-' || '0' <= c && c <= '9':
		return string(raw), nil
	}
	return "", fmt.Errorf("key field %q is neither a string nor a number", field)
}
