package main

import (
	"bytes"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"gridflow/internal/office"
	"gridflow/internal/server"
)

const mib = 1 << 20

// TestFit: LibreOffice gets half of what the system gives, and as many workers as that holds; of the rest, which is the
// server's, a quarter is the cache. What somebody has said stays.
func TestFit(t *testing.T) {
	t.Parallel()
	type fit struct {
		workers, most int
		own, cache    int64 // MiB
		edits         int
	}
	const edits = 1 << 24
	for _, c := range []struct {
		name    string
		memory  systemMemory
		said    string // a setting that somebody has given
		value   int64
		limit   int64 // the server's, given beside it
		without bool  // LibreOffice
		want    fit
		tight   bool // what was given does not fit, and the log says so
		over    bool // likewise of this process alone
	}{
		{name: "no bound", memory: systemMemory{machine: 64 << 30}, want: fit{2, 0, 0, 512, edits}},
		{name: "a small machine", memory: systemMemory{machine: 1000 * mib}, want: fit{2, 0, 0, 512, mib}},
		{name: "more than all want", memory: systemMemory{group: 64 << 30}, want: fit{2, 6, 64<<10 - 1200, 512, edits}},
		{name: "2 GiB", memory: systemMemory{group: 2048 * mib}, want: fit{2, 5, 1024, 256, 1_073_741}},
		{name: "1 GiB", memory: systemMemory{group: 1024 * mib}, want: fit{1, 2, 512, 128, 536_870}},
		{name: "room for one", memory: systemMemory{group: 400 * mib}, want: fit{1, 1, 200, 50, 209_715}},
		{name: "a little more than half for the first", memory: systemMemory{group: 384 * mib}, want: fit{1, 1, 184, 46, 192_937}},
		{name: "room for none", memory: systemMemory{group: 256 * mib}, want: fit{0, 0, 256, 64, 268_435}},
		{name: "no LibreOffice", memory: systemMemory{group: 1024 * mib}, without: true, want: fit{2, 0, 1024, 256, 1_073_741}},
		{name: "the process has less than its share", memory: systemMemory{group: 1024 * mib, process: 100 * mib}, want: fit{1, 2, 100, 25, 104_857}},
		{name: "a bound of the process alone", memory: systemMemory{process: 100 * mib}, want: fit{2, 0, 100, 25, 104_857}},
		{name: "one that leaves too little for the server", memory: systemMemory{group: 350 * mib}, want: fit{0, 0, 350, 87, 367_001}},
		{name: "less than a server needs", memory: systemMemory{group: 100 * mib}, said: "office-workers", value: 1, want: fit{1, 0, 100, 25, 104_857}, tight: true},
		{name: "the process may have more than all", memory: systemMemory{group: 100 * mib, process: 1024 * mib}, without: true, want: fit{2, 0, 100, 25, 104_857}},
		{name: "workers that were asked for", memory: systemMemory{group: 256 * mib}, said: "office-workers", value: 1, want: fit{1, 0, 128, 32, 134_217}, tight: true},
		{name: "more than have room", memory: systemMemory{group: 512 * mib}, said: "office-workers", value: 2, want: fit{2, 0, 128, 32, 134_217}, tight: true},
		{name: "as many as just have room", memory: systemMemory{group: 728 * mib}, said: "office-workers", value: 2, want: fit{2, 0, 128, 32, 134_217}},
		{name: "more than a limit leaves room for", memory: systemMemory{group: 2048 * mib}, said: "office-workers", value: 2, limit: 1600 * mib, want: fit{2, 0, 1448, 362, 1_677_721}, tight: true, over: true},
		{name: "more than have room, but no LibreOffice", memory: systemMemory{group: 512 * mib}, said: "office-workers", value: 2, without: true, want: fit{2, 0, 512, 128, 536_870}},
		{name: "as many as the default", memory: systemMemory{group: 2048 * mib}, said: "office-workers", value: 2, want: fit{2, 0, 1024, 256, 1_073_741}},
		{name: "many", memory: systemMemory{group: 2048 * mib}, said: "office-workers", value: 4, want: fit{4, 0, 848, 212, 889_192}},
		{name: "none", memory: systemMemory{group: 2048 * mib}, said: "office-workers", value: 0, want: fit{0, 0, 2048, 512, 2_147_483}},
		{name: "a limit that leaves room", memory: systemMemory{group: 1024 * mib}, said: "memory-limit", value: 600 * mib, want: fit{1, 2, 600, 150, 629_145}},
		{name: "one that leaves none", memory: systemMemory{group: 1024 * mib}, said: "memory-limit", value: 2048 * mib, want: fit{0, 0, 1024, 256, 2_147_483}, over: true},
		{name: "a cache", memory: systemMemory{group: 1024 * mib}, said: "cache-bytes", value: 700 * mib, want: fit{1, 2, 512, 700, 536_870}, over: true},
		{name: "edits", memory: systemMemory{group: 1024 * mib}, said: "max-edit-cells", value: edits, want: fit{1, 2, 512, 128, edits}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := &config{cacheBytes: 512 * mib, maxEditCells: edits, officeWorkers: office.DefaultWorkers, memoryLimit: c.limit, places: make(map[string]string)}
			switch conf.places[c.said] = "--" + c.said; c.said {
			case "office-workers":
				conf.officeWorkers = int(c.value)
			case "memory-limit":
				conf.memoryLimit = c.value
			case "cache-bytes":
				conf.cacheBytes = c.value
			case "max-edit-cells":
				conf.maxEditCells = int(c.value)
			}
			conf.fit(c.memory, !c.without)
			got := fit{conf.officeWorkers, conf.officeMost, conf.ownMemory / mib, conf.cacheBytes / mib, conf.maxEditCells}
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if out := c.want.workers == 0 && c.said != "office-workers"; conf.officeLeftOut != out {
				t.Errorf("LibreOffice is left out: %v, want %v", conf.officeLeftOut, out)
			}
			var log bytes.Buffer
			conf.warnOfMemory(slog.New(slog.NewTextHandler(&log, nil)))
			for words, want := range map[string]bool{"the workers of LibreOffice": c.tight, "LibreOffice is left out": conf.officeLeftOut, "may end this process": c.over} {
				if said := strings.Contains(log.String(), words); said != want {
					t.Errorf("a warning that %s: %v, want %v\n%s", words, said, want, &log)
				}
			}
		})
	}
}

