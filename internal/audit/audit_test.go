package audit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestCollect: changes reach who collects them under the same context and nobody else.
func TestCollect(t *testing.T) {
	ctx, changes := Collect(t.Context())
	other, none := Collect(t.Context())
	_ = other
	want := []Change{{Kind: ForkMade, ID: "fork-a"}, {Kind: VersionMade, ID: "fork-a", Version: 1}}
	for _, c := range want {
		Record(ctx, c)
	}
	Record(t.Context(), Change{Kind: FileWritten, Path: "lost.xlsx"})
	if got := changes(); !reflect.DeepEqual(got, want) {
		t.Errorf("collected %v, want %v", got, want)
	}
	if got := none(); got != nil {
		t.Errorf("another one has collected %v", got)
	}
}

// TestLines: what many write at once through several openings of a file is whole lines, each
// once, also of texts that JSON has to escape.
func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit")
	const logs, each = 4, 50
	var wg sync.WaitGroup
	for i := range logs {
		l, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer l.Close()
			for n := range each {
				if err := l.Write(Entry{Time: time.Unix(int64(i), int64(n)), Client: "user <a>\n", Tool: "edit_batch", Outcome: "ok", Changes: []Change{{Kind: VersionMade, ID: "f", Version: uint64(n + 1)}}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[time.Time]bool{}
	for line := range strings.Lines(string(text)) {
		var e Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Client != "user <a>\n" || len(e.Changes) != 1 {
			t.Fatalf("%q: %v", line, err)
		}
		seen[e.Time.UTC()] = true
	}
	if len(seen) != logs*each || strings.Count(string(text), "\n") != logs*each {
		t.Errorf("%d different lines, want %d", len(seen), logs*each)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read it: %v %v", info.Mode(), err)
	}
}

// TestFailed: a file that cannot be written is an error each time, and counted.
func TestFailed(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "no", "such", "folder")); err == nil {
		t.Error("a file in no folder was opened")
	}
	l, err := Open(filepath.Join(t.TempDir(), "audit"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := l.Write(Entry{}); err == nil || l.Failed() != 1 {
		t.Errorf("%v, %d failed", err, l.Failed())
	}
}

// shortWriter has room for so many bytes more, as a disk that is nearly full.
type shortWriter struct {
	*os.File
	room int
}

func (w *shortWriter) Write(p []byte) (int, error) {
	n, err := w.File.Write(p[:min(len(p), w.room)])
	w.room -= n
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

// TestTornLine: of a line for which the disk has no room the beginning may be there. The line
// that comes next, when there is room again or after a start anew, is whole all the same.
func TestTornLine(t *testing.T) {
	line, err := json.Marshal(Entry{Tool: "torn"})
	if err != nil {
		t.Fatal(err)
	}
	for room := range len(line) + 1 {
		for _, anew := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), "audit")
			l, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			write := func(tool string) error { return l.Write(Entry{Tool: tool}) }
			if err := write("first"); err != nil {
				t.Fatal(err)
			}
			full := &shortWriter{l.file.(*os.File), room}
			l.file = full
			for range 2 {
				if write("torn") == nil {
					t.Fatal("what had no room was written")
				}
			}
			l.file = full.File
			if anew {
				l.Close()
				if l, err = Open(path); err != nil {
					t.Fatal(err)
				}
			}
			for _, tool := range []string{"next", "last"} {
				if err := write(tool); err != nil {
					t.Fatal(err)
				}
			}
			l.Close()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var whole []string
			for line := range strings.Lines(string(text)) {
				var e Entry
				if json.Unmarshal([]byte(line), &e) == nil && e.Tool != "torn" {
					whole = append(whole, e.Tool)
				}
			}
			if !reflect.DeepEqual(whole, []string{"first", "next", "last"}) {
				t.Fatalf("room for %d bytes, anew %v: whole lines %v of %q", room, anew, whole, text)
			}
		}
	}
}
