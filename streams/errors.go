package streams

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/tidemill/tidemill/task"
)

// errNoGroup and errEpoch are refusals that the partition mends by itself.
var (
	errNoGroup = errors.New("consumer group is gone")
	errEpoch   = errors.New("another server life answered")
	errOldSeq  = errors.New("an older call came late")
)

// mapError gives what Redis or the network says the name of one of task's
// errors. It is the only place that reads the texts of Redis.
func mapError(err error) error {
	var op *net.OpError
	var errno syscall.Errno // go-redis looks at a connection below net, and answers with what it sees there
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, redis.ErrClosed):
		return fmt.Errorf("%w: %w", task.ErrClosed, err)
	case strings.Contains(err.Error(), "OOM command not allowed"):
		return &task.Backpressure{Reason: "memory"}
	case strings.Contains(err.Error(), "WRONGTYPE"):
		return fmt.Errorf("%w: a key is not of our making: %w", task.ErrUnsafe, err)
	case strings.HasPrefix(err.Error(), "NOGROUP"), strings.HasPrefix(err.Error(), "UNBLOCKED"),
		strings.HasPrefix(err.Error(), "ERR no such key"): // XINFO, after a flush
		return fmt.Errorf("%w: %w", errNoGroup, err)
	case hasPrefix(err, "NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR invalid password", "ERR The user executing the script", "ERR ACL failure in script"):
		return fmt.Errorf("%w: %w: %w", task.ErrUnavailable, task.ErrDenied, err)
	case untrusted(err), hasPrefix(err, busy...), errors.As(err, &op), errors.As(err, &errno), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe),
		errors.Is(err, os.ErrDeadlineExceeded): // go-redis answers with the bare one
		return fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	return err
}

// busy are the replies of a server that will serve later.
var busy = []string{"LOADING", "BUSY ", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "ERR WAIT cannot be used with replica", "NOREPLICAS", "MISCONF", "ERR max number of clients", "MOVED", "ASK"}

func hasPrefix(err error, prefixes ...string) bool {
	for _, p := range prefixes {
		if redis.HasErrorPrefix(err, p) || strings.HasPrefix(err.Error(), p) {
			return true
		}
	}
	return false
}

// untrusted reports that TLS found another server than it was to find, or none
// that speaks it: a fault of a configuration, which asking again does not mend.
func untrusted(err error) bool {
	var cert *tls.CertificateVerificationError
	var header tls.RecordHeaderError
	return errors.As(err, &cert) || errors.As(err, &header)
}

// transient reports whether asking again with the same arguments may help.
// Every script may be asked twice, so a lost reply is no reason not to.
func transient(err error) bool {
	var timeout net.Error
	if errors.Is(err, task.ErrDenied) || untrusted(err) {
		return false
	}
	return errors.Is(err, task.ErrUnavailable) || errors.Is(err, errEpoch) || errors.As(err, &timeout) && timeout.Timeout()
}
