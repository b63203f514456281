package patch

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

// books gives the workbooks and templates made by other people's programs.
func books(t *testing.T) []string {
	t.Helper()
	return corpus.Files(t, ".xlsx", ".xlsm", ".xltx", ".xltm")
}

// TestCorpus saves every workbook of the corpus: without edits, with one cell changed and one
// new, and with many random edits in all its sheets. What comes out is read again.
func TestCorpus(t *testing.T) {
	for i, path := range books(t) {
		if info, err := os.Stat(path); raceDetector && (i%16 > 0 || err != nil || info.Size() > 60_000) {
			continue // the others without it: there is one goroutine and much to compute
		}
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := openBytes(before)
			if err != nil {
				t.Skipf("our reader does not open it: %v", err)
			}
			if b, _ := saved(t, before, Patch{}); !bytes.Equal(b, before) {
				t.Fatal("saved without edits it is another file")
			}
			rnd := rand.New(rand.NewPCG(uint64(len(before)), 5))
			for i := range f.Workbook().Sheets {
				info := &f.Workbook().Sheets[i]
				if info.Problem != "" || !info.Kind.HasCells() {
					continue
				}
				s, err := f.Sheet(context.Background(), i, cell.MaxRows-1)
				if err != nil {
					t.Logf("sheet %d cannot be read: %v", i, err)
					continue
				}
				old := modelOf(s)
				rounds := 4
				if len(old) > 20_000 {
					rounds = 1 // as much work as many small sheets
				}
				for round := range rounds {
					n := 2
					if round > 1 {
						n = 1 + rnd.IntN(60)
					}
					cells := randomCells(rnd, s, old, max(1, len(f.Workbook().Styles.Xfs)), n)
					one(t, before, f, i, old, cells)
				}
			}
		})
	}
}

// one saves a patch of one sheet and compares what comes out with the model.
func one(t *testing.T, before []byte, f *xlsx.File, sheet int, old model, cells []CellPatch) {
	t.Helper()
	var out bytes.Buffer
	p := Patch{Sheets: []SheetPatch{{Sheet: sheet, Cells: cells}}}
	report, err := Save(context.Background(), f, p, &out)
	var e *xlsx.Error
	if errors.As(err, &e) && (strings.Contains(e.Message, "sheetData") || strings.Contains(e.Message, "does not stand in its row") || strings.Contains(e.Message, "cannot be moved")) {
		t.Logf("refused: %v", err)
		return
	}
	if err != nil {
		t.Fatalf("sheet %d: %v", sheet, err)
	}
	want := make(model, len(old))
	for r, c := range old {
		want[r] = c
	}
	want.apply(cells)
	got, after, err := reopened(out.Bytes(), sheet)
	if err != nil {
		t.Fatalf("sheet %d, saved: %v", sheet, err)
	}
	if err := differences(got, want); err != nil {
		t.Fatalf("sheet %d: %v\nafter %+v", sheet, err, cells)
	}
	if err := untouched(before, out.Bytes(), f, after, report); err != nil {
		t.Fatal(err)
	}
	name := f.Workbook().Sheets[sheet].Part
	x, y := readPart(t, f, name), readPart(t, after, name)
	if len(x) > 1<<20 && raceDetector {
		return // encoding/xml takes minutes then
	}
	if len(x) < 1<<20 && conforms(x) == nil {
		if err := conforms(y); err != nil {
			t.Fatalf("sheet %d is damaged: %v\nafter %+v", sheet, err, cells)
		}
	}
	if !bytes.HasPrefix(x, []byte("<?xml")) && !bytes.HasPrefix(x, []byte("\xef\xbb\xbf")) && !bytes.HasPrefix(x, []byte("<")) {
		return // in another encoding it was written anew
	}
	changed := make(map[cell.Ref]bool)
	for _, c := range cells {
		changed[c.Ref] = true
	}
	a, okA := without(x, changed)
	b, okB := without(y, changed)
	if okA && okB && !bytes.Equal(a, b) {
		i := 0
		for i < min(len(a), len(b)) && a[i] == b[i] {
			i++
		}
		t.Fatalf("sheet %d: its XML differs elsewhere: %q became %q\nafter %+v", sheet, a[max(0, i-80):min(len(a), i+80)], b[max(0, i-80):min(len(b), i+80)], cells)
	}
}

