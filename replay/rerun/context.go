package rerun

import "context"

type nameKey struct{}

// IsReplay reports whether a handler runs in a shadow run, where it should leave
// alone what others would notice.
func IsReplay(ctx context.Context) bool { return ctx.Value(nameKey{}) != nil }

// Name is the name of the shadow run that a handler runs in; empty outside of one.
func Name(ctx context.Context) string {
	name, _ := ctx.Value(nameKey{}).(string)
	return name
}
