package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/contrib/s3archive"
	"github.com/tidemill/tidemill/replay/archive"
)

func (a *app) verifyCommand() *cobra.Command {
	var pub string
	c := &cobra.Command{
		Use: "verify URL --pub FILE", Short: "Say whether an archive is what was written", Args: cobra.ExactArgs(1),
		Long: "Reads a whole archive, without Redis: every entry, every payload, the trees, and the checkpoints under\n" +
			"the public key. Exits 0 only if that key has signed it and nothing was changed or removed.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.verify(cmd.Context(), args[0], pub) },
	}
	c.Flags().StringVar(&pub, "pub", "", "public key `FILE`")
	_ = c.MarkFlagRequired("pub") // fails only where the flag does not exist
	return c
}

func (a *app) verify(ctx context.Context, place, pub string) error {
	text, err := readKey(pub)
	if err != nil {
		return err
	}
	key, err := archive.ParseKey(text)
	if err != nil {
		return failure("the public key is in the file that ends in .pub", "%s: not a public key", pub)
	}
	b, err := s3archive.Open(place)
	if err != nil {
		return err
	}
	r, err := archive.Verify(ctx, b, key)
	if err != nil {
		return err
	}
	for _, f := range r.Findings {
		a.printf("%s\n", quoted(f.String()))
	}
	a.printf("%s: %d entries of %s in %d segments, %d payloads, %d erased; %s\n",
		r.Verdict(), r.Entries, quoted(r.Namespace), r.Segments, r.Payloads, r.Erased, r.Signatures())
	if r.Tampered() {
		return failure("keep the archive as it is, and compare it with a copy", "verify: the archive was tampered with")
	}
	if r.Unsigned {
		return failure("run --key makes the first after a minute; if there was one, somebody removed it",
			"verify: no checkpoint of %s: the archive is not damaged, but nothing proves it", key.Name())
	}
	return nil
}

// quoted escapes what a terminal would obey: an archive may have been changed.
func quoted(s string) string {
	q := fmt.Sprintf("%q", s)
	return q[1 : len(q)-1]
}

func (a *app) lsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls URL", Short: "List the segments of an archive", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := s3archive.Open(args[0])
			if err != nil {
				return err
			}
			ar, err := archive.Open(cmd.Context(), b)
			if err != nil {
				return err
			}
			for m := range ar.All() {
				a.printf("%s/%d epoch %d lsn %d to %d: %d events, %d bytes, %s\n", m.Queue, m.Partition, m.Epoch, m.From.LSN, m.To.LSN,
					m.Events, m.Bytes, time.UnixMilli(m.From.Ms).UTC().Format(time.RFC3339))
			}
			return nil
		},
	}
}

func (a *app) copyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "copy URL DIR", Short: "Copy an archive to a directory, for tidemill --archive DIR", Args: cobra.ExactArgs(2),
		Long: "Copies what DIR does not have. It may be stopped anywhere and repeated. Payloads that were erased since\n" +
			"are removed from DIR. tidemill verify DIR says whether the copy is what was written.",
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := s3archive.Open(args[0])
			if err != nil {
				return err
			}
			c, err := s3archive.Copy(cmd.Context(), b, archive.Dir(args[1]))
			if err == nil && c == (s3archive.Copied{}) {
				return archive.ErrEmpty
			}
			a.printf("%d objects copied, %d were there, %d erased payloads removed\n", c.New, c.There, c.Removed)
			return err
		},
	}
}
