//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var (
	soak      = flag.Duration("soak", 0, "how long TestS48 churns; 0: a few rounds, and only what can be counted is compared")
	soakParts = flag.Int("soak-parts", 2, "in how many parts, after each of which the server is looked at; the last is compared with the first")
)

// soakWorkers live one life after the other: they come, read, edit, leave.
const soakWorkers = 6

// TestS48_Soak: after a day's churn, in so much time as is given, the server has what it had
// before: goroutines, descriptors, permits, memory, files, entries of its tables. What was
// before is measured after a first part of the churn, so that what is only made once is there.
func TestS48_Soak(t *testing.T) {
	if *soak == 0 {
		t.Parallel()
	}
	const books = 8
	root, state := t.TempDir(), t.TempDir()
	for i := range books {
		writeFile(t, filepath.Join(root, fmt.Sprintf("book%d.xlsx", i)), bookOf(t, filled("Data", 2000, 1000+int64(i))))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	profiles := t.ArtifactDir() // what is kept of them is for who wants to know what has grown
	args := []string{"--state-dir=" + state, "--toolsets=all", "--cache-bytes=1MiB", "--tool-timeout=0"}
	if runtime.GOOS == "linux" { // where there are workers for tests; they come and go all the time
		args = append(args, "--office=fake:good", "--office-idle=1s")
	}
	if *soak == 0 { // a fork stays where the call that was to discard it has waited for too long
		args = unhurried(args...)
	}
	r := launchNamed(t, "gridflow-soaked", self, append([]string{"http", "--listen=127.0.0.1:0", "--root=" + root}, args...)...)
	if r.url = regexp.MustCompile(`http://[0-9.:]+/mcp`).FindString(r.log.await(t, 1, "serving MCP")[0]); r.url == "" {
		t.Fatal("no URL")
	}
	began := time.Now()
	churn := func(part float64, rounds int) (lives, calls int) {
		end := time.Now().Add(time.Duration(part * float64(*soak)))
		var mu sync.Mutex
		var all sync.WaitGroup
		for w := range soakWorkers {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(w), uint64(began.Unix())))
				for n := 0; n < rounds || time.Now().Before(end); n++ {
					c := life(t, r, rng, root, w, books)
					mu.Lock()
					lives, calls = lives+1, calls+c
					mu.Unlock()
					if t.Failed() {
						return
					}
				}
			})
		}
		all.Wait()
		return lives, calls
	}
	var before, after soaked
	for part := range *soakParts {
		lives, calls := churn(1/float64(*soakParts), 2)
		after = r.settled(root, state, filepath.Join(profiles, fmt.Sprint("after part ", part+1)))
		m := r.scrape()
		t.Logf("part %d: %d lives and %d calls, in %v with those before: %v; until now %g jobs of LibreOffice, of which %g workers came and went", part+1, lives, calls,
			time.Since(began).Round(time.Second), after, m.sum("gridflow_lo_jobs_total"), m.sum("gridflow_lo_restarts_total"))
		if part == 0 {
			before = after
		}
	}
	if after.leaked < 0 {
		t.Log("goroutines that wait for what nothing reaches are not looked for: the runtime does it where it was built for it (make soak)")
	} else {
		figure(t, "goroutines that wait for what nothing reaches", after.leaked, 0)
	}
	if after.leaked > 0 {
		t.Errorf("%d goroutines wait for what nothing reaches; where they stand is in %s (kept with -artifacts)", after.leaked, profiles)
	}
	looked, grown := 0, 0
	for i, name := range soakCounts {
		if *soak == 0 && name.slack > 0 {
			continue // it takes time until files are closed and goroutines end
		}
		allowed := before.counts[i] + max(before.counts[i]/20, float64(name.slack))
		looked++
		if after.counts[i] > allowed {
			grown++
			t.Errorf("%s: %g, and it was %g", name.series, after.counts[i], before.counts[i])
		}
	}
	figure(t, fmt.Sprintf("gauges of %d that are higher by more than 5 %% after as much again; files left over", looked), fmt.Sprint(grown, "; ", after.files), fmt.Sprint(0, "; ", before.files))
	if after.files > before.files {
		t.Errorf("%d files are left over, and it was %d", after.files, before.files)
	}
	if *soak > 0 && (after.resident > before.resident+max(before.resident/20, soakResident) || after.live > before.live+max(before.live/20, soakLive)) {
		t.Errorf("%d bytes are resident and %d in use, and it was %d and %d; profiles of the heap are in %s (kept with -artifacts)", after.resident, after.live, before.resident, before.live, profiles)
	}
	if stuck := r.log.matching("stuck"); len(stuck) > 0 {
		t.Errorf("%d calls were stuck: %s", len(stuck), stuck[0])
	}
}

