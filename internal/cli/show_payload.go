package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Bounds of a payload on a terminal.
const (
	maxPayloadLines = 40
	maxPayloadBytes = 4 << 10
	maxHexBytes     = 256
)

// preview shows a payload: JSON indented, other text as it is, the rest as hex.
func preview(payload []byte) string {
	if len(payload) == 0 {
		return fmt.Sprintf("%-9s none\n", "payload")
	}
	head := fmt.Sprintf("%-9s %s", "payload", bytesOf(int64(len(payload))))
	var pretty bytes.Buffer
	switch {
	case json.Indent(&pretty, payload, "", "  ") == nil:
		return head + ", json\n" + indent(cut(pretty.Bytes(), maxPayloadBytes), maxPayloadLines)
	case utf8.Valid(payload):
		return head + ", text\n" + indent(cut(payload, maxPayloadBytes), maxPayloadLines)
	default:
		text := hex.Dump(payload[:min(len(payload), maxHexBytes)])
		if len(payload) > maxHexBytes {
			text += "…"
		}
		return head + ", binary\n" + indent(text, maxPayloadLines)
	}
}

// cut shortens text between two characters.
func cut(b []byte, limit int) string {
	if len(b) <= limit {
		return string(b)
	}
	for limit > 0 && !utf8.RuneStart(b[limit]) {
		limit--
	}
	return string(b[:limit]) + "…"
}
