package wire

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What a worker is told arrives as it was said.
func TestStartArgs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9 /=:,.ü"'-]*`)
		want := Start{
			Program: text.Draw(t, "program"), Dir: text.Draw(t, "dir"), Jobs: text.Draw(t, "jobs"), Confined: text.Draw(t, "confined"),
			DataLimit: rapid.Int64Range(0, 1<<50).Draw(t, "data"), FileLimit: rapid.Int64Range(0, 1<<50).Draw(t, "file"),
			Open: rapid.Bool().Draw(t, "open"), Network: rapid.Bool().Draw(t, "network"),
		}
		if got, ok, err := ParseStart(want.Args()); got != want || !ok || err != nil {
			t.Fatalf("%q: %+v, %v, %v; want %+v", want.Args(), got, ok, err, want)
		}
	})
	for _, args := range [][]string{nil, {"stdio"}, {"-dir=x", Command}} {
		if _, ok, err := ParseStart(args); ok || err != nil {
			t.Errorf("%q: %v, %v", args, ok, err)
		}
	}
	for _, args := range [][]string{{Command, "more"}, {Command, "-unknown=1"}, {Command, "-data-limit=much"}} {
		if _, ok, err := ParseStart(args); !ok || err == nil {
			t.Errorf("%q: %v, %v", args, ok, err)
		}
	}
}

// xs gives an endless line.
type xs struct{ read int }

func (x *xs) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	x.read += len(p)
	return len(p), nil
}

func TestReadLine(t *testing.T) {
	long := strings.Repeat("y", 10000)
	in := bufio.NewReader(strings.NewReader("a\n\n" + long + "\nrest"))
	for _, want := range []string{"a", "", long} {
		if got, err := ReadLine(in); string(got) != want || err != nil {
			t.Errorf("%.20q, %v; want %.20q", got, err, want)
		}
	}
	if got, err := ReadLine(in); err != io.ErrUnexpectedEOF {
		t.Errorf("a line without an end: %q, %v", got, err)
	}
	if _, err := ReadLine(in); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	endless := new(xs)
	if _, err := ReadLine(bufio.NewReader(endless)); !errors.Is(err, ErrLineTooLong) || endless.read > LineMax+1<<20 {
		t.Errorf("an endless line: %v after %d bytes", err, endless.read)
	}
}
