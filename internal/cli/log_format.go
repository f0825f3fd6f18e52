package cli

import (
	"bufio"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay/export"
	"github.com/tidemill/tidemill/task"
)

// logFormats are the forms in which log prints events.
var logFormats = []string{"text", "ndjson", "csv", "cloudevents"}

// formatFlag adds --format.
func formatFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "format", "text", "`FORM` of the events: "+strings.Join(logFormats, ", "))
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(logFormats, cobra.ShellCompDirectiveNoFileComp))
}

// format judges --format, which was given or not, beside --json, which is short for
// ndjson.
func (a *app) format(word string, given bool) (string, error) {
	switch {
	case !slices.Contains(logFormats, word):
		return "", usage(fmt.Errorf("--format %q: want one of %s", word, strings.Join(logFormats, ", ")))
	case !a.json || word == "ndjson":
		return word, nil
	case !given:
		return "ndjson", nil
	}
	return "", usage(errors.New("--json and --format " + word + " contradict each other"))
}

// printing prints events in one form.
type printing struct {
	event func(*task.Event) error
	end   func() error
}

// printer is that of a form, for the events of a namespace.
func (a *app) printer(form, namespace string, out *bufio.Writer) printing {
	p := printing{end: out.Flush}
	switch form {
	case "csv":
		c := export.NewCSV(out)
		p.event, p.end = c.Write, func() error { return errors.Join(c.Flush(), out.Flush()) }
	case "cloudevents":
		p.event = func(e *task.Event) error {
			c := export.CloudEventOf(namespace, e)
			line, err := c.JSON()
			if err == nil {
				_, err = out.Write(line)
			}
			return err
		}
	default:
		p.event = func(e *task.Event) error { return a.writeEvent(out, string(e.Queue), e, form == "ndjson") }
	}
	return p
}