// soakLive is how much more the heap may hold whatever it was: what has a bound that some
// minutes do not reach. The index of the journal's segment that is written, some hundred bytes
// for each fork until the segment is full, which is at 64 MB; up to 1 024 ids that name nothing;
// buckets of histograms. soakResident is the same of what is resident when the collector has
// given back what it can: beside the heap that is pages of it which are not empty, and stacks.
const (
	soakLive     = 1 << 20
	soakResident = 4 << 20
)

// tellMemory has the program, whenever it gets SIGUSR1, collect what nobody uses, give back
// what is free, and leave in the folder that it was started in a profile of its heap, one of
// the goroutines that are lost and, last, how many bytes were found to be in use.
func tellMemory() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			debug.FreeOSMemory() // what has been found to be unused in one collection …
			debug.FreeOSMemory() // … is swept, and its finalizers have run, by the next
			live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
			metrics.Read(live)
			f, err := os.Create("heap")
			if err == nil {
				err = errors.Join(pprof.WriteHeapProfile(f), f.Close(), tellLeaks("leaks"),
					os.WriteFile("live.new", fmt.Append(nil, live[0].Value.Uint64()), 0o666), os.Rename("live.new", "live"))
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "profile:", err)
			}
		}
	}()
}

// tellLeaks writes the profile of the goroutines that wait for what nothing else reaches, and will for ever, where the
// runtime makes one: Go 1.26 does so where it is built with GOEXPERIMENT=goroutineleakprofile.
func tellLeaks(path string) error {
	leaks := pprof.Lookup("goroutineleak")
	if leaks == nil {
		return nil
	}
	var text bytes.Buffer
	return errors.Join(leaks.WriteTo(&text, 1), os.WriteFile(path, text.Bytes(), 0o666))
}

// leakCount begins such a profile.
var leakCount = regexp.MustCompile(`^goroutineleak profile: total (\d+)\n`)

// leaksTold reads one: how many goroutines it has; -1 where there is none.
func leaksTold(t *testing.T, path string) (leaked int, text []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	m := leakCount.FindSubmatch(text)
	if err != nil || m == nil {
		t.Fatalf("no profile of leaks: %q (%v)", text, err)
	}
	leaked, err = strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return leaked, text
}

// TestLeaksAreTold: the profile that a soak looks at has a goroutine that waits for what nothing reaches.
func TestLeaksAreTold(t *testing.T) {
	if pprof.Lookup("goroutineleak") == nil {
		t.Skip("the runtime is built without it: make soak")
	}
	path := filepath.Join(t.TempDir(), "leaks")
	go func() { <-make(chan int) }()
	for end := time.Now().Add(patience(t)); ; runtime.Gosched() { // until it waits
		if err := tellLeaks(path); err != nil {
			t.Fatal(err)
		}
		if leaked, text := leaksTold(t, path); leaked > 0 && bytes.Contains(text, []byte("TestLeaksAreTold")) {
			return
		} else if time.Now().After(end) {
			t.Fatalf("it is not in %s", text)
		}
	}
}

