package observability

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"gridflow/internal/office"
	"gridflow/internal/office/wire"
)

// libre is LibreOffice as a scene has it: the pool is the real one, its workers work for as
// long as the scene says, or die.
type libre struct {
	*office.Pool
	dead    atomic.Bool  // nothing starts
	crashes atomic.Bool  // workers die under their jobs
	work    atomic.Int64 // what a job takes, as a time.Duration
}

func newLibre(folder string) (*libre, error) {
	l := new(libre)
	l.work.Store(int64(100 * time.Millisecond))
	var err error
	l.Pool, err = office.New(office.Options{
		Limits: office.Defaults(), Folder: folder, Starter: l,
		Find: func() (office.Installed, error) { return office.Installed{Program: "/lo"}, nil },
	})
	return l, err
}

// Start implements office.Starter.
func (l *libre) Start(context.Context, office.Place) (office.Worker, error) {
	if l.dead.Load() {
		return nil, errors.New("exit status 81")
	}
	return &libreWorker{l: l, gone: make(chan struct{})}, nil
}

type libreWorker struct {
	l     *libre
	gone  chan struct{}
	ended atomic.Bool
}

func (w *libreWorker) Kill() {
	if w.ended.CompareAndSwap(false, true) {
		close(w.gone)
	}
}
func (w *libreWorker) Gone() <-chan struct{} { return w.gone }
func (w *libreWorker) Exit() office.Exit     { return office.Exit{What: "signal: segmentation fault"} }

func (w *libreWorker) Do(ctx context.Context, r wire.Request) (wire.Response, error) {
	select {
	case <-time.After(time.Duration(w.l.work.Load())):
	case <-ctx.Done():
		w.Kill()
		return wire.Response{}, ctx.Err()
	}
	if w.l.crashes.Load() {
		w.Kill()
		return wire.Response{}, errors.New("it is gone")
	}
	return wire.Response{ID: r.ID}, os.WriteFile(r.Out, []byte("done"), 0o600)
}

// recalculate has LibreOffice recalculate a document of that name.
func (s *scene) recalculate(name string) error {
	return s.office.Run(s.ctx, name, office.Job{Op: wire.Recalculate, Prepare: func(dir string) (wire.Request, error) {
		return wire.Request{Op: wire.Recalculate, Out: filepath.Join(dir, "out")}, nil
	}})
}

// recalculates brings documents, one after the other.
func (s *scene) recalculates(every time.Duration, name func(n int) string) {
	for n := 0; s.pause(every); n++ {
		s.going.Go(func() { _ = s.recalculate(name(n)) }) // what becomes of it is what the alerts are about
	}
}

func another(n int) string { return fmt.Sprint("book ", n) }
