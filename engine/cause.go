package engine

import (
	"context"
	"maps"

	"github.com/tidemill/tidemill/task"
)

// Headers that a task gets which a handler enqueues with its context. What the
// caller set itself stays.
const (
	HeaderCause       = task.HeaderCause       // id of the task whose handler it was
	HeaderCorrelation = task.HeaderCorrelation // id of the first task of the chain, or what that one was given
)

// caused adds them.
func caused(ctx context.Context, births []task.Birth) {
	d, ok := Current(ctx)
	if !ok {
		return
	}
	correlation := d.Headers[HeaderCorrelation]
	if correlation == "" {
		correlation = d.ID.String()
	}
	for i := range births {
		headers := map[string]string{HeaderCause: d.ID.String(), HeaderCorrelation: correlation}
		maps.Copy(headers, births[i].Headers)
		births[i].Headers = headers
	}
}
