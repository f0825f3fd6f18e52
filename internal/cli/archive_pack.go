package cli

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
)

func (a *app) archivePackCommand() *cobra.Command {
	return &cobra.Command{
		Use: "pack DIR FILE", Short: "Put an archive into one file, to hand it over", Args: cobra.ExactArgs(2),
		Long: "Writes a file that every command reads which takes an archive; verify needs the public key beside it.\n" +
			"The archive may grow meanwhile.",
		Example: "  tidemill archive pack history/ history.zip\n  tidemill verify history.zip --pub auditor.key.pub",
		RunE: func(cmd *cobra.Command, args []string) error {
			ar, err := openArchive(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			bucket, err := bucketAt(args[0])
			if err != nil {
				return err
			}
			if err := pack(cmd.Context(), bucket, args[1]); err != nil {
				return err
			}
			segments := 0
			for range ar.All() {
				segments++
			}
			if a.json {
				return a.printJSON(map[string]any{"file": args[1], "namespace": ar.Namespace(), "segments": segments})
			}
			a.printf("%s: %s of %s\n", args[1], count(segments, "segment"), ar.Namespace())
			return nil
		},
	}
}

// pack leaves no half of a file.
func pack(ctx context.Context, b replay.Bucket, file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, os.ErrExist) {
		return failure(exitData, "name a file that is not there yet", "%w", err)
	}
	if err != nil {
		return err
	}
	if err = errors.Join(archive.Pack(ctx, b, f), f.Sync(), f.Close()); err != nil {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// bucketAt is the archive at a path: a directory, or a file that pack made. What is
// not there is told by whoever reads it.
func bucketAt(path string) (replay.Bucket, error) {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return archive.Dir(path), nil
	}
	z, err := archive.OpenZip(path)
	if err != nil {
		return nil, failure(exitData, "an archive is a directory, or a file that tidemill archive pack made", "%w", err)
	}
	return z, nil
}
