package s3archive

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/tidemill/tidemill/replay"
)

const (
	tries  = 5
	within = 2 * time.Minute // one try, its body included
)

// errBeyond: a range begins behind the end.
var errBeyond = errors.New("beyond the end")

// try sends a request until it is answered for good, a few times.
func (b *Bucket) try(ctx context.Context, what string, send func(context.Context) error) error {
	wait := b.wait
	for n := 1; ; n++ {
		err := once(ctx, send)
		if err == nil {
			return nil
		}
		if n == tries || ctx.Err() != nil || !passing(err) || !pause(ctx, wait/2+rand.N(wait)) {
			return b.tell(ctx, what, err)
		}
		wait *= 2
	}
}

func once(ctx context.Context, send func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return send(ctx)
}

// passing reports whether another try may do better: the store is busy, two writers
// met, or it did not answer.
func passing(err error) bool {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return true
	}
	switch s := answer.StatusCode; s {
	case http.StatusConflict, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented:
		return false
	default:
		return s >= 500 || answer.Code == "RequestTimeout" || answer.Code == "SlowDown"
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// tell makes one line of an error, without credentials.
func (b *Bucket) tell(ctx context.Context, what string, err error) error {
	if end := ctx.Err(); end != nil {
		return fmt.Errorf("%s: %w", what, end)
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		switch {
		case answer.StatusCode == http.StatusPreconditionFailed:
			return fmt.Errorf("%s: %w", what, replay.ErrExists)
		case answer.Code == "NoSuchKey":
			return fmt.Errorf("%s: %w", what, replay.ErrAbsent)
		case answer.StatusCode == http.StatusRequestedRangeNotSatisfiable:
			return fmt.Errorf("%s: %w", what, errBeyond)
		}
	}
	return fmt.Errorf("%s in bucket %s: %s", what, b.at.bucket, hide(b.creds, plain(err)))
}

// plain is the text of an error without the request that it was about.
func plain(err error) string {
	text := err.Error()
	var answer minio.ErrorResponse
	var sent *url.Error
	switch {
	case errors.As(err, &answer) && strings.Contains(answer.Code, " "): // its body was no XML
		text = answer.Code
	case errors.As(err, &answer):
		text = fmt.Sprintf("%s: %s", answer.Code, strings.TrimSuffix(answer.Error(), "."))
	case errors.As(err, &sent):
		text = sent.Err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}
