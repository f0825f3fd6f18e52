package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/engine"
	"github.com/tidemill/tidemill/replay/archive"
)

// demoArchive keeps the history of a demo while it runs. The zero value does not.
type demoArchive struct {
	dir      string
	archiver *archive.Archiver
	signer   *archive.Signer
	stop     func()
}

// keyFile is beside the archive, not in it.
func (d *demoArchive) keyFile() string { return d.dir + ".key" }

// start makes keys and begins to archive.
func (d *demoArchive) start(ctx context.Context, a *app, eng *engine.Engine) error {
	if d.dir == "" {
		return nil
	}
	if _, err := archive.Open(ctx, archive.Dir(d.dir)); err == nil {
		return failure(exitData, "name a directory that is not there yet", "demo: %s holds an archive", d.dir)
	}
	if _, err := makeKey("demo", d.keyFile()); err != nil {
		return err
	}
	var err error
	if d.signer, err = openSigner(archive.Dir(d.dir), d.keyFile()); err != nil {
		return err
	}
	d.archiver = archive.New(archive.Of(eng.Log()), archive.Dir(d.dir), archive.Options{Namespace: a.namespace, Every: 200 * time.Millisecond})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.archiver.Run(ctx) // what it could not do, finish does or tells
	}()
	d.stop = func() {
		cancel()
		<-done
	}
	return nil
}

// finish archives the rest, signs it, and verifies all of it.
func (d *demoArchive) finish(ctx context.Context, a *app) error {
	if d.dir == "" {
		return nil
	}
	d.stop()
	if err := d.archiver.Once(ctx); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if _, err := d.signer.Sign(ctx); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if a.json {
		return nil
	}
	key, err := publicKey(d.keyFile()+".pub", false)
	if err != nil {
		return err
	}
	a.printf("archive: ")
	if err := a.verify(ctx, d.dir, key); err != nil {
		return err
	}
	a.printf("try: tidemill verify %s --pub %s.pub\n", d.dir, d.keyFile())
	return nil
}