// collected has the program of a soak collect what nobody uses, and gives what it has then.
func (r *running) collected(profile string) (resident, live int64, leaked int) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		r.t.Fatal(err)
	}
	told := filepath.Join(r.cmd.Dir, "live")
	for {
		data, err := os.ReadFile(told)
		if err == nil {
			live, err = strconv.ParseInt(string(data), 10, 64)
			if err = errors.Join(err, os.Remove(told)); err != nil {
				r.t.Fatal(err)
			}
			break
		}
		r.pause("the collector has run")
	}
	data, err := os.ReadFile(filepath.Join(r.cmd.Dir, "heap"))
	if err != nil {
		r.t.Fatal(err)
	}
	writeFile(r.t, profile+".pprof", data)
	leaked, text := leaksTold(r.t, filepath.Join(r.cmd.Dir, "leaks"))
	if leaked > 0 {
		writeFile(r.t, profile+".leaks", text)
	}
	return int64(r.scrape().value("process_resident_memory_bytes")), live, leaked
}

// soakCounts are the series that have to come back, and by how much they may differ whatever
// they were: a connection of the scraper's more, a goroutine of the runtime's.
var soakCounts = []struct {
	series string
	slack  int
}{
	{"go_goroutines", 3}, {"process_open_fds", 3},
	{`gridflow_inflight{class="admin"}`, 0}, {`gridflow_inflight{class="fast"}`, 0}, {`gridflow_inflight{class="medium"}`, 0}, {`gridflow_inflight{class="slow"}`, 0},
	{`gridflow_queue_depth{class="fast"}`, 0}, {`gridflow_resource_used{resource="cpu"}`, 0}, {`gridflow_resource_used{resource="bytes"}`, 0},
	{"gridflow_loads_inflight_bytes", 0}, {"gridflow_forks", 0}, {"gridflow_fork_mailbox_depth", 0}, {"gridflow_subscribers", 0},
	{`gridflow_breaker_quarantined{name="ROOT"}`, 0}, {"gridflow_cache_entries", 2}, {"gridflow_journal_segments", 2},
}

// soaked is what the server has at one moment.
type soaked struct {
	counts         []float64
	files          int   // beside the workbooks: temporary ones, kept bases
	resident, live int64 // bytes
	leaked         int   // goroutines; -1: not known
}

func (s soaked) String() string {
	var b strings.Builder
	for i, c := range soakCounts {
		if s.counts[i] != 0 {
			fmt.Fprintf(&b, "%s %g, ", strings.TrimPrefix(c.series, "gridflow_"), s.counts[i])
		}
	}
	fmt.Fprintf(&b, "%d files left over, %.1f MB resident, %.1f MB in use", s.files, float64(s.resident)/1e6, float64(s.live)/1e6)
	if s.leaked >= 0 {
		fmt.Fprintf(&b, ", %d goroutines lost", s.leaked)
	}
	return b.String()
}

// settled waits until nobody is in the server, and gives what it has then. In a soak it waits
// until nothing is kept of forks either, which takes five minutes.
func (r *running) settled(root, state, profile string) (s soaked) {
	r.t.Helper()
	r.http.CloseIdleConnections()
	look := func(m scrape) {
		s.counts = nil
		for _, c := range soakCounts {
			s.counts = append(s.counts, m.value(strings.Replace(c.series, "ROOT", root, 1)))
		}
	}
	r.untilMetrics("nobody is inside", func(m scrape) bool {
		look(m)
		return m.value("gridflow_drain_inflight") == 0 && m.value(`gridflow_resource_used{resource="cpu"}`) == 0 && m.value("gridflow_subscribers") == 0 &&
			m.sum("gridflow_lo_workers", "state") == 0
	})
	if *soak > 0 {
		for idle := false; !idle; {
			select {
			case <-time.After(time.Second):
			case <-r.ctx.Done():
				r.t.Fatal(r.ctx.Err())
			}
			m := r.scrape()
			look(m)
			idle = m.value("gridflow_forks_live") == 0
		}
	}
	s.resident, s.live, s.leaked = r.collected(profile)
	for _, dir := range []string{root, state} {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			// LibreOffice's folder has a lock from its first job on.
			if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".xlsx") && !strings.Contains(path, "journal") && path != filepath.Join(state, "office/LOCK") {
				s.files++
			}
			return nil
		})
	}
	return s
}

// ofAnother tells whether an error is the end of another call's time. net/http keeps why a request was given up at its
// connection: where one was answered just as its time ended, the connection may be the next request's by then, which is
// told the same. It was seen once in two million calls.
func ofAnother(ctx context.Context, err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
}

