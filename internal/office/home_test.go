package office

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"gridflow/internal/office/wire"
	"gridflow/internal/vfs"
)

// homes are the temporary folders of pools.
func homes(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), temporaryHomes+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestTemporaryHome: where a pool has no folder it makes one when it is wanted, removes it at
// the end, and removes those of servers that were killed, but none that somebody has.
func TestTemporaryHome(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	open := func() *Pool {
		p, err := New(Options{Limits: Defaults(), Starter: &fakes{}, Find: func() (Installed, error) { return Installed{}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	if found := homes(t); len(found) != 0 {
		t.Errorf("nobody has wanted anything, and there are %v", found)
	}
	if err := p.Run(t.Context(), "k", job(wire.Recalculate, "a", nil)); err != nil {
		t.Fatal(err)
	}
	used := homes(t)
	if len(used) != 1 {
		t.Fatalf("there are %v", used)
	}
	if info, err := os.Stat(used[0]); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its mode is %v (%v)", info.Mode(), err)
	}
	left := filepath.Join(os.TempDir(), temporaryHomes+"left")
	if err := os.MkdirAll(filepath.Join(left, "worker-0", "jobs", "7"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(os.TempDir(), temporaryHomes+"file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := open()
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed server has left is there: %v", err)
	}
	if _, err := os.Stat(used[0]); err != nil {
		t.Errorf("a folder that is in use is gone: %v", err)
	}
	p.Close(context.Background())
	other.Close(context.Background())
	if found := homes(t); len(found) != 1 { // the file, which is none
		t.Errorf("left: %v", found)
	}
}

// TestHomeOfOne: two pools do not have one folder; who comes second has it when the first is
// done, and works without being made anew.
func TestHomeOfOne(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "office")
	open := func() *Pool {
		p, err := New(Options{Limits: Defaults(), Folder: folder, Starter: &fakes{}, Find: func() (Installed, error) { return Installed{}, nil }, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := open()
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder is made before anybody wants it")
	}
	run := func(p *Pool) error { return p.Run(t.Context(), "k", job(wire.Recalculate, "a", nil)) }
	if err := run(first); err != nil {
		t.Fatal(err)
	}
	second := open()
	if err := run(second); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("two pools on one folder: %v", err)
	}
	first.Close(context.Background())
	if err := run(second); err != nil {
		t.Error(err)
	}
	second.Close(context.Background())
}

// TestOptions: what makes no sense is refused.
func TestOptions(t *testing.T) {
	for name, change := range map[string]func(*Limits){
		"workers": func(l *Limits) { l.Workers = -1 }, "queue": func(l *Limits) { l.Queue = 0 }, "job timeout": func(l *Limits) { l.JobTimeout = 0 },
		"start timeout": func(l *Limits) { l.StartTimeout = -1 }, "idle": func(l *Limits) { l.Idle = 0 }, "memory": func(l *Limits) { l.Memory = -1 },
	} {
		o := Options{Limits: Defaults()}
		change(&o.Limits)
		if _, err := New(o); err == nil {
			t.Errorf("%s: %+v is taken", name, o.Limits)
		}
	}
}
