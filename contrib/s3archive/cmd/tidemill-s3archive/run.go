package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/contrib/s3archive"
	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/archive"
)

// archiving is what run is told.
type archiving struct {
	redis, namespace string
	to, key          string
	every, sign      time.Duration
	once             bool
}

func (a *app) runCommand() *cobra.Command {
	var o archiving
	c := &cobra.Command{
		Use: "run", Short: "Copy the log into an archive, and sign it", Args: cobra.NoArgs,
		Long: "Copies the log of all queues of the namespace, until it is told to stop. Any number may run: a lease\n" +
			"decides who works. With --key it signs a checkpoint now and then, also when nothing happened.",
		Example: "  tidemill archive key auditor --out auditor.key\n" +
			"  tidemill-s3archive run --to 's3://history/prod?region=eu-central-1' --key auditor.key",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), o) },
	}
	f := c.Flags()
	f.StringVar(&o.redis, "redis", "", "Redis `URL` (default $TIDEMILL_REDIS, else redis://127.0.0.1:6379)")
	f.StringVar(&o.namespace, "namespace", cmp.Or(os.Getenv("TIDEMILL_NAMESPACE"), "default"), "namespace `NAME`, also $TIDEMILL_NAMESPACE")
	f.StringVar(&o.to, "to", "", "the archive, an s3:// `URL`")
	f.StringVar(&o.key, "key", "", "private key `FILE`, as tidemill archive key makes it; FILE.pub must be beside it")
	f.DurationVar(&o.every, "every", 10*time.Second, "how old an entry may be before it is written")
	f.DurationVar(&o.sign, "sign-every", time.Minute, "how long after a checkpoint comes the next")
	f.BoolVar(&o.once, "once", false, "archive what is there now, sign, and end")
	_ = c.MarkFlagRequired("to") // fails only where the flag does not exist
	return c
}

func (a *app) run(ctx context.Context, o archiving) error {
	if o.every <= 0 || o.sign <= 0 {
		return usage(errors.New("--every and --sign-every are longer than nothing"))
	}
	b, err := s3archive.Open(o.to)
	if err != nil {
		return err
	}
	var s *archive.Signer
	if o.key != "" {
		if s, err = openSigner(b, o.key); err != nil {
			return err
		}
	}
	if err := b.Check(ctx); err != nil {
		return err
	}
	url := cmp.Or(o.redis, os.Getenv("TIDEMILL_REDIS"), "redis://127.0.0.1:6379")
	eng, err := engine.Open(ctx, url, engine.Options{Namespace: o.namespace})
	if err != nil {
		return err
	}
	ar := archive.New(archive.Of(eng.Log()), b, archive.Options{Namespace: o.namespace, Every: o.every, Failed: a.complain})
	sign := func(ctx context.Context) error { return a.sign(ctx, s) }
	if err = ar.Check(ctx); err == nil && !o.once {
		err = ar.Keep(ctx, o.sign, sign)
	} else if err == nil {
		if err = ar.Once(ctx); err == nil {
			err = sign(ctx)
		}
	}
	return errors.Join(err, eng.Close())
}

// sign writes a checkpoint, where there is a key and something to sign.
func (a *app) sign(ctx context.Context, s *archive.Signer) error {
	if s == nil {
		return nil
	}
	c, err := s.Sign(ctx)
	if errors.Is(err, archive.ErrEmpty) {
		return nil
	}
	if err != nil {
		return err
	}
	entries := int64(0)
	for _, t := range c.Trees {
		entries += t.Size
	}
	a.printf("checkpoint %d: %d entries signed\n", c.Number, entries)
	return nil
}

const makePair = "tidemill archive key NAME --out FILE makes a pair"

// readKey reads one line of a key file.
func readKey(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", failure(makePair, "key: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func openSigner(b *s3archive.Bucket, name string) (*archive.Signer, error) {
	private, err := readKey(name)
	if err != nil {
		return nil, err
	}
	public, err := readKey(name + ".pub")
	if err != nil {
		return nil, err
	}
	s, err := archive.NewSigner(b, private, public)
	if err != nil {
		return nil, failure(makePair, "%s: %w", name, err)
	}
	return s, nil
}
