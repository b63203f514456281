package forks

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/structure"
	"gridflow/internal/ziptest"
)

// spilled has c.xlsx, whose Data!F1 fills as many cells below as D2 says, which are three.
func spilled(t *testing.T) *rig {
	r := newRig(t, Options{})
	id := r.create("a.xlsx").ID
	r.edit(id, number("D2", 3))
	r.edit(id, set("Data", "F1", book.CellEdit{HasFormula: true, Formula: "SEQUENCE(D2)"}))
	r.save(id, "c.xlsx")
	return r
}

func (r *rig) save(id, path string) {
	r.Helper()
	if _, err := r.store.Save(context.Background(), id, SaveOptions{Path: path}); err != nil {
		r.Fatalf("save of %s: %v", id, err)
	}
}

// column gives the values of F1 to F4.
func (r *rig) column(id string) (s string) {
	r.Helper()
	if err := r.store.View(context.Background(), id, func(snap *book.Snapshot) error {
		sheet, err := snap.Sheet(context.Background(), 0)
		for row := range 4 {
			x, _ := sheet.At(cell.Ref{Row: row, Col: 5})
			s += x.Value.String() + "|"
		}
		return err
	}); err != nil {
		r.Fatalf("reading %s: %v", id, err)
	}
	return s
}

// Fixed bugs: an array left a cell in one version, and the cell was edited in the next. Made
// again without the calculation in between, the edit was one of a part of an array: the fork
// could not be read any more.
func TestSpill_CellThatAnArrayLeft(t *testing.T) {
	r := spilled(t)
	id := r.create("c.xlsx").ID
	r.edit(id, number("D2", 1))
	r.edit(id, number("F2", 7))
	const want = "1|7|||"
	look := func(what, id string) {
		t.Helper()
		if got := r.column(id); got != want {
			t.Errorf("%s: %s, not %s", what, got, want)
		}
	}
	look("made", id)
	r.restart()
	look("made again", id)
	look("a fork of it", r.create(id).ID)

	other := r.create("c.xlsx").ID
	if m, err := r.store.Merge(context.Background(), other, id, MergeOptions{}); err != nil || !m.Done {
		t.Fatalf("merge: %+v, %v", m, err)
	}
	look("merged", other)
	r.restart()
	look("merged, made again", other)

	// From now on there is a content that stands whole.
	for n := range anchorEvery {
		r.edit(id, number("A2", float64(n)))
	}
	r.restart()
	look("from its anchor", id)
	if _, err := r.store.Replay(context.Background(), id); err != nil {
		t.Errorf("replay: %v", err)
	}
	r.save(id, "d.xlsx")
	look("saved", r.create("d.xlsx").ID)
}

// Fixed bugs: an array that filled fewer cells, and had the same value in its own, did not
// count as different: a save was refused, since it would have changed parts of the array that
// the file has.
func TestSpill_Shrinks(t *testing.T) {
	r := spilled(t)
	id := r.create("c.xlsx").ID
	r.edit(id, number("D2", 2))
	r.save(id, "d.xlsx")
	saved := r.create("d.xlsx").ID
	if got := r.column(saved); got != "1|2|||" {
		t.Errorf("saved: %s", got)
	}
	r.edit(saved, number("D2", 4))
	if got := r.column(saved); got != "1|2|3|4|" {
		t.Errorf("grown again: %s", got)
	}
	r.save(saved, "e.xlsx")
	again := r.create("e.xlsx").ID
	if r.edit(again, number("D2", 1)); r.column(again) != "1||||" {
		t.Errorf("saved where it had grown, and smaller then: %s", r.column(again))
	}
	// What the saved array no longer fills is a cell like another.
	r.edit(saved, number("D2", 2))
	r.edit(saved, number("F3", 7))
	if got := r.column(saved); got != "1|2|7||" {
		t.Errorf("a cell that it left: %s", got)
	}
}

// Fixed bugs: made again by all its edits at once, a version had other values than it had when
// they were made one by one.
func TestCalculated_AsItWas(t *testing.T) {
	formula := func(at, text string) book.Edit {
		return set("Data", at, book.CellEdit{HasFormula: true, Formula: text})
	}
	for _, c := range []struct {
		name  string
		edits []book.Edit
	}{
		{"an edit that changes nothing throws no dice", []book.Edit{formula("F1", "RAND()"), number("A5", 1), number("A5", 1)}},
		{"of two arrays the first has the cell", []book.Edit{formula("F2", "TRANSPOSE(A1:A3)"), number("D2", 4), formula("G1", "A1:A3*2")}},
		{"an array that left a cell to another", []book.Edit{formula("F1", "SEQUENCE(3)"), formula("F1", "SEQUENCE(2)"), formula("E3", "SEQUENCE(1,2)"), formula("F1", "SEQUENCE(3)")}},
		{"there and back, with dice", []book.Edit{formula("F1", "RAND()"), number("A1", 1), number("A1", 11)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Options{})
			id := r.create("a.xlsx").ID
			all := func() (list []string) {
				for n := range len(c.edits) + 1 {
					at := fmt.Sprintf("%s@%d", id, n)
					list = append(list, r.column(at)+fmt.Sprint(r.read(at)))
				}
				return append(list, r.column(r.create(id).ID))
			}
			for _, e := range c.edits {
				r.edit(id, e)
			}
			was := all()
			was[len(was)-1] = r.column(id)
			for n := len(c.edits); n >= 0; n-- { // each by itself, from the newest on
				r.restart()
				at := fmt.Sprintf("%s@%d", id, n)
				if got := r.column(at) + fmt.Sprint(r.read(at)); got != was[n] {
					t.Errorf("version %d was %s\nand is %s", n, was[n], got)
				}
			}
			// A fork of it has its cells at once, and not its history: who came first is not known.
			if now := all(); !strings.HasPrefix(c.name, "of two arrays") && now[len(now)-1] != was[len(was)-1] {
				t.Errorf("a fork of it: %s, not %s", now[len(now)-1], was[len(was)-1])
			}
		})
	}
}

