package workspace

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/lazy"
)

// halting reads no further than at until go_ is closed.
type halting struct {
	io.ReaderAt
	at  int64
	go_ chan struct{}

	mu   *sync.Mutex
	most *int64 // how far was read
}

func (h halting) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > h.at {
		<-h.go_
	}
	n, err := h.ReaderAt.ReadAt(p, off)
	h.mu.Lock()
	*h.most = max(*h.most, off+int64(n))
	h.mu.Unlock()
	return n, err
}

// granting lets everything go on, and says when it has stopped.
type granting struct{ ended chan bool }

func (g granting) Keep(func()) (lazy.Hold, bool) { return g, true }
func (g granting) Again() lazy.Hold              { return g }
func (g granting) Release(finished bool)         { g.ended <- finished }

// midLoad is a workspace over a workbook whose first rows have been read, and whose load
// goes on behind that as far as halfway.
func midLoad(t *testing.T) (w *Workspace, size int64, h halting, g granting) {
	t.Helper()
	dir := t.TempDir()
	text := strings.Repeat("12345678,some text that is the same,3.25\n", 50_000)
	write(t, filepath.Join(dir, "long.csv"), text)
	size = int64(len(text))
	w = open(t, Options{}, dir)
	h = halting{at: size / 2, go_: make(chan struct{}), mu: new(sync.Mutex), most: new(int64)}
	w.readerOf = func(f *os.File) io.ReaderAt {
		h := h
		h.ReaderAt = f
		return h
	}
	g = granting{make(chan bool, 9)}
	ctx := lazy.WithKeeper(t.Context(), g)
	if err := w.View(ctx, "long.csv", func(s *book.Snapshot) error {
		_, err := s.SheetTo(ctx, 0, 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	<-g.ended // the opening, which is work too
	return w, size, h, g
}

// TestLoadsAreCounted: what is being loaded counts in the cache before it is there, as what
// it may come to; then as what it is, also where nobody looks at it again.
func TestLoadsAreCounted(t *testing.T) {
	w, size, h, g := midLoad(t)
	if got := w.Stats().Bytes; got < size {
		t.Errorf("in the middle of the load of %d bytes the cache counts %d", size, got)
	}
	if _, memory, _ := w.Peek(context.Background(), "long.csv"); memory != minWeight {
		t.Errorf("of what is not there yet %d bytes are said to be in memory", memory)
	}
	close(h.go_)
	if !<-g.ended {
		t.Fatal("the load was stopped")
	}
	_, memory, _ := w.Peek(context.Background(), "long.csv")
	if got := w.Stats().Bytes; memory <= minWeight || got < memory/weightUnit*weightUnit || got > memory+weightUnit {
		t.Errorf("after the load %d bytes are in memory, and the cache counts %d", memory, got)
	}
}

// TestLoadStopsWithItsWorkbook: a load that nobody waits for stops when its workbook leaves
// the cache.
func TestLoadStopsWithItsWorkbook(t *testing.T) {
	w, size, h, g := midLoad(t)
	if dropped, err := w.Close(context.Background(), "long.csv"); err != nil || !dropped {
		t.Fatal(dropped, err)
	}
	close(h.go_)
	if <-g.ended {
		t.Error("the load went on to its end")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if *h.most > size*3/4 {
		t.Errorf("%d of %d bytes were read, half of them before", *h.most, size)
	}
}
