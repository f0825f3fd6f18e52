package s3archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/replay"
)

// probe is the object that Check puts. It stays: who archives need not be allowed
// to delete.
const probe = ".conditional-put"

// ErrOverwrites: the store ignores If-None-Match.
var ErrOverwrites = errors.New("the store overwrites objects that must not be")

// Check puts an object that is there, which must fail. Without that two archivers
// would write over one another: [ErrOverwrites].
func (b *Bucket) Check(ctx context.Context) error {
	for range 2 {
		err := b.Put(ctx, probe, []byte("this store was asked whether it keeps what is there\n"))
		switch {
		case errors.Is(err, replay.ErrExists):
			return nil
		case err != nil:
			return fmt.Errorf("check: %w", err)
		}
	}
	return fmt.Errorf("check of bucket %s: %w", b.at.bucket, ErrOverwrites)
}
