package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay/archive"
)

func (a *app) verifyCommand() *cobra.Command {
	var pub, kept string
	var unsigned bool
	c := &cobra.Command{
		Use: "verify DIR", Short: "Say whether an archive is what was written", Args: cobra.ExactArgs(1),
		Long: "Reads a whole archive, without Redis: every entry, every payload, the trees, and the checkpoints under\n" +
			"the public key. Exits 0 only if that key has signed it and nothing was changed or removed. Gaps that\n" +
			"an event explains are told. Whoever can write the archive can remove its end together with the newest\n" +
			"checkpoints; --checkpoint finds that, with a checkpoint that was kept where they cannot write.",
		Example: "  cp history/checkpoints/000000007.note elsewhere/\n  tidemill verify history/ --pub auditor.key.pub --checkpoint elsewhere/000000007.note",
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := publicKey(pub, unsigned)
			if err != nil {
				return err
			}
			cs, err := a.keptCheckpoint(kept, key)
			if err != nil {
				return err
			}
			return a.verify(cmd.Context(), args[0], key, cs...)
		},
	}
	c.Flags().StringVar(&pub, "pub", "", "public key `FILE`")
	c.Flags().StringVar(&kept, "checkpoint", "", "a `FILE` of checkpoints/ that was kept: the archive must have it, and all that it covers")
	c.Flags().BoolVar(&unsigned, "unsigned", false, "do not look at signatures: tells damage, but nobody who can write manifests")
	return c
}

// publicKey reads a public key before anything else is read.
func publicKey(name string, unsigned bool) (archive.Key, error) {
	if name == "" {
		if unsigned {
			return nil, nil
		}
		return nil, usage(errors.New("a public key is needed: --pub FILE, or --unsigned to go without"))
	}
	text, err := readKey(name)
	if err != nil {
		return nil, err
	}
	key, err := archive.ParseKey(text)
	if err != nil {
		return nil, failure(exitData, "the public key is in the file that ends in .pub", "%s: not a public key", name)
	}
	return key, nil
}

// keptCheckpoint reads the one that --checkpoint names, if it does.
func (a *app) keptCheckpoint(name string, key archive.Key) ([]*archive.Checkpoint, error) {
	const hint = "it is a file of checkpoints/ in the archive, copied as it is"
	if name == "" {
		return nil, nil
	}
	if key == nil {
		return nil, usage(errors.New("--checkpoint needs the key that signed it: --pub FILE"))
	}
	body, err := readFile(a.in, name)
	if err != nil {
		return nil, failure(exitData, hint, "checkpoint: %w", err)
	}
	c, err := archive.OpenCheckpoint(body, key)
	if err != nil {
		return nil, failure(exitData, hint, "checkpoint %s: %w", name, err)
	}
	return []*archive.Checkpoint{c}, nil
}

func (a *app) verify(ctx context.Context, dir string, key archive.Key, kept ...*archive.Checkpoint) error {
	bucket, err := bucketAt(dir)
	if err != nil {
		return err
	}
	r, err := archive.Verify(ctx, bucket, key, kept...)
	switch {
	case errors.Is(err, archive.ErrEmpty):
		return failure(exitData, "tidemill archive run --to DIR makes one", "%s: %w", dir, err)
	case errors.Is(err, archive.ErrWrongKey):
		return failure(exitData, "ask whoever runs tidemill archive run for the file that ends in .pub", "%w", err)
	case err != nil:
		return err
	}
	if a.json {
		r.Findings = orEmpty(r.Findings)
		err = a.printJSON(r)
	} else {
		a.verifyReport(r, key)
	}
	switch {
	case err != nil:
		return err
	case r.Tampered():
		return failure(exitFailed, "keep the archive as it is, and compare it with a copy", "verify: %s was tampered with", dir)
	case r.Unsigned:
		return failure(exitFailed, "archive run --key makes the first after a minute; if there was one, somebody removed it",
			"verify: %s has no checkpoint of %s: it is not damaged, but nothing proves it", dir, key.Name())
	}
	return nil
}

func (a *app) verifyReport(r *archive.Report, key archive.Key) {
	for _, f := range r.Findings {
		a.printf("%s\n", clean(f.String()))
	}
	a.printf("%s: ", r.Verdict())
	if r.Unsigned {
		a.printf("no checkpoint of %s; ", clean(key.Name()))
	}
	a.printf("%s of %s in %s, %s", count(r.Entries, "entry"), clean(r.Namespace), count(r.Segments, "segment"), count(r.Payloads, "payload"))
	if r.Erased > 0 {
		a.printf(", %d erased", r.Erased)
	}
	if key == nil {
		a.printf("; signatures were not looked at")
	} else {
		a.printf("; %s", r.Signatures())
	}
	a.printf("\n")
}
