//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// coldRoot gives a folder with n copies of the long workbook, and the size of one.
func coldRoot(t *testing.T, n int) (root string, size int64) {
	t.Helper()
	path, err := longBook()
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	for i := range n {
		if err := os.Link(path, filepath.Join(root, fmt.Sprintf("cold%d.xlsx", i))); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return root, info.Size()
}

// coldPage asks for three rows of a sheet, for which the first rows of it have to be loaded.
func coldPage(i int) string {
	return fmt.Sprintf(`{"workbook_id":"cold%d","sheet_name":"Data","ranges":["A9001:C9003"]}`, i)
}

// TestNoWorkWithoutPermit: loads that go on behind their calls have seats and bytes of the
// scheduler. However many begin at once, no more seats and bytes are taken than there are,
// what there is no room for stops, and when nothing is taken nothing is read.
func TestNoWorkWithoutPermit(t *testing.T) {
	const books, seats, loadBytes = 8, 2, 1 << 30
	root, size := coldRoot(t, books+1)
	r := serving(t, root, "--seats=2", fmt.Sprint("--load-bytes=", loadBytes), "--cache-bytes=2GiB")
	session := r.client(eras[0])

	var most struct{ seats, bytes, behind float64 }
	look := func() scrape {
		s := r.scrape()
		most.seats = max(most.seats, s.value(`gridflow_resource_used{resource="cpu"}`))
		most.bytes = max(most.bytes, s.value(`gridflow_resource_used{resource="bytes"}`))
		most.behind = max(most.behind, s.value(`gridflow_inflight{class="background"}`))
		return s
	}
	// quiet waits until no seat is taken, and looks whether something is being read all the same.
	quiet := func() {
		t.Helper()
		for look().value(`gridflow_resource_used{resource="cpu"}`) > 0 {
			r.pause("all seats are free")
		}
		before := r.bytesRead()
		r.untilIdle()
		if read := r.bytesRead() - before; read > 1<<20 {
			t.Errorf("nothing has a permit, and %d bytes were read", read)
		}
	}

	before := r.bytesRead()
	var wg sync.WaitGroup
	answers, errs := make([]answer, books), make([]error, books)
	for i := range books {
		wg.Go(func() { answers[i], errs[i] = call(t.Context(), session, "range_values", coldPage(i)) })
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
			look()
		}
	}
	texts(t, answers, errs)
	quiet()
	read := r.bytesRead() - before
	t.Logf("%d cold workbooks at once: at most %v seats of %d, %.0f bytes for loads of %d, %v loads behind their calls (bound %d); %.1f× the size of one read",
		books, most.seats, seats, most.bytes, loadBytes, most.behind, seats-1, float64(read)/float64(size))

	// Alone, a load goes on behind its call to its end, and later pages are there.
	before = r.bytesRead()
	mustCall(t, session, "range_values", coldPage(books))
	quiet()
	if read := r.bytesRead() - before; read < size*3/4 {
		t.Errorf("of a workbook of %d bytes, whose load has a seat, %d were read", size, read)
	}
	if n := look().value(`gridflow_queue_wait_seconds_count{class="background"}`); n < 1 {
		t.Errorf("%v loads went on behind their calls", n)
	}
	if most.seats > seats || most.bytes > loadBytes || most.behind > seats-1 {
		t.Errorf("at some time %v of %d seats and %.0f of %d bytes were taken, and %v loads went on behind their calls", most.seats, seats, most.bytes, loadBytes, most.behind)
	}
}
