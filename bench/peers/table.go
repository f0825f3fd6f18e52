package main

import (
	"fmt"
	"io"
	"strings"
)

// writeMarkdown writes the figures, one table a scenario, then the peers and
// what is missing.
func (r *Report) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	r.heading(&b)
	for _, s := range scenarios {
		r.scenarioTable(&b, s)
	}
	b.WriteString("\n## Peers\n\n| peer | version | settings |\n|---|---|---|\n")
	for _, p := range r.Peers {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", p.Name, p.Version, p.Settings)
	}
	b.WriteString("\n## Missing\n")
	if len(r.Missing) > 0 {
		b.WriteString("\n| peer | scenario | why |\n|---|---|---|\n")
	}
	for _, m := range r.Missing {
		scenario := m.Scenario
		if scenario == "" {
			scenario = "all"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.Peer, scenario, strings.ReplaceAll(m.Reason, "|", `\|`))
	}
	b.WriteString(notMeasured)
	_, err := io.WriteString(w, b.String())
	return err
}

// notMeasured is what no peer is asked to do.
const notMeasured = `
No peer was measured on these, which ` + "`tidemill bench`" + ` measures of Tidemill alone, beside bare go-redis where that can do
the same: producers and workers at once (end to end); handlers of 1 ms and 50 ms; drain at 16 and 256; retries; recovery
after kill -9 with 10,000 in flight; 100,000 due at once; 1,000,000 waiting; bytes of a delayed task and of one that is
done; calls, commands and server CPU of a task; commands of an idle node; several queues or partitions; a long history;
AOF always; added latency. A second setting of a peer is measured only where it matters.
`

func (r *Report) heading(b *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(b, "# Peers, %s\n\n", r.Taken.UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(b, "%d × %s, %d MB, Linux %s, load %s. %s, %s, %s.\n\n", m.CPUs, m.CPU, m.MemoryMB, m.Kernel, m.Load, m.Go, m.Redis, m.Postgres)
	fmt.Fprintf(b, "Median of the rounds, least and most beside it. Again: `%s`\n", r.Command)
}

// scenarioTable has a row a peer: all its metrics, with the spread.
func (r *Report) scenarioTable(b *strings.Builder, s scenario) {
	metrics := s.Kind.metrics()
	rows := map[string][]string{}
	var order []string
	rounds, noisy := 0, false
	for _, res := range r.Results {
		if res.Scenario != s.Name {
			continue
		}
		if rows[res.Peer] == nil {
			order = append(order, res.Peer)
			rows[res.Peer] = []string{res.Peer + " " + res.Version}
		}
		rounds = res.Rounds
		noisy = noisy || !res.ranks()
		rows[res.Peer] = append(rows[res.Peer], res.figure(), figure(res.Min)+" – "+figure(res.Max))
	}
	if len(order) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s; %s. Settings: [below](#peers).\n\n| peer |", s.Name, s.persistence(), plural(rounds, "round"))
	for _, m := range metrics {
		fmt.Fprintf(b, " %s, %s | least – most |", m.name, m.unit)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", 2*len(metrics)) + "\n")
	for _, p := range order {
		b.WriteString("| " + strings.Join(rows[p], " | ") + " |\n")
	}
	if noisy {
		b.WriteString("\n~ ranks nothing: measured once, or the rounds differ by more than their median.\n")
	}
	if r.chartBase == "" {
		return
	}
	b.WriteString("\n")
	for _, m := range metrics {
		fmt.Fprintf(b, "![%s](%s-%s.svg)\n", s.title(m), r.chartBase, slug(s.Name, m.name))
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// persistence of the servers in a scenario.
func (s scenario) persistence() string {
	redis := "Redis without persistence"
	if s.AOF {
		redis = "Redis with appendonly yes, appendfsync everysec"
	}
	return redis + "; PostgreSQL with fsync on"
}

// figure is a number in the fewest digits that tell it.
func figure(v float64) string {
	switch {
	case v >= 100_000:
		return fmt.Sprintf("%.0f k", v/1000)
	case v >= 10_000:
		return fmt.Sprintf("%.1f k", v/1000)
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
