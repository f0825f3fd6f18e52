package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tidemill/tidemill/internal/redisproc"
)

// Report is the file of a run.
type Report struct {
	Taken   time.Time `json:"taken"`
	Machine Machine   `json:"machine"`
	Command string    `json:"command"` // that repeats it
	Peers   []Peer    `json:"peers"`
	Missing []Missing `json:"missing"`
	Results []Result  `json:"results"`

	chartBase string // what the names of the charts begin with; "": there are none
}

// Peer is a peer that was measured.
type Peer struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Settings string `json:"settings"`
}

// Machine is where the figures are from.
type Machine struct {
	CPU      string `json:"cpu"`
	CPUs     int    `json:"cpus"`
	MemoryMB int    `json:"memory_mb"`
	Kernel   string `json:"kernel"`
	Go       string `json:"go"`
	Redis    string `json:"redis"`
	Postgres string `json:"postgres"`
	Load     string `json:"load"` // load average as the run began
}

func machine(ctx context.Context) Machine {
	pg, _ := postgresVersion(ctx) // that it is missing is told elsewhere
	m := Machine{CPUs: runtime.NumCPU(), Go: runtime.Version(), Redis: redisVersion(ctx), Postgres: pg}
	m.CPU = procLine("/proc/cpuinfo", "model name")
	m.Kernel = first(os.ReadFile("/proc/sys/kernel/osrelease"))
	m.Load = first(os.ReadFile("/proc/loadavg"))
	var kb int
	if err := json.Unmarshal([]byte(strings.TrimSuffix(procLine("/proc/meminfo", "MemTotal"), " kB")), &kb); err == nil {
		m.MemoryMB = kb / 1024
	}
	return m
}

// first line of a file, or nothing: what a system does not tell is left out.
func first(b []byte, _ error) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

// procLine is the value of a "name : value" line.
func procLine(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// redisVersion is what the server that is started says of itself.
func redisVersion(ctx context.Context) string {
	bin, ok := redisproc.Find()
	if !ok {
		return ""
	}
	out, _ := exec.CommandContext(ctx, bin, "--version").Output() // "" is told as unknown
	for _, f := range strings.Fields(string(out)) {
		if v, ok := strings.CutPrefix(f, "v="); ok {
			name, _, _ := strings.Cut(string(out), " ")
			return name + " " + v
		}
	}
	return ""
}

// moduleVersion is what is linked into this program.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return d.Version
			}
		}
	}
	return "unknown"
}

func (r *Report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
