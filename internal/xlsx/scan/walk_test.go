package scan

import (
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// visits notes what a Walker shows.
type visits struct {
	events []string
	all    strings.Builder
}

func (v *visits) note(kind string, b []byte) error {
	v.all.Write(b)
	if n := len(v.events); n > 0 && (kind == "other" || kind == "tail") && strings.HasPrefix(v.events[n-1], kind+" ") {
		v.events[n-1] += string(b) // comes in pieces
		return nil
	}
	v.events = append(v.events, kind+" "+string(b))
	return nil
}

func (v *visits) Head(b []byte) error               { return v.note("head", b) }
func (v *visits) Row(tag []byte, row int) error     { return v.note(fmt.Sprint("row", row), tag) }
func (v *visits) Cell(xml []byte, r cell.Ref) error { return v.note("cell"+r.String(), xml) }
func (v *visits) RowEnd(tag []byte) error           { return v.note("end", tag) }
func (v *visits) Other(b []byte) error              { return v.note("other", b) }
func (v *visits) Tail(b []byte, _ bool) error       { return v.note("tail", b) }

// walked walks through doc in windows that grow by so many bytes.
func walked(doc string, step int) (*visits, error) {
	v := &visits{}
	w := NewWalker(v)
	buf := ""
	for at := 0; at < len(doc); at += step {
		buf += doc[at:min(at+step, len(doc))]
		n, err := w.Feed([]byte(buf), at+step >= len(doc))
		if err != nil {
			return v, err
		}
		buf = buf[n:]
	}
	return v, nil
}

var walkedSheets = []string{
	`<worksheet><dimension ref="A1"/><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1" s="1"/></row><row r="5"/></sheetData><mergeCells/></worksheet>`,
	`<?xml version="1.0"?><!-- > --><x:worksheet xmlns:x="a"><x:sheetData><x:row> <x:c/><x:c t="s"><x:v>0</x:v></x:c> <!-- c --></x:row>` + "\n" + `<x:row><x:c r = 'C2'><x:f a="&gt;>">1</x:f><x:extLst><x:ext><x:c/></x:ext></x:extLst></x:c></x:row></x:sheetData><x:tail/></x:worksheet>`,
	`<worksheet><sheetData/><pageMargins/></worksheet>`,
	`<worksheet><sheetData><row r="3"><c r="$B$3"/><c r="xfd3"><is><t>]]&gt;</t></is></c><other/></row></sheetData></worksheet>`,
}

// TestWalker: whatever the windows are, a Walker shows the same, and all of the part.
func TestWalker(t *testing.T) {
	for _, doc := range walkedSheets {
		want, err := walked(doc, len(doc))
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if want.all.String() != doc {
			t.Errorf("%s: shown is %s", doc, want.all.String())
		}
		for step := 1; step < len(doc); step++ {
			got, err := walked(doc, step)
			if err != nil || strings.Join(got.events, "\n") != strings.Join(want.events, "\n") {
				t.Fatalf("in steps of %d: %v\n%s\nwant\n%s", step, err, strings.Join(got.events, "\n"), strings.Join(want.events, "\n"))
			}
		}
	}
	got, _ := walked(walkedSheets[1], 1000)
	for i, want := range []string{"head ", "row0 ", "other ", "cellA1 ", "cellB1 ", "other ", "end ", "other ", "row1 ", "cellC2 ", "end ", "tail "} {
		if i >= len(got.events) || !strings.HasPrefix(got.events[i], want) {
			t.Errorf("event %d of %q is not %q", i, got.events, want)
		}
	}
}

// TestWalkerRefuses: what does not stand in its row, or is no sheet.
func TestWalkerRefuses(t *testing.T) {
	for _, doc := range []string{
		``, `<worksheet>`, `<worksheet/>`, `<worksheet><sheetData>`, `<worksheet><sheetData><row r="1">`,
		`<worksheet><sheetData><row r="1"><c r="A2"/></row></sheetData></worksheet>`,
		`<worksheet><sheetData><c r="A1"/></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="1"/><c r="A1"/></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="1"><row r="2"/></row></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="1"></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="0"/></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="1048577"/></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="1"><c r="XFE1"/></row></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="1"><c r="A1 s="1"/></row></sheetData></worksheet>`,
		`<!DOCTYPE x><worksheet><sheetData/></worksheet>`,
	} {
		w := NewWalker(&visits{})
		if _, err := w.Feed([]byte(doc), true); err == nil {
			t.Errorf("%s is walked through", doc)
		} else if _, ok := err.(*Error); !ok {
			t.Errorf("%s: %T %v", doc, err, err)
		}
	}
}

func FuzzWalker(f *testing.F) {
	for _, doc := range walkedSheets {
		f.Add(doc, 7)
	}
	f.Fuzz(func(t *testing.T, doc string, step int) {
		if len(doc) > 4096 {
			return
		}
		want, err1 := walked(doc, max(len(doc), 1))
		got, err2 := walked(doc, 1+(step&63))
		if (err1 == nil) != (err2 == nil) {
			t.Fatalf("whole %v, in pieces %v", err1, err2)
		}
		if err1 == nil && (strings.Join(got.events, "\n") != strings.Join(want.events, "\n") || got.all.String() != doc) {
			t.Fatalf("%q\nwant\n%q", got.events, want.events)
		}
	})
}
