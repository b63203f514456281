package journal

import (
	"encoding/hex"
	"flag"
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"gridflow/internal/vfs/crashfs"
)

var update = flag.Bool("update", false, "write testdata/segment.hex anew")

// TestFormat holds the format: a segment as docs/journal-format.md has it, byte by byte,
// is written so, and read. If it changes, the version has to, and the document.
func TestFormat(t *testing.T) {
	h := header{segment: 3, epoch: 2, salt: 0x01020304, sequence: 10, created: 1_000_000_000}
	b := h.encode()
	x := &index{sequence: h.sequence - 1}
	runs := make(map[string]*run)
	add := func(stream, data string, rec record) {
		at := len(b)
		rec.epoch, rec.sequence, rec.time = h.epoch, x.sequence+1, 2_000_000_000
		b = append(appendRecord(b, h.salt, &rec, stream, []byte(data)), data...)
		parsed, err := parseRecord(b[at:], h.salt)
		must(t, err)
		must(t, x.add("", runs, &parsed, int64(at)))
	}
	add("fork-1", "first", record{batch: 64, seq: 1, kind: 7})
	add("fork-2", "", record{batch: 64, seq: 1, kind: 8, flags: flagSnapshot})
	add("fork-1", "second", record{batch: 185, seq: 2, prev: position(3, 64), kind: 7, flags: flagSnapshot})
	add("brief", "x", record{batch: 185, seq: 1})
	add("brief", "", record{batch: 307, seq: 2, prev: position(3, 249), flags: flagEnd})
	b = appendIndex(b, &h, x, int64(len(b)), 3_000_000_000)

	golden := filepath.Join("testdata", "segment.hex")
	if *update {
		must(t, os.MkdirAll("testdata", 0o777))
		must(t, os.WriteFile(golden, []byte(hex.Dump(b)), 0o666))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	wantText(t, "the segment", hex.Dump(b), string(want))

	f := crashfs.New()
	must(t, f.MkdirAll("j", 0))
	w, err := f.Create(path.Join("j", segmentName(3)), 0)
	must(t, err)
	_, err = w.Write(b)
	must(t, err)
	l := open(t, f, Options{ReadOnly: true})
	sound(t, l)
	wantText(t, "fork-1", texts(l.All("fork-1")), "1:first 2:second")
	wantText(t, "fork-1, tail", texts(l.Tail("fork-1")), "2:second")
	wantText(t, "fork-2", texts(l.All("fork-2")), "1:")
	if info, ok := l.Info("fork-1"); !ok || !info.Last.Equal(time.Unix(2, 0)) || len(l.Streams()) != 2 || l.Stats().Scanned != 0 {
		t.Errorf("%+v, %+v", info, l.Stats())
	}
}
