package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gridflow/internal/journal"
	"gridflow/internal/vfs"
)

// makeJournal is the script command "makejournal DIR": two streams in two segments, the
// first of them closed as a server closes it, the second as a crash leaves it.
func makeJournal(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	o, err := vfs.OpenOS(dir)
	ts.Check(err)
	defer o.Close()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	open := func() *journal.Log {
		l, err := journal.Open(o, ".", journal.Options{Now: clock})
		ts.Check(err)
		return l
	}
	write := func(_ journal.Entry, err error) { ts.Check(err) }
	l := open()
	write(l.Append("fork-1", 1, []byte("{\"edit\": \"A1\",\n \"value\": 1}")))
	write(l.AppendSnapshot("fork-1", 2, []byte{0xca, 0xfe}))
	write(l.Append("fork-1", 1, []byte(`"`+strings.Repeat("long \u202e", 20)+`"`)))
	write(l.Append("gone", 1, []byte("x")))
	ts.Check(l.End("gone"))
	ts.Check(l.Close())
	l = open()
	write(l.Append("fork-2", 1, nil))
	write(l.Append("fork-1", 1, []byte(`"ä"`)))
	// Not closed: the journal is read while it is open, as beside a running server. The
	// lock goes with this process.
}

// flipByte is the script command "flip FILE OFFSET": all bits of a byte are wrong.
func flipByte(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	b[at] ^= 0xff
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}
