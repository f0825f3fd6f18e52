package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/archive"
)

func (a *app) archiveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "archive", Short: "Keep the history in files that prove themselves", Args: cobra.NoArgs,
		Long: "An archive is a directory of immutable segments. While one is written, trim removes nothing that is\n" +
			"not in it yet. tidemill verify says whether anything was changed since.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.archiveRunCommand(), a.archiveLsCommand(), a.archivePackCommand(), a.archiveKeyCommand(), a.archiveForgetCommand())
	return c
}

// archiving is what archive run is told.
type archiving struct {
	to    string
	key   string
	every time.Duration
	sign  time.Duration
	once  bool
}

func (a *app) archiveRunCommand() *cobra.Command {
	var o archiving
	c := &cobra.Command{
		Use: "run", Short: "Copy the log into an archive, and sign it", Args: cobra.NoArgs,
		Long: "Copies the log of all queues of the namespace, until it is told to stop. Any number may run: a lease\n" +
			"decides who works. With --key it signs a checkpoint now and then, also when nothing happened,\n" +
			"and once more when it is told to stop.",
		Example: "  tidemill archive key auditor --out auditor.key\n  tidemill archive run --to history/ --key auditor.key",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(eng *engine.Engine) error { return a.archiveRun(cmd.Context(), eng, o) })
		},
	}
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "the archive, a `DIR`")
	f.StringVar(&o.key, "key", "", "private key `FILE`, as archive key makes it; FILE.pub must be beside it")
	f.DurationVar(&o.every, "every", 10*time.Second, "how old an entry may be before it is written")
	f.DurationVar(&o.sign, "sign-every", time.Minute, "how long after a checkpoint comes the next")
	f.BoolVar(&o.once, "once", false, "archive what is there now, sign, and end")
	_ = c.MarkFlagRequired("to")
	return c
}

func (a *app) archiveRun(ctx context.Context, eng *engine.Engine, o archiving) error {
	bucket := archive.Dir(o.to)
	if info, err := os.Stat(o.to); err == nil && !info.IsDir() {
		return failure(exitData, "name a directory, or one that is not there yet", "%s is no directory", o.to)
	}
	var signer *archive.Signer
	if o.key != "" {
		var err error
		if signer, err = openSigner(bucket, o.key); err != nil {
			return err
		}
	}
	failed := func(err error) { fmt.Fprintf(a.err, "tidemill: %s\n", oneLine(err.Error())) }
	ar := archive.New(archive.Of(eng.Log()), bucket, archive.Options{Namespace: a.namespace, Every: o.every, Failed: failed})
	if err := ar.Check(ctx); err != nil {
		return failure(exitData, "name another directory", "%s: %w", o.to, err)
	}
	sign := func(ctx context.Context) error { return a.sign(ctx, signer) }
	if !o.once {
		return ar.Keep(ctx, o.sign, sign)
	}
	if err := ar.Once(ctx); err != nil {
		return err
	}
	return sign(ctx)
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
	if a.json {
		return a.printJSON(map[string]any{"checkpoint": c.Number, "time": c.Time, "entries": entries})
	}
	a.printf("checkpoint %d: %s signed\n", c.Number, count(entries, "entry"))
	return nil
}

// readKey reads one line of a key file.
func readKey(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", failure(exitData, "tidemill archive key NAME --out FILE makes a pair", "key: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func openSigner(bucket archive.Dir, name string) (*archive.Signer, error) {
	private, err := readKey(name)
	if err != nil {
		return nil, err
	}
	public, err := readKey(name + ".pub")
	if err != nil {
		return nil, err
	}
	s, err := archive.NewSigner(bucket, private, public)
	if err != nil {
		return nil, failure(exitData, "tidemill archive key NAME --out FILE makes a pair", "%s: %w", name, err)
	}
	return s, nil
}

func (a *app) archiveKeyCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "key NAME", Short: "Make the pair of keys that signs and verifies an archive", Args: cobra.ExactArgs(1),
		Long: "Writes the private key to FILE and the public one to FILE.pub. The private key belongs to archive run\n" +
			"alone, away from Redis and from the workers; the public one to whoever verifies.",
		RunE: func(_ *cobra.Command, args []string) error {
			public, err := makeKey(args[0], out)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"public_key": public, "public_file": out + ".pub", "private_file": out})
			}
			a.printf("%s\n", public)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "private key `FILE`, which must not be there")
	_ = c.MarkFlagRequired("out")
	return c
}

// makeKey writes a pair of keys to files that must not be there.
func makeKey(owner, file string) (public string, err error) {
	private, public, err := archive.NewKey(owner)
	if err != nil {
		return "", usage(fmt.Errorf("key %q: %w", owner, err))
	}
	for name, key := range map[string]string{file: private, file + ".pub": public} {
		mode := os.FileMode(0o600)
		if key == public {
			mode = 0o644
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return "", failure(exitData, "name a file that is not there yet", "key: %w", err)
		}
		_, err = fmt.Fprintln(f, key)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("key: %w", err)
		}
	}
	return public, nil
}

func (a *app) archiveLsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls DIR", Short: "List the segments of an archive", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ar, err := openArchive(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			for m := range ar.All() {
				if a.json {
					if err := a.printJSON(m); err != nil {
						return err
					}
					continue
				}
				a.printf("%s/%d epoch %d lsn %d to %d: %s, %s, %s\n", m.Queue, m.Partition, m.Epoch, m.From.LSN, m.To.LSN,
					count(m.Events, "event"), bytesOf(m.Bytes), stampMs(m.From.Ms))
			}
			return nil
		},
	}
}

// openArchive reads the manifests of a directory, or a packed file.
func openArchive(ctx context.Context, path string) (*archive.Archive, error) {
	bucket, err := bucketAt(path)
	if err != nil {
		return nil, err
	}
	ar, err := archive.Open(ctx, bucket)
	if errors.Is(err, archive.ErrEmpty) {
		return nil, failure(exitData, "tidemill archive run --to DIR makes one", "%s: %w", path, err)
	}
	return ar, err
}
