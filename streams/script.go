package streams

import (
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var lua embed.FS

// script is one transition: constant source, addressed by its hash, so that two
// versions of a program coexist on one server.
type script struct {
	name   string
	source string
	sha    string
	reads  bool // and writes nothing: users who may only read may call it (docs/redis.acl)
}

// load joins files of lua/ into one script.
func load(files ...string) *script {
	var b strings.Builder
	for _, f := range files {
		src, err := lua.ReadFile("lua/" + f + ".lua")
		if err != nil {
			panic("streams: " + err.Error())
		}
		b.Write(src)
	}
	sum := sha1.Sum([]byte(b.String()))
	return &script{name: files[len(files)-1], source: b.String(), sha: hex.EncodeToString(sum[:])}
}

var (
	registerScript = load("register")
	restoreScript  = load("restore")
	holdScript     = load("hold")
	announceScript = load("announce")
	epochScript    = load("prologue", "library", "epoch")
	enqueueScript  = load("prologue", "enqueue")
	releaseScript  = load("prologue", "library", "due", "release")
	joinScript     = load("prologue", "library", "join")
	leaveScript    = load("prologue", "library", "leave")
	settleScript   = load("prologue", "library", "outcomes", "verdicts", "successes", "settle")
	renewScript    = load("prologue", "library", "renew")
	chargeScript   = load("prologue", "library", "claim", "charge")
	reclaimScript  = load("prologue", "library", "claim", "reclaim")
	recoverScript  = load("prologue", "library", "recover")
	cancelScript   = load("prologue", "library", "cancel")
	requeueScript  = load("prologue", "library", "requeue")
	redactScript   = load("prologue", "library", "redact")
	purgeScript    = load("prologue", "library", "purge")
	pauseScript    = load("prologue", "library", "pause")
	trimScript     = load("prologue", "library", "trim")
	retainScript   = load("prologue", "library", "retention")
	spareScript    = load("prologue", "library", "spare")
	pressureScript = load("prologue", "library", "pressure")
	snapshotScript = reading(load("prologue", "library", "snapshot"))
	historyScript  = reading(load("prologue", "library", "history"))
	lookUpScript   = reading(registerScript) // of no partitions
)

// reading is the script called as one that writes nothing, which Redis then holds
// it to.
func reading(s *script) *script {
	r := *s
	r.reads = true
	return &r
}

// run makes one call: EVALSHA, and EVAL where the server has not seen the
// script (after a restart, a failover, SCRIPT FLUSH).
func (s *script) run(ctx context.Context, c redis.Scripter, keys []string, args []any) (any, error) {
	evalSha, eval := c.EvalSha, c.Eval
	if s.reads {
		evalSha, eval = c.EvalShaRO, c.EvalRO
	}
	v, err := evalSha(ctx, s.sha, keys, args...).Result()
	if err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") {
		v, err = eval(ctx, s.source, keys, args...).Result()
	}
	return v, err
}

// invocation is what one call of a script is asked with.
type invocation struct {
	keys []string
	args []any
}

// together sends calls at once and returns the answers up to the first error, which
// may be that the server has not seen the script. The server serves others between
// what it reads of them at a time, 16 KiB.
func (s *script) together(ctx context.Context, c redis.UniversalClient, calls []invocation) (replies []reply) {
	cmds, _ := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, c := range calls {
			pipe.EvalSha(ctx, s.sha, c.keys, c.args...)
		}
		return nil
	})
	for _, c := range cmds { // each has its own error
		r, err := s.answer(c.(*redis.Cmd).Result())
		if err != nil {
			break
		}
		replies = append(replies, r)
	}
	return replies
}

// Scripts names all transitions with the hashes under which EVALSHA, SLOWLOG and
// MONITOR show them.
func Scripts() map[string]string {
	all := map[string]string{}
	for _, s := range []*script{
		registerScript, holdScript, announceScript, epochScript, enqueueScript, releaseScript, joinScript, leaveScript, settleScript, renewScript,
		chargeScript, reclaimScript, recoverScript, cancelScript, requeueScript, redactScript, purgeScript, pauseScript, trimScript,
		retainScript, spareScript, pressureScript, restoreScript,
		snapshotScript, historyScript,
	} {
		all[s.name] = s.sha
	}
	return all
}