// life is what a client does from coming to leaving. It gives how many calls it made.
func life(t *testing.T, r *running, rng *rand.Rand, root string, worker, books int) (calls int) {
	ctx, end := context.WithTimeout(t.Context(), patience(t))
	defer end()
	c := mcp.NewClient(&mcp.Implementation{Name: fmt.Sprint("soak ", rng.IntN(1000)), Version: "1"}, nil)
	s, err := c.Connect(ctx, &mcp.StreamableClientTransport{Endpoint: r.url, HTTPClient: r.http, DisableStandaloneSSE: true},
		&mcp.ClientSessionOptions{ProtocolVersion: eras[rng.IntN(2)]})
	if err != nil {
		if !ofAnother(ctx, err) {
			t.Errorf("no session: %v", err)
		}
		return 0
	}
	defer s.Close()
	try := func(ctx context.Context, tool, args string, a ...any) string {
		calls++
		got, err := call(ctx, s, tool, fmt.Sprintf(args, a...))
		switch {
		case err != nil && ctx.Err() == nil && !ofAnother(ctx, err):
			t.Errorf("%s: %v", tool, err)
		case got.failed && strings.HasPrefix(got.text, "INTERNAL"):
			t.Errorf("%s: %s", tool, got.text)
		}
		return got.text
	}
	s.Subscribe(ctx, &mcp.SubscribeParams{URI: fmt.Sprintf("gridflow://book%d", rng.IntN(books))}) // of the newer era there is none
	for range 12 {
		book := fmt.Sprintf("book%d", rng.IntN(books))
		switch rng.IntN(7) {
		case 0:
			try(ctx, "read_table", `{"workbook_id":%q,"sheet_name":"Data"}`, book)
		case 1:
			try(ctx, "range_values", `{"workbook_id":%q,"sheet_name":"Data","ranges":["A1:C20"]}`, book)
		case 2: // a caller who leaves
			short, leave := context.WithTimeout(ctx, time.Duration(rng.IntN(2000))*time.Microsecond)
			try(short, "find_value", `{"workbook_id":%q,"query":"none of it"}`, book)
			leave()
		case 3:
			try(ctx, "range_values", `{"workbook_id":"nobody-%d","sheet_name":"Data","ranges":["A1"]}`, rng.IntN(1e6))
		case 4:
			try(ctx, "sheet_overview", `{"workbook_id":%q,"sheet_name":"Data"}`, book)
		case 5:
			try(ctx, "server_status", `{}`)
		case 6: // another program writes the file
			replaceFile(t, filepath.Join(root, fmt.Sprintf("book%d.xlsx", worker%books)), bookOf(t, filled("Data", 500+rng.IntN(1500), rng.Int64N(1e6))))
		}
	}
	text := try(ctx, "create_fork", `{"workbook_or_fork_id":"book%d"}`, rng.IntN(books))
	fork := forkID.FindString(text)
	if fork == "" {
		return calls // too many at once, or the file was replaced under it
	}
	for range 4 {
		try(ctx, "edit_batch", `{"fork_id":%q,"sheet_name":"Data","edits":[{"address":"D%d","value":%d}]}`, fork, 1+rng.IntN(100), rng.IntN(1000))
	}
	try(ctx, "checkpoint_fork", `{"fork_id":%q}`, fork)
	try(ctx, "undo", `{"fork_id":%q}`, fork)
	if rng.IntN(20) == 0 { // LibreOffice, which ends under a job now and then; never twice under the same one
		behaviour := "good"
		if rng.IntN(5) == 0 {
			behaviour = "kill"
		}
		try(ctx, "edit_batch", `{"fork_id":%q,"sheet_name":"Data","edits":[{"address":"E1","value":"fake:%s,%d"}]}`, fork, behaviour, rng.Int64())
		try(ctx, "recalculate", `{"fork_id":%q,"backend":"libreoffice"}`, fork)
	}
	try(ctx, "save_fork", `{"fork_id":%q,"target_path":"saved%d.xlsx","overwrite":true}`, fork, worker)
	try(ctx, "discard_fork", `{"fork_id":%q}`, fork)
	return calls
}