// Fixed bug: the file says of C1, which is A1*2, something else than its formula does. An edit of A1
// and another one back made it true, and after a restart it was not.
func TestCalculated_ThereAndBack(t *testing.T) {
	r := newRig(t, Options{})
	b := &genbook.Book{}
	var g genbook.Grid
	g.Set("A1", 0, 1.0)
	g.Formula("C1", 0, "A1*2", 999)
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	r.put("c.xlsx", out.Bytes())
	id := r.create("c.xlsx").ID
	r.edit(id, number("A1", 5))
	r.edit(id, number("A1", 1))
	c1 := func() (v cell.Value) {
		if err := r.store.View(context.Background(), id, func(snap *book.Snapshot) error {
			sheet, err := snap.Sheet(context.Background(), 0)
			x, _ := sheet.At(cell.Ref{Col: 2})
			v = x.Value
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return v
	}
	was := c1()
	r.restart()
	if now := c1(); was != cell.NumberValue(2) || now != was {
		t.Errorf("C1 was %v and is %v", was, now)
	}
}

// Fixed bug: cells that an array had left stayed as blank ones, so that the sheet was larger than
// before and a save wrote them.
func TestSpill_LeavesNothing(t *testing.T) {
	r := newRig(t, Options{})
	id := r.create("a.xlsx").ID
	used := func() (u cell.Range) {
		if err := r.store.View(context.Background(), id, func(snap *book.Snapshot) error {
			sheet, err := snap.Sheet(context.Background(), 0)
			u, _ = sheet.Used()
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return u
	}
	r.edit(id, number("D2", 9))
	r.edit(id, set("Data", "F1", book.CellEdit{HasFormula: true, Formula: "SEQUENCE(D2,D2)"}))
	r.edit(id, number("D2", 1))
	if got := used(); got.Last.Row >= 8 {
		t.Errorf("smaller by a calculation: %v is used", got)
	}
	r.edit(id, number("D2", 9))
	r.edit(id, set("Data", "F1", book.CellEdit{Clear: true}))
	if got := used(); got.Last.Row >= 8 {
		t.Errorf("cleared: %v is used", got)
	}
}

// A value takes the place of an array of the file after that came to fill other cells, or before its cells go different ways: the file
// has no such array any more, and nothing stands in the way of a save.
func TestReplacedArray(t *testing.T) {
	text := set("Data", "F1", book.CellEdit{Value: cell.TextValue("instead")})
	apart := restructured(rows(structure.InsertRows, 1, 1))
	away := restructured(structure.Change{Kind: structure.MoveCells, Sheet: "Data", Range: cell.RangeOf(cell.Ref{Col: 5}, cell.Ref{Col: 5}), To: cell.Ref{Row: 1, Col: 5}})
	for name, c := range map[string]struct {
		edits []book.Edit
		want  string
	}{
		"grown":              {[]book.Edit{number("D2", 4), text}, "instead||||"},
		"shrunk":             {[]book.Edit{number("D2", 2), text}, "instead||||"},
		"cut apart":          {[]book.Edit{text, apart}, "instead||||"},
		"moved alone":        {[]book.Edit{text, away}, "|instead|||"},
		"grown, moved alone": {[]book.Edit{number("D2", 4), text, away}, "|instead|||"},
	} {
		t.Run(name, func(t *testing.T) {
			r := spilled(t)
			id := r.create("c.xlsx").ID
			for _, e := range c.edits {
				r.edit(id, e)
			}
			if got := r.column(id); got != c.want {
				t.Errorf("there is %s, want %s", got, c.want)
			}
			r.savedSame(id, "saved.xlsx")
			for at, s := range r.read(r.create("saved.xlsx").ID) {
				if strings.HasPrefix(at, "Data!F") && strings.Contains(s.String(), "SEQUENCE") {
					t.Errorf("the saved file has %v in %s", s, at)
				}
			}
		})
	}
}

// A program may ask that its file be calculated, as XlsxWriter does. Where an array comes to fill fewer cells by that, and then its own
// cell goes, what the file has in the others goes as well.
func TestSpill_CalculatedOnLoad(t *testing.T) {
	r := newRig(t, Options{})
	id := r.create("a.xlsx").ID
	r.edit(id, set("Data", "F1", book.CellEdit{HasFormula: true, Formula: "SEQUENCE(1,3)"}))
	r.save(id, "c.xlsx")
	b, err := os.ReadFile(filepath.Join(r.dir, "c.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	r.put("c.xlsx", ziptest.Rewrite(t, b, func(name string, content []byte) []byte {
		switch name {
		case "xl/workbook.xml":
			xml := regexp.MustCompile("<calcPr[^>]*/>").ReplaceAllString(string(content), "")
			return []byte(strings.Replace(xml, "</workbook>", `<calcPr fullCalcOnLoad="1"/></workbook>`, 1))
		case "xl/worksheets/sheet1.xml":
			return bytes.Replace(content, []byte("SEQUENCE(1,3)"), []byte("SEQUENCE(1,1)"), 1)
		}
		return content
	}))
	id = r.create("c.xlsx").ID
	if got := r.column(id); got != "1||||" {
		t.Fatalf("calculated, there is %s", got)
	}
	r.edit(id, restructured(structure.Change{Kind: structure.DeleteColumns, Sheet: "Data", At: 5, Count: 1}))
	if got := r.column(id); got != "||||" {
		t.Errorf("its own cell is gone, and there is %s", got)
	}
	r.savedSame(id, "gone.xlsx")
}