// TestFitMemory: the collector keeps to the limit that was given, or else to what the cache and the system leave.
func TestFitMemory(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := os.LookupEnv(name); set {
			t.Skip(name, "is set")
		}
	}
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	defer func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}()
	for _, c := range []struct{ limit, cache, own, want int64 }{
		{300 * mib, 100 * mib, 1000 * mib, 300 * mib},
		{0, 100 * mib, 2000 * mib, 712 * mib},
		{0, 100 * mib, 500 * mib, 450 * mib},
	} {
		conf := &config{memoryLimit: c.limit, cacheBytes: c.cache, ownMemory: c.own}
		conf.fitMemory(slog.New(slog.DiscardHandler))
		if got := debug.SetMemoryLimit(-1); got != c.want {
			t.Errorf("with %+v the collector keeps to %d MiB", c, got/mib)
		}
	}
}

// TestMemoryOfSystem: what the system says is looked for in all three places.
func TestMemoryOfSystem(t *testing.T) {
	if got, want := memoryOfSystem(), (systemMemory{server.GroupMemory(), server.ProcessMemory(), server.MachineMemory()}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestFittingCache: unless somebody says so the cache takes a quarter of what the system
// gives the process at most, and never more than its default.
func TestFittingCache(t *testing.T) {
	for _, c := range []struct{ def, kernel, want int64 }{
		{512 * mib, 0, 512 * mib}, // no bound
		{512 * mib, 64 << 30, 512 * mib},
		{512 * mib, 2048 * mib, 512 * mib},
		{512 * mib, 192 * mib, 48 * mib},
		{512 * mib, mib, mib},
	} {
		if got := fittingCache(c.def, c.kernel); got != c.want {
			t.Errorf("of a default of %d and a bound of %d: %d, want %d", c.def, c.kernel, got, c.want)
		}
	}
}

// TestFittingEdits: unless somebody says so a call may change as many cells as take a quarter of
// the memory that there is, and never more than the default.
func TestFittingEdits(t *testing.T) {
	for _, c := range []struct {
		memory int64
		want   int
	}{{0, 1 << 24}, {64 << 30, 1 << 24}, {1000 * mib, mib}, {192 * mib, 201_326}, {mib, 1 << 16}} {
		if got := fittingEdits(1<<24, c.memory); got != c.want {
			t.Errorf("of %d bytes: %d, want %d", c.memory, got, c.want)
		}
	}
}

// TestWorkerMost: a worker has at most what the server, its limit reached, and the other workers leave of their group, and never
// less than LibreOffice needs.
func TestWorkerMost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ workers, most, group, limit, want int64 }{ // MiB
		{2, 0, 0, 1 << 40, 1200},
		{2, 6, 16 << 10, 1536, 1200},
		{2, 5, 2048, 921, 837},
		{1, 2, 1024, 460, 474},
		{1, 1, 384, 165, 329},
		{1, 0, 256, 115, 300},
		{2, 0, 384, 1 << 40, 1200}, // nobody keeps to anything
	} {
		l := office.Limits{Workers: int(c.workers), ProcessesMax: int(c.most), Memory: office.DefaultMemory}
		if got := workerMost(l, c.group*mib, c.limit*mib) / mib; got != c.want {
			t.Errorf("%d workers, %d MiB, of which the server keeps to %d: %d MiB, want %d", c.workers, c.group, c.limit, got, c.want)
		}
	}
}
