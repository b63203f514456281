//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gridflow/internal/genbook"
)

// TestS04: a cache for three workbooks, ten of them, sixteen clients: everybody reads
// what is in the workbook asked for, and workbooks leave to make room.
func TestS04_CacheBudget(t *testing.T) {
	t.Parallel()
	const books, clients, rounds = 10, 16, 12
	root := t.TempDir()
	for i := range books {
		writeFile(t, filepath.Join(root, fmt.Sprintf("book%d.xlsx", i)), bookOf(t, filled("Data", 2000, int64(1000+i))))
	}
	r := serving(t, root, "--cache-bytes=1MiB") // a workbook takes 256 KiB at least
	var wg sync.WaitGroup
	for c := range clients {
		s := r.client(eras[c%2])
		wg.Go(func() {
			for n := range rounds {
				i := (c*7 + n*3) % books
				a, err := call(t.Context(), s, "range_values", fmt.Sprintf(`{"workbook_id":"book%d","sheet_name":"Data","ranges":["A1:C1","B2000"]}`, i))
				want := fmt.Sprint(1000 + i)
				if err != nil || strings.Count(a.text, want) != 4 || strings.Count(a.text, "\t10") != 4 {
					t.Errorf("book %d: %s (%v)", i, clipped(a.text), err)
				}
			}
		})
	}
	wg.Wait()
	loads := len(r.log.matching("workbook opened"))
	t.Logf("%d calls of %d workbooks: %d loads (with room for all it is %d)", clients*rounds, books, loads, books)
	if loads <= books {
		t.Errorf("%d loads of %d workbooks: nothing was evicted", loads, books)
	}
}

