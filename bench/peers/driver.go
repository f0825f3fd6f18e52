package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// driver is a program that measures a peer of another language. It gets a job
// as JSON in its last argument and prints figures as one line of JSON; it times
// the kinds exactly as the probes in Go do.
type driver struct {
	command []string // ends with the path of the program
	about   []string // prints the version of the peer; fails with a hint if it is missing
	hint    string   // what to install
	lacks   []kind
}

var bullmqPeer = peer{
	name: "BullMQ", store: onRedis, scale: 0.2,
	settings: "ioredis, removeOnComplete and removeOnFail, Worker concurrency as stated, drainDelay default, no metrics; bulk is addBulk of 1,000; producer and worker are two Node processes when latency is measured; at least once",
	driver: &driver{
		command: []string{"node", "bullmq/driver.js"}, about: []string{"node", "bullmq/driver.js", "version"},
		hint: "apt-get install nodejs npm, then npm install --no-package-lock in bench/peers/bullmq",
	},
}

// python is Debian's, whatever else is on PATH: the packages are Debian's.
const python = "/usr/bin/python3"

var celeryPeer = peer{
	name: "Celery", store: onRedis, scale: 0.05,
	settings: "Redis broker, task_ignore_result, task_acks_late (at least once, as the others), prefetch multiplier 64 (short tasks), no gossip, mingle, heartbeat or events; pool prefork with a process per core at most, whatever the concurrency: 64 threads or processes are slower",
	driver: &driver{
		command: []string{python, "celery/driver.py"}, about: []string{python, "celery/driver.py", "version"},
		hint:  "apt-get install python3-celery python3-redis",
		lacks: []kind{bulk},
	},
}

func init() {
	bullmqPeer.version, celeryPeer.version = bullmqPeer.driver.version, celeryPeer.driver.version
}

func (d *driver) version(ctx context.Context) (string, error) {
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, d.about[0], d.about[1:]...)
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w %s: %s", strings.Join(d.about, " "), err, lastLine(errs.String()), d.hint)
	}
	return strings.TrimSpace(string(out)), nil
}

// job is what the driver is told.
type job struct {
	scenario
	URL   string  `json:"url"`
	Tasks int     `json:"tasks"`
	Over  float64 `json:"over"` // seconds over which delayed tasks are due
	Lead  float64 `json:"lead"` // seconds before the first is
}

func (d *driver) measure(ctx context.Context, w *world) (figures, error) {
	if slices.Contains(d.lacks, w.scenario.Kind) {
		return nil, errLacks
	}
	return d.run(ctx, w, w.tasks)
}

func (d *driver) run(ctx context.Context, w *world, tasks int) (figures, error) {
	j := job{scenario: w.scenario, URL: w.url, Tasks: tasks, Over: w.size.Over.Seconds(), Lead: lead.Seconds()}
	spec, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(d.command[0], append(d.command[1:len(d.command):len(d.command)], string(spec))...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &out, &errs, dieWithParent()
	cmd.SysProcAttr.Setpgid = true // it has children
	done := make(chan struct{})
	if err := start(cmd, done); err != nil {
		return nil, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		end(cmd, done)
		return nil, context.Cause(ctx)
	}
	if !cmd.ProcessState.Success() {
		return nil, fmt.Errorf("driver: %s: %s", cmd.ProcessState, lastLine(errs.String()))
	}
	var f figures
	if err := json.Unmarshal([]byte(lastLine(out.String())), &f); err != nil {
		return nil, fmt.Errorf("driver: %w in %q", err, out.String())
	}
	return f, nil
}

// end asks a driver and its children to stop, and insists.
func end(cmd *exec.Cmd, done <-chan struct{}) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // if they are gone, fine
	select {
	case <-done:
	case <-time.After(2 * time.Second):
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	<-done
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}