func readPart(t *testing.T, f *xlsx.File, name string) []byte {
	t.Helper()
	b, err := f.Package().ReadAll(f.Package().Find(name), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// without gives the XML of a sheet without some cells, without rows that have none, and
// without what may follow from cells that come and go: the values of spans and dimension, and
// the formula elements of shared formulas. encoding/xml is the judge of what is where. ok is
// false for a sheet that it does not understand or that leaves references out.
func without(doc []byte, cells map[cell.Ref]bool) (rest []byte, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.Strict = true
	type cut struct{ from, to int64 }
	var cuts []cut
	var rowAt, cellAt, shared int64
	kept, named := 0, false // cells in the row that stay; the row has more to say than its number
	depth := 0
	var ref cell.Ref
	for {
		at := d.InputOffset()
		tok, err := d.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, false
		}
		switch e := tok.(type) {
		case xml.StartElement:
			depth++
			tag := doc[at:d.InputOffset()]
			attr := func(name string) (string, bool) {
				for _, a := range e.Attr {
					if a.Name.Local == name && a.Name.Space == "" {
						return a.Value, true
					}
				}
				return "", false
			}
			blank := func(name string) {
				if i := bytes.Index(tag, []byte(" "+name+"=")); i >= 0 {
					j := i + len(name) + 3
					k := bytes.IndexByte(tag[j:], tag[j-1])
					cuts = append(cuts, cut{at + int64(j), at + int64(j+k)})
				}
			}
			switch {
			case e.Name.Local == "dimension" && depth == 2:
				blank("ref")
			case e.Name.Local == "row" && depth == 3:
				rowAt, kept = at, 0
				if _, said := attr("r"); !said {
					return nil, false
				}
				named = len(e.Attr) > 1
				blank("spans")
			case e.Name.Local == "c" && depth == 4:
				cellAt = at
				r, said := attr("r")
				if !said {
					return nil, false
				}
				if ref, said = cell.ParseRef(r); !said {
					return nil, false
				}
			case e.Name.Local == "f" && depth == 5:
				shared = -1
				if kind, _ := attr("t"); kind == "shared" {
					shared = at
				}
			}
		case xml.EndElement:
			switch {
			case e.Name.Local == "c" && depth == 4:
				if cells[ref] {
					for len(cuts) > 0 && cuts[len(cuts)-1].from >= cellAt {
						cuts = cuts[:len(cuts)-1]
					}
					cuts = append(cuts, cut{cellAt, d.InputOffset()})
				} else {
					kept++
				}
			case e.Name.Local == "f" && depth == 5 && shared >= 0:
				cuts = append(cuts, cut{shared, d.InputOffset()})
			case e.Name.Local == "row" && depth == 3 && kept == 0 && !named:
				for len(cuts) > 0 && cuts[len(cuts)-1].from >= rowAt {
					cuts = cuts[:len(cuts)-1]
				}
				cuts = append(cuts, cut{rowAt, d.InputOffset()})
			case e.Name.Local == "row" && depth == 3:
				// An empty row that got cells has an end tag now.
				if kept == 0 {
					end := d.InputOffset()
					from := int64(bytes.IndexByte(doc[rowAt:end], '>')) + rowAt
					if doc[from-1] == '/' {
						from--
					}
					for len(cuts) > 0 && cuts[len(cuts)-1].from >= from {
						cuts = cuts[:len(cuts)-1]
					}
					cuts = append(cuts, cut{from, end})
				}
			case e.Name.Local == "sheetData" && depth == 2:
				if i := bytes.LastIndexByte(doc[:d.InputOffset()], '<'); bytes.HasPrefix(doc[i:], []byte("</")) {
					cuts = append(cuts, cut{int64(i), d.InputOffset()})
				}
			}
			depth--
		}
	}
	at := int64(0)
	for _, c := range cuts {
		rest = append(rest, doc[at:c.from]...)
		at = c.to
	}
	rest = append(rest, doc[at:]...)
	// <sheetData/> that was opened.
	return bytes.Replace(bytes.Replace(rest, []byte("sheetData/>"), []byte("sheetData>"), 1), []byte("sheetData />"), []byte("sheetData >"), 1), true
}

// randomCells draws edits of cells that are there, and of others near them and far away.
// Arrays are changed as a whole or left alone.
func randomCells(rnd *rand.Rand, s *grid.Sheet, m model, styles, n int) []CellPatch {
	var existing []cell.Ref
	for r := range m {
		existing = append(existing, r)
	}
	slices.SortFunc(existing, compareRefs)
	drawn := make(map[cell.Ref]CellPatch)
	for range n {
		r := cell.Ref{Row: rnd.IntN(40), Col: rnd.IntN(12)}
		switch k := rnd.IntN(20); {
		case k < 12 && len(existing) > 0:
			r = existing[rnd.IntN(len(existing))]
		case k == 12:
			r = cell.Ref{Row: cell.MaxRows - 1 - rnd.IntN(2), Col: cell.MaxCols - 1 - rnd.IntN(2)}
		case k == 13:
			r = cell.Ref{Row: rnd.IntN(cell.MaxRows), Col: rnd.IntN(cell.MaxCols)}
		case k < 17 && len(existing) > 0:
			r = existing[rnd.IntN(len(existing))]
			r.Col = (r.Col + 1 + rnd.IntN(3)) % cell.MaxCols
		}
		drawn[r] = randomCell(rnd, r, styles)
	}
	for r, c := range drawn {
		for a := range s.Arrays(cell.Range{First: r, Last: r}) {
			if c.Remove || c.Keep == KeepNothing {
				if a.Range.Cells() > 50 || rnd.IntN(2) == 0 {
					c.Remove, c.Keep, c.HasValue = false, KeepFormula, true
					drawn[r] = c
					continue
				}
				for row := a.Range.First.Row; row <= a.Range.Last.Row; row++ {
					for col := a.Range.First.Col; col <= a.Range.Last.Col; col++ {
						r := cell.Ref{Row: row, Col: col}
						drawn[r] = CellPatch{Ref: r, Value: cell.NumberValue(float64(row)), HasValue: true}
					}
				}
			}
		}
	}
	// What was drawn later may have left an array half changed: then it is changed whole.
	for r, c := range drawn {
		for a := range s.Arrays(cell.Range{First: r, Last: r}) {
			whole := int64(0)
			for row := a.Range.First.Row; row <= a.Range.Last.Row; row++ {
				for col := a.Range.First.Col; col <= a.Range.Last.Col; col++ {
					if d, ok := drawn[cell.Ref{Row: row, Col: col}]; ok && (d.Remove || d.Keep == KeepNothing) {
						whole++
					}
				}
				if a.Range.Cells() > 1000 {
					break
				}
			}
			if whole < a.Range.Cells() && (c.Remove || c.Keep == KeepNothing) {
				delete(drawn, r)
			}
		}
	}
	var cells []CellPatch
	for _, c := range drawn {
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(a, b CellPatch) int { return compareRefs(a.Ref, b.Ref) })
	return cells
}

func compareRefs(a, b cell.Ref) int {
	if a.Row != b.Row {
		return a.Row - b.Row
	}
	return a.Col - b.Col
}

func randomCell(rnd *rand.Rand, r cell.Ref, styles int) CellPatch {
	c := CellPatch{Ref: r, HasValue: true, Style: uint32(rnd.IntN(styles))}
	switch rnd.IntN(9) {
	case 0:
		c.Value = cell.NumberValue(float64(rnd.IntN(2000) - 1000))
	case 1:
		c.Value = cell.NumberValue(rnd.NormFloat64() * 1e9)
	case 2:
		c.Value = cell.TextValue(" <&> text " + strconv.Itoa(rnd.IntN(100)))
	case 3:
		c.Value = cell.BoolValue(rnd.IntN(2) == 0)
	case 4:
		c.Value = cell.ErrorValue(cell.ErrorCode(1 + rnd.IntN(int(cell.ErrCirc))))
	case 5:
		c.Value = cell.TextValue("line\r\nline _x0041_\x02")
	case 6:
		c.HasFormula, c.Formula = true, fmt.Sprintf(`SUM(A1:B%d)&"<"`, 1+rnd.IntN(9))
		if rnd.IntN(3) == 0 {
			c.Formula = "_xlfn.SEQUENCE(3)"
		}
		c.Value = cell.TextValue("computed")
		c.HasValue = rnd.IntN(2) == 0
	}
	switch rnd.IntN(6) {
	case 0:
		c.Remove = true
	case 1:
		c.Keep, c.Value = KeepContent, cell.Value{}
	case 2:
		c.Keep, c.HasFormula, c.Formula, c.HasValue = KeepFormula, false, "", true
	}
	return c
}

// TestExcelize reads saved workbooks of the corpus with another library: it sees the edits and
// nothing else new.
func TestExcelize(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("excelize is slow, and not what is under test")
	}
	t.Parallel()
	for _, path := range books(t) {
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := openBytes(before)
			if err != nil || len(before) > 1<<20 {
				t.Skipf("too large, or our reader does not open it: %v", err)
			}
			theirs, err := cells(before, 0)
			if err != nil {
				t.Skipf("excelize does not read it: %v", err)
			}
			edits := []CellPatch{text("A1", "edited <&>"), number("C3", 1.5), text("C3000", " far ")}
			var out bytes.Buffer
			if _, err := Save(context.Background(), f, Patch{Sheets: []SheetPatch{{Cells: edits}}}, &out); err != nil {
				t.Skipf("refused: %v", err)
			}
			got, err := cells(out.Bytes(), 0)
			if err != nil {
				t.Fatal(err)
			}
			theirs["A1"], theirs["C3"], theirs["C3000"] = "edited <&>", "1.5", " far "
			for r, v := range theirs {
				if got[r] != v {
					t.Errorf("%s: got %q, want %q", r, got[r], v)
				}
			}
			for r := range got {
				if _, ok := theirs[r]; !ok {
					t.Errorf("%s: got %q, want none", r, got[r])
				}
			}
		})
	}
}

// cells gives the raw values that excelize sees in a sheet.
func cells(b []byte, sheet int) (values map[string]string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panics: %v", r)
		}
	}()
	f, err := excelize.OpenReader(bytes.NewReader(b), excelize.Options{RawCellValue: true})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := f.GetRows(f.GetSheetList()[sheet])
	if err != nil {
		return nil, err
	}
	values = make(map[string]string)
	for r, row := range rows {
		for c, v := range row {
			if v != "" {
				values[cell.Ref{Row: r, Col: c}.String()] = v
			}
		}
	}
	return values, nil
}