// textBooks makes workbooks text0.xlsx and so on, with so many bytes of text each.
func textBooks(t *testing.T, root string, books, size int) {
	t.Helper()
	for i := range books {
		f, err := os.Create(filepath.Join(root, fmt.Sprintf("text%d.xlsx", i)))
		if err != nil {
			t.Fatal(err)
		}
		err = writeStored(f, []string{"Data"}, func(w io.Writer, _ int) error {
			text := strings.Repeat(fmt.Sprintf("text of %d ", i), 100)
			for row := range size / len(text) {
				if _, err := fmt.Fprintf(w, `<row><c t="inlineStr"><is><t>%d %s</t></is></c></row>`, row, text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// TestS04_Memory: what one after the other reads from many large workbooks stays within
// the budget, in the memory of the process.
func TestS04_Memory(t *testing.T) {
	t.Parallel()
	const books, size = 12, 16 << 20
	root := t.TempDir()
	textBooks(t, root, books, size)
	r := servingPlain(t, root, "--cache-bytes=32MiB", "--memory-limit=96MiB")
	s := r.client(eras[1])
	r.forgetPeak()
	for i := range 2 * books {
		args := fmt.Sprintf(`{"workbook_id":"text%d","sheet_name":"Data","sample_mode":"last","limit":1}`, i%books)
		if text := mustCall(t, s, "read_table", args); !strings.Contains(text, fmt.Sprintf("text of %d ", i%books)) {
			t.Errorf("workbook %d: %s", i%books, clipped(text))
		}
	}
	// What is mapped of the program's file is not the collector's, and the system takes it back when it wants to.
	program := r.named("status", "RssFile") << 10
	peak := r.peakMemory() - program
	t.Logf("%d workbooks of %d MiB, a cache of 32 MiB, a limit of 96 MiB: a peak of %d MiB beside %d of the program's file (bound 128)", books, size>>20, peak>>20, program>>20)
	if peak > 128<<20 {
		t.Errorf("a peak of %d MiB", peak>>20)
	}
}

// TestS05: while a workbook is replaced again and again, each answer is all of one state
// of the file, and the first call after a replacement sees the new one.
func TestS05_ReplacedUnderReaders(t *testing.T) {
	t.Parallel()
	const readers, states = 50, 20
	rewrites := often(100, 10_000) // after that, which nobody but one reads
	root := t.TempDir()
	state := func(n int64) []byte { return bookOf(t, filled("One", 100, n), filled("Two", 100, n)) }
	path := writeFile(t, filepath.Join(root, "book.xlsx"), state(1000))
	r := serving(t, root)
	const args = `{"workbook_id":"book","sheet_name":"One","ranges":["A1:A100","Two!B1:C100"]}`
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var reads atomic.Int64
	for i := range readers {
		s := r.client(eras[i%2])
		wg.Go(func() {
			for ctx.Err() == nil {
				a, err := call(ctx, s, "range_values", args)
				if ctx.Err() != nil {
					return
				}
				if err != nil || a.failed {
					t.Errorf("%s (%v)", clipped(a.text), err)
					return
				}
				if n := distinct(a.text); n != 1 {
					t.Errorf("%d states of the file in one answer: %s", n, clipped(a.text))
					return
				}
				reads.Add(1)
			}
		})
	}
	s := r.client(eras[1])
	for n := range int64(states) {
		replaceFile(t, path, state(1001+n))
		text := mustCall(t, s, "range_values", args)
		if !strings.Contains(text, fmt.Sprint(1001+n)) || distinct(text) != 1 {
			t.Fatalf("after replacement %d: %s", n, clipped(text))
		}
	}
	stop()
	wg.Wait()
	loads := len(r.log.matching("workbook opened", "error=<nil>"))
	two := [][]byte{state(2001), state(2002)}
	for n := range rewrites {
		replaceFile(t, path, two[n%2])
		if text := mustCall(t, s, "range_values", args); !strings.Contains(text, fmt.Sprint(2001+n%2)) {
			t.Fatalf("after rewrite %d: %s", n, clipped(text))
		}
	}
	listed := mustCall(t, s, "list_workbooks", `{}`)
	t.Logf("%d states seen by %d readers in %d calls, %d loads, no answer of two of them", states, readers, reads.Load(), loads)
	entries := r.scrape().value("gridflow_cache_entries")
	figure(t, fmt.Sprintf("ids, and workbooks in memory, after %d rewrites more", rewrites), fmt.Sprint(strings.Count(listed, "\tbook\t"), ", ", entries), "1, 1")
	if entries > 1 {
		t.Errorf("%v workbooks are in memory", entries)
	}
	if strings.Count(listed, "\tbook\t") != 1 {
		t.Errorf("the list of workbooks is now %s", listed)
	}
}

// distinct counts the different numbers in the fields of a text grid.
func distinct(text string) int {
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		for _, f := range fields[1:] {
			if len(f) == 4 {
				seen[f] = true
			}
		}
	}
	return len(seen)
}

// TestS41: probes and scrapes are cheap, whatever else goes on, and change nothing.
func TestS41_Probes(t *testing.T) {
	t.Parallel()
	const probes, workers = 10_000, 4
	root := exampleRoot(t)
	r := serving(t, root, "--cache-bytes=1MiB")
	base := strings.TrimSuffix(r.url, "/mcp")
	ctx, stop := context.WithCancel(t.Context())
	var churn, wg sync.WaitGroup
	for i := range 2 {
		s := r.client(eras[i])
		churn.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				path := filepath.Join(root, fmt.Sprintf("churn%d.csv", i))
				if err := os.WriteFile(path, []byte(strings.Repeat("a,b\n", 1+n%50)), 0o666); err != nil {
					t.Error(err)
				}
				if a, err := call(ctx, s, "list_sheets", fmt.Sprintf(`{"workbook_id":"%s"}`, []string{"budget", "loan", "messy", fmt.Sprintf("churn%d.csv", i)}[n%4])); ctx.Err() == nil && (err != nil || a.failed) {
					t.Errorf("%s (%v)", a.text, err)
				}
			}
		})
	}
	get := func(path string) string {
		resp, err := r.http.Get(base + path)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %.200q", path, resp.Status, body)
		}
		return string(body)
	}
	probe := func(path, want string) time.Duration {
		start := time.Now()
		if got := get(path); !strings.Contains(got, want+"\n") || want != aMetric && got != want+"\n" {
			t.Errorf("%s gives %.200q", path, got)
		}
		return time.Since(start)
	}
	probe("/healthz", "ok")
	took := make([]time.Duration, probes)
	files, memory := r.openFiles(), r.named("status", "VmRSS")<<10
	for w := range workers {
		wg.Go(func() {
			for i := w; i < probes; i += workers {
				switch i / workers % 10 { // scrapers ask less often than load balancers
				case 0:
					took[i] = probe("/metrics", aMetric)
				case 1, 3, 5, 7, 9:
					took[i] = probe("/healthz", "ok")
				default:
					took[i] = probe("/readyz", "ready")
				}
			}
		})
	}
	wg.Wait()
	stop()
	churn.Wait()
	slices.Sort(took)
	figure(t, fmt.Sprintf("of %d probes beside other calls half took, one in a thousand took longer than", probes), fmt.Sprint(took[probes/2], ", ", took[probes-probes/1000]), "100ms for one in a thousand on a machine at rest")

	// On their own they leave no trace: nothing logged, nothing read but the requests. What was logged before has come when
	// this call's line has.
	caller, calls := r.client(eras[1]), r.cpuTicks()
	for range 200 {
		mustCall(t, caller, "list_workbooks", `{}`)
	}
	calls = 5 * (r.cpuTicks() - calls) // what a thousand take on this machine
	r.log.await(t, 200, "tool=list_workbooks")
	r.untilIdle()
	lines, read, ticks := len(r.log.matching("")), r.bytesRead(), r.cpuTicks()
	for range 500 {
		probe("/healthz", "ok")
		probe("/readyz", "ready")
	}
	read, ticks = r.bytesRead()-read, r.cpuTicks()-ticks
	figure(t, "processor time of 1000 probes, ms", 10*ticks, fmt.Sprintf("a third of that of 1000 calls, which is %d", 10*calls/3))
	if ticks > calls/3 { // what the clock says depends on what else the machine does
		t.Errorf("1000 probes take %d ms of processor time, and 1000 calls %d", 10*ticks, 10*calls)
	}
	if n := len(r.log.matching("")) - lines; n != 0 {
		t.Errorf("1000 probes wrote %d lines into the log", n)
	}
	grownFiles, grown := r.openFiles()-files, r.named("status", "VmRSS")<<10-memory
	t.Logf("1000 probes read %d bytes (bound 256 each); open files %+d, memory %+.1f MB (bound 64)", read, grownFiles, float64(grown)/1e6)
	if read > 256_000 || grownFiles > 16 || grown > 64<<20 && !raceDetector {
		t.Errorf("probes leave something behind")
	}

	// A scrape reads what the system knows of the process, and touches no workbook.
	ours := func() (lines []string) {
		for line := range strings.Lines(get("/metrics")) {
			if strings.HasPrefix(line, "gridflow_cache") || strings.HasPrefix(line, "gridflow_requests") || strings.HasPrefix(line, "gridflow_dropped") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	before, read := ours(), r.bytesRead()
	for range 100 {
		probe("/metrics", aMetric)
	}
	read = r.bytesRead() - read
	t.Logf("100 scrapes read %d bytes each (bound 65536)", read/100)
	if after := ours(); read > 100<<16 || !slices.Equal(before, after) || len(r.log.matching("")) != lines {
		t.Errorf("scrapes leave something behind: %d bytes read; %q became %q", read, before, after)
	}
}

// aMetric is a line that every scrape has.
const aMetric = "gridflow_drain_state 0"

// openFiles counts the descriptors of the process.
func (r *running) openFiles() int {
	r.t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.cmd.Process.Pid))
	if err != nil {
		r.t.Skip("what the server uses can be looked at on Linux only")
	}
	return len(list)
}

// TestS42: what an overview says does not depend on how busy the machine is.
func TestS42_OverviewUnderLoad(t *testing.T) {
	t.Parallel()
	root, _ := longRoot(t)
	if err := os.CopyFS(root, os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(root, "islands.xlsx"), bookOf(t, islands()))
	// How long calls wait is another matter.
	r := serving(t, root, "--toolsets=all", "--class-fast=wait=10m", "--class-medium=wait=10m", "--class-slow=wait=10m")
	s := r.client(eras[1])
	var calls [][2]string // workbook, sheet
	for _, book := range []string{"budget", "loan", "messy", "orders", "islands"} {
		for line := range strings.Lines(mustCall(t, s, "list_sheets", fmt.Sprintf(`{"workbook_id":%q}`, book))) {
			if sheet, _, ok := strings.Cut(line, "\t"); ok && sheet != "sheet" {
				calls = append(calls, [2]string{book, sheet})
			}
		}
	}
	overviews := func() (list []string) {
		for _, c := range calls {
			mustCall(t, s, "close_workbook", fmt.Sprintf(`{"workbook_id":%q}`, c[0])) // so that it is worked out anew
			list = append(list, mustCall(t, s, "sheet_overview", fmt.Sprintf(`{"workbook_id":%q,"sheet_name":%q,"max_regions":0}`, c[0], c[1])))
		}
		return list
	}
	idle := overviews()
	regions := strings.Count(strings.Join(idle, ""), "\nregion ")

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for ctx.Err() == nil { // and nothing else
			}
		})
	}
	for i := range 8 {
		scanner := r.client(eras[i%2])
		wg.Go(func() {
			for ctx.Err() == nil { // where others have the processors, a search may end before the overviews do
				if a, err := call(ctx, scanner, "find_value", slowSearch); ctx.Err() == nil && (err != nil || a.failed) {
					t.Errorf("the load: %s (%v)", clipped(a.text), err)
					return
				}
			}
		})
	}
	r.log.await(t, 1, "workbook opened", "long.xlsx")
	busy := overviews()
	stop()
	wg.Wait()
	differ := 0
	for i := range idle {
		if idle[i] != busy[i] {
			differ++
			t.Errorf("%v, idle:\n%s\nbusy:\n%s", calls[i], clipped(idle[i]), clipped(busy[i]))
		}
	}
	figure(t, fmt.Sprintf("texts that are not the same idle and with 8 scans and %d busy loops, of %d sheets with %d regions", runtime.GOMAXPROCS(0), len(calls), regions), differ, 0)
	if regions < 60 {
		t.Errorf("only %d regions were found", regions)
	}
}

// islands is a sheet of 64 blocks of cells of different sizes.
func islands() *genbook.Sheet {
	return &genbook.Sheet{Name: "Islands", Rows: func(w *genbook.Writer) error {
		for row := range 8 * 30 {
			w.Row(row)
			for block := range 8 {
				height := 4 + (row/30*3+block*5)%20
				if row%30 >= height {
					continue
				}
				for col := range 3 + block%3 {
					if row%30 == 0 {
						w.Text(block*8+col, 0, fmt.Sprintf("head %d", col))
					} else {
						w.Int(block*8+col, 0, int64(row*col))
					}
				}
			}
		}
		return nil
	}}
}
