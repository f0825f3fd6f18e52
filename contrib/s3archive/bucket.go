package s3archive

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Content-MD5 guards the way, not the archive
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/tidemill/tidemill/replay"
)

// Bucket is a [replay.Bucket] in a store of objects.
//
//   - Put is one conditional PUT, so of two that put the same name one wins.
//   - A request that fails in passing is sent again, a few times. A put whose reply
//     was lost then meets its own object and says [replay.ErrExists]. That looks like
//     a lost race, and the archiver treats it as one: it goes on behind the manifest
//     that is there, be it its own. Nothing is lost or there twice; at most files
//     that no manifest names stay behind.
//   - Put answers when the store has said that it is safe there.
type Bucket struct {
	at     location
	client *minio.Core
	creds  *credentials.Credentials
	page   int           // keys of one listing
	wait   time.Duration // before the second try
}

var _ replay.Bucket = (*Bucket)(nil)

// Open makes a bucket of s3://BUCKET/PREFIX?endpoint=URL&region=NAME&insecure=true.
// It does not talk to the store yet. [ErrLocation] or [ErrCredentials].
func Open(raw string) (*Bucket, error) {
	at, err := parse(raw)
	if err != nil {
		return nil, err
	}
	creds, err := identify()
	if err != nil {
		return nil, err
	}
	// Tries are ours: those of the client do not cover a body that is cut short.
	client, err := minio.NewCore(at.host, &minio.Options{Creds: creds, Secure: at.secure, Region: at.region, MaxRetries: 1})
	if err != nil {
		return nil, wrong("the endpoint is none: %s", hide(creds, plain(err)))
	}
	return &Bucket{at: at, client: client, creds: creds, page: 1000, wait: 200 * time.Millisecond}, nil
}

// key is the name of an object in the store.
func (b *Bucket) key(name string) (string, error) {
	if !fs.ValidPath(name) || name == "." {
		return "", fmt.Errorf("name %q leads out of the archive", name)
	}
	return b.at.prefix + name, nil
}

// Put implements [replay.Bucket].
func (b *Bucket) Put(ctx context.Context, name string, content []byte) error {
	key, err := b.key(name)
	if err != nil {
		return err
	}
	// A bucket with object lock takes nothing without the one, a signature without
	// TLS needs the other.
	short, long := md5.Sum(content), sha256.Sum256(content) //nolint:gosec // see the import
	o := minio.PutObjectOptions{ContentType: "application/octet-stream", DisableContentSha256: true}
	o.SetMatchETagExcept("*")
	return b.try(ctx, "put "+name, func(ctx context.Context) error {
		_, err := b.client.PutObject(ctx, b.at.bucket, key, bytes.NewReader(content), int64(len(content)),
			base64.StdEncoding.EncodeToString(short[:]), hex.EncodeToString(long[:]), o)
		return err
	})
}

// Get implements [replay.Bucket].
func (b *Bucket) Get(ctx context.Context, name string, from, n int64) ([]byte, error) {
	key, err := b.key(name)
	if err != nil {
		return nil, err
	}
	if from < 0 {
		return nil, fmt.Errorf("get %s: offset %d is before its beginning", name, from)
	}
	var o minio.GetObjectOptions
	begin := ""
	if from > 0 || n >= 0 {
		begin = fmt.Sprintf("bytes %d-", from)
		o.Set("Range", span(from, n))
	}
	var content []byte
	err = b.try(ctx, "get "+name, func(ctx context.Context) error {
		body, _, head, err := b.client.GetObject(ctx, b.at.bucket, key, o)
		if err != nil {
			return err
		}
		defer body.Close()
		if got := head.Get("Content-Range"); !strings.HasPrefix(got, begin) {
			return fmt.Errorf("asked for %s, got %.40q", span(from, n), got)
		}
		content, err = io.ReadAll(body)
		return err
	})
	switch {
	case errors.Is(err, errBeyond):
		return nil, nil
	case err != nil:
		return nil, err
	case n >= 0 && int64(len(content)) > n:
		content = content[:n] // a range has one byte at least
	}
	return content, nil
}

// span is a range of n bytes as HTTP says it; to the end if n < 0.
func span(from, n int64) string {
	if n < 0 || n > math.MaxInt64-from {
		return fmt.Sprintf("bytes=%d-", from)
	}
	return fmt.Sprintf("bytes=%d-%d", from, from+max(n, 1)-1)
}

// List implements [replay.Bucket]. It leaves out what [Bucket.Check] put there, and
// keys that are no names, as the folders that some tools draw.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for {
			keys, err := b.keys(ctx, prefix, last)
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range keys {
				if key <= last || !strings.HasPrefix(key, b.at.prefix+prefix) {
					yield("", fmt.Errorf("list %s: the store lists %q out of order", prefix, key))
					return
				}
				last = key
				name := strings.TrimPrefix(key, b.at.prefix)
				if fs.ValidPath(name) && name != probe && !yield(name, nil) {
					return
				}
			}
			if len(keys) < b.page {
				return
			}
		}
	}
}

// keys lists one page of keys behind another. The client asks for more only where
// the store gave less than a page at once.
func (b *Bucket) keys(ctx context.Context, prefix, after string) (keys []string, err error) {
	owner := false
	o := minio.ListObjectsOptions{Prefix: b.at.prefix + prefix, Recursive: true, StartAfter: after, MaxKeys: b.page, FetchOwner: &owner}
	err = b.try(ctx, strings.TrimSpace("list "+prefix), func(ctx context.Context) error {
		keys = keys[:0]
		for found := range b.client.ListObjectsIter(ctx, b.at.bucket, o) {
			if found.Err != nil {
				return found.Err
			}
			if keys = append(keys, found.Key); len(keys) == b.page {
				break
			}
		}
		return ctx.Err() // at its end the client goes without a word
	})
	return keys, err
}

// Delete implements [replay.Bucket].
func (b *Bucket) Delete(ctx context.Context, name string) error {
	key, err := b.key(name)
	if err != nil {
		return err
	}
	err = b.try(ctx, "delete "+name, func(ctx context.Context) error {
		return b.client.RemoveObject(ctx, b.at.bucket, key, minio.RemoveObjectOptions{})
	})
	if errors.Is(err, replay.ErrAbsent) {
		return nil
	}
	return err
}
