package cli

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/replay"
	"github.com/tidemill/tidemill/replay/archive"
	"github.com/tidemill/tidemill/task"
)

func (a *app) auditCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "audit", Short: "Answer an auditor's questions, and prove the answers", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.auditWhoCommand(), a.auditGapsCommand(), a.auditLostCommand(), a.auditProofCommand(), a.auditCheckCommand())
	return c
}

func (a *app) auditGapsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "gaps", Short: "Tell which ranges of the log are not there, and why", Args: cobra.NoArgs,
		Long: "Exits 0 only if an event explains every gap.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.ask(cmd, func(src replay.Source) error { return a.auditGaps(cmd.Context(), src) })
		},
	}
	sourceFlag(c)
	return c
}

func (a *app) auditGaps(ctx context.Context, src replay.Source) error {
	gaps, err := replay.Gaps(ctx, src)
	if err != nil {
		return err
	}
	bad := 0
	for _, g := range gaps {
		if !g.Explained {
			bad++
		}
		if a.json {
			if err := a.printJSON(map[string]any{"queue": g.Queue, "partition": g.Partition, "from": g.From, "to": g.To, "explained": g.Explained, "why": g.Why}); err != nil {
				return err
			}
			continue
		}
		why := "nothing explains it"
		if g.Explained {
			why = "an epoch began: " + clean(g.Why)
		}
		a.printf("%s/%d lsn %d to %d: %s\n", g.Queue, g.Partition, g.From, g.To, why)
	}
	if bad > 0 {
		return failure(exitFailed, "tidemill verify tells whether the archive was changed", "audit found %s that nothing explains", count(bad, "gap"))
	}
	return nil
}

func (a *app) auditLostCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lost DIR", Short: "Tell what was acknowledged, archived, and then lost by Redis", Args: cobra.ExactArgs(1),
		Long: "Redis may lose its last moments in a failover. What an archive had of them by then is the loss report.\n" +
			"Exits 0 only if there is nothing to tell.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ar, err := openArchive(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			n := 0
			for e, err := range ar.Lost(cmd.Context()) {
				if err != nil {
					return err
				}
				if n++; a.json {
					if err := a.printJSON(newEventLine(&e)); err != nil {
						return err
					}
					continue
				}
				a.printf("%s  lsn %d  %s  %s  %s\n", stampMs(e.At.Ms), e.At.LSN, e.Kind, e.Task, e.Queue)
			}
			if n > 0 {
				return failure(exitFailed, "--json has all of each event", "%s lost", count(n, "event"))
			}
			return nil
		},
	}
}

func (a *app) auditProofCommand() *cobra.Command {
	var dir, pub string
	c := &cobra.Command{
		Use: "proof ID", Short: "Write a proof of a task that a third party can check", Args: cobra.ExactArgs(1),
		Long:    "Prints JSON. It needs the archive; who checks it needs the public key and nothing else. It holds no payload.",
		Example: "  tidemill audit proof ID --archive history/ --pub auditor.key.pub > proof.json\n  tidemill audit check proof.json --pub auditor.key.pub",
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := publicKey(pub, false)
			if err != nil {
				return err
			}
			id, err := task.ParseID(args[0])
			if err != nil {
				return usage(err)
			}
			ar, err := openArchive(cmd.Context(), dir)
			if err != nil {
				return err
			}
			p, err := ar.Prove(cmd.Context(), id, key)
			if err != nil {
				return err
			}
			return a.printJSON(p)
		},
	}
	c.Flags().StringVar(&dir, "archive", "", "the archive, a `DIR`")
	c.Flags().StringVar(&pub, "pub", "", "public key `FILE`")
	_ = c.MarkFlagRequired("archive")
	return c
}

func (a *app) auditCheckCommand() *cobra.Command {
	var pub string
	c := &cobra.Command{
		Use: "check FILE", Short: "Check a proof; - is the standard input", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			key, err := publicKey(pub, false)
			if err != nil {
				return err
			}
			body, err := readFile(a.in, args[0])
			if err != nil {
				return failure(exitData, "tidemill audit proof ID writes one", "proof: %w", err)
			}
			c, events, err := archive.Check(body, key)
			if err != nil {
				return failure(exitFailed, "ask for the proof again, and compare the keys", "%w", err)
			}
			return a.proved(body, c, key, events)
		},
	}
	c.Flags().StringVar(&pub, "pub", "", "public key `FILE`")
	return c
}

// proved tells what a proof that was checked proves.
func (a *app) proved(proof []byte, c *archive.Checkpoint, key archive.Key, events []task.Event) error {
	if a.json {
		var p archive.Proof
		if err := json.Unmarshal(proof, &p); err != nil {
			return err
		}
		queue, number, _ := strings.Cut(p.Partition, "/")
		lines := make([]eventLine, len(events))
		for i := range events {
			lines[i] = newEventLine(&events[i])
			lines[i].Queue = task.Queue(queue)
			lines[i].Partition, _ = strconv.Atoi(number)
		}
		return a.printJSON(map[string]any{"checkpoint": c.Number, "time": c.Time, "namespace": c.Namespace, "signer": key.Name(), "events": lines})
	}
	a.printf("proved by checkpoint %d of %s, signed by %s:\n", c.Number, stamp(c.Time), clean(key.Name()))
	for i := range events {
		e := &events[i]
		a.printf("%s  lsn %d  %s  attempt %d\n", stampMs(e.At.Ms), e.At.LSN, e.Kind, e.Attempt)
	}
	return nil
}

func readFile(in io.Reader, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(name)
}
