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
	if len(r.Missing) > 0 {
		b.WriteString("\n## Missing\n\n| peer | scenario | why |\n|---|---|---|\n")
	}
	for _, m := range r.Missing {
		scenario := m.Scenario
		if scenario == "" {
			scenario = "all"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.Peer, scenario, strings.ReplaceAll(m.Reason, "|", `\|`))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

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
	rounds := 0
	for _, res := range r.Results {
		if res.Scenario != s.Name {
			continue
		}
		if rows[res.Peer] == nil {
			order = append(order, res.Peer)
			rows[res.Peer] = []string{res.Peer + " " + res.Version}
		}
		rounds = res.Rounds
		rows[res.Peer] = append(rows[res.Peer], figure(res.Value), figure(res.Min)+" – "+figure(res.Max))
	}
	if len(order) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s; %s.\n\n| peer |", s.Name, s.persistence(), plural(rounds, "round"))
	for _, m := range metrics {
		fmt.Fprintf(b, " %s, %s | least – most |", m.name, m.unit)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", 2*len(metrics)) + "\n")
	for _, p := range order {
		b.WriteString("| " + strings.Join(rows[p], " | ") + " |\n")
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
