package xlsx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// longSheet writes the XML of a sheet of more than size bytes with all that a page may
// have to get right: gaps, rows and cells without numbers, texts longer than a window,
// text that looks like rows, shared formulas far from their masters and defined twice.
func longSheet(rnd *rand.Rand, prefix string, size int) string {
	var b strings.Builder
	p := func(s string) string { // with the prefix
		s = strings.ReplaceAll(s, "<", "<"+prefix)
		return strings.ReplaceAll(s, "<"+prefix+"/", "</"+prefix)
	}
	ns := mainNS
	if prefix != "" {
		ns = strings.Replace(mainNS, "xmlns=", "xmlns:"+strings.TrimSuffix(prefix, ":")+"=", 1)
	}
	b.WriteString(`<?xml version="1.0"?><` + prefix + `worksheet ` + ns + `>` + p(`<cols><col min="2" max="3" width="17"/></cols><sheetData>`))
	masters := 0
	for row := 0; b.Len() < size; row++ {
		number := fmt.Sprintf(` r="%d"`, row+1)
		switch {
		case rnd.IntN(300) == 0:
			row += rnd.IntN(1500)
			number = fmt.Sprintf(` r="%d"`, row+1)
		case rnd.IntN(20) == 0:
			number = ""
		}
		if rnd.IntN(50) == 0 {
			b.WriteString("<!-- <row r=\"3\"><c r=\"A3\"> -->\n")
		}
		if rnd.IntN(30) == 0 {
			number += ` hidden="1" ht="12.5"`
		}
		if rnd.IntN(100) == 0 {
			b.WriteString(p("<row" + number + "/>"))
			continue
		}
		b.WriteString(p("<row" + number + ">"))
		for col := range rnd.IntN(14) {
			if rnd.IntN(6) == 0 {
				continue
			}
			ref := fmt.Sprintf(` r="%v"`, cell.Ref{Row: row, Col: col})
			if col == 0 && rnd.IntN(9) == 0 {
				ref = ""
			}
			switch rnd.IntN(12) {
			case 0:
				b.WriteString(p(fmt.Sprintf(`<c%s s="1" t="s"><v>%d</v></c>`, ref, rnd.IntN(sharedTexts+3))))
			case 1:
				b.WriteString(p(`<c`+ref+` t="inlineStr"><is><t>`) + fmt.Sprint("a &amp; ", rnd.IntN(1000)) + p(`</t></is></c>`))
			case 2:
				b.WriteString(p(`<c`+ref+` t="str"><v>`) + `<![CDATA[<row r="1"><c r="A1"><v>7</v></c>]]>` + p(`</v></c>`))
			case 3:
				b.WriteString(p(fmt.Sprintf(`<c%s t="b"><v>%d</v></c>`, ref, rnd.IntN(2))))
			case 4:
				b.WriteString(p(`<c` + ref + ` s="1"/>`))
			case 5:
				b.WriteString(p(fmt.Sprintf(`<c%s><f>A%d*%d</f><v>%v</v></c>`, ref, rnd.IntN(99)+1, rnd.IntN(99), rnd.Float64())))
			case 6, 7:
				// Members, some before any master; masters, some of an si that was used already.
				si := rnd.IntN(masters + 2)
				if rnd.IntN(40) > 0 {
					b.WriteString(p(fmt.Sprintf(`<c%s><f t="shared" si="%d"/><v>%d</v></c>`, ref, si, rnd.IntN(1e6))))
					break
				}
				masters = max(masters, min(si+1, 60))
				rng := cell.Range{First: cell.Ref{Row: row, Col: col}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: col + 9}}
				b.WriteString(p(fmt.Sprintf(`<c%s><f t="shared" ref="%v" si="%d">A%d+%d&amp;"x"</f><v>%d</v></c>`, ref, rng, si, row+1, rnd.IntN(1e6), rnd.IntN(1e6))))
			default:
				b.WriteString(p(fmt.Sprintf(`<c%s><v>%v</v></c>`, ref, rnd.NormFloat64()*1000)))
			}
		}
		if rnd.IntN(4000) == 0 {
			b.WriteString(p(`<c t="inlineStr"><is><t>`) + strings.Repeat(fmt.Sprint("long ", row, " "), 10+rnd.IntN(90_000)) + p(`</t></is></c>`))
		}
		b.WriteString(p("</row>"))
	}
	b.WriteString(p(`</sheetData><mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells></worksheet>`))
	return b.String()
}

// slowUnderRace leaves out a test of large sheets that starts no goroutines but those
// that others here do too.
func slowUnderRace(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("slow with the race detector, and with nothing of its own to detect")
	}
}

const sharedTexts = 30_000

// longBook is a workbook whose first sheet has the XML given.
func longBook(sheet string, stored bool) []byte {
	var texts strings.Builder
	texts.WriteString(`<sst ` + mainNS + `>`)
	for i := range sharedTexts {
		fmt.Fprintf(&texts, `<si><t>shared text number %d</t></si>`, i)
	}
	texts.WriteString(`</sst>`)
	a := pack(smallBook(), "xl/worksheets/sheet1.xml", sheet, "xl/sharedStrings.xml", texts.String())
	for i := range a.entries {
		a.entries[i].stored = stored && a.entries[i].name == "xl/worksheets/sheet1.xml"
	}
	return a.bytes()
}

// reopen opens a workbook again, with the index at hand.
func reopen(t testing.TB, src io.ReaderAt, size int, x *Index) *File {
	t.Helper()
	f, err := Open(context.Background(), src, int64(size), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	f.UseIndex(x)
	return f
}

// samePage compares a page with the whole sheet, in all the rows that it is true for.
func samePage(t *testing.T, page, whole *grid.Sheet, first, last int) {
	t.Helper()
	from, to := page.FirstLoadedRow(), page.LoadedRows()
	if from > first || to <= last {
		t.Fatalf("rows %d to %d asked for, %d to above %d given", first, last, from, to)
	}
	for c := range whole.Cells(cell.Range{Last: cell.Ref{Col: cell.MaxCols - 1}}) {
		if got, ok := page.At(c.Ref); !ok || got.Value.String() != c.Value.String() || page.Formula(got) != whole.Formula(c) {
			t.Fatalf("%v is %v and not %v", c.Ref, got, c)
		}
	}
	used, _ := page.Used()
	if all, _ := whole.Used(); used != all {
		t.Fatalf("used is %v and not %v", used, all)
	}
	rows := cell.Range{First: cell.Ref{Row: from}, Last: cell.Ref{Row: to - 1, Col: cell.MaxCols - 1}}
	want := slices.Collect(whole.Cells(rows))
	i := 0
	for c := range page.Cells(rows) {
		if i == len(want) {
			t.Fatalf("rows %d to %d: %v is one cell too many", first, last, c.Ref)
		}
		w := want[i]
		if c.Ref != w.Ref || c.Value != w.Value && c.Value.Text() != w.Value.Text() || c.Style != w.Style || c.HasFormula() != w.HasFormula() {
			t.Fatalf("rows %d to %d: %+v and not %+v", first, last, c, w)
		}
		if got, want := page.Formula(c), whole.Formula(w); got != want {
			t.Fatalf("%v: formula %+v and not %+v", c.Ref, got, want)
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("rows %d to %d: %d cells and not %d", first, last, i, len(want))
	}
}

func TestPagesEqualTheWhole(t *testing.T) {
	for seed, prefix := range []string{"", "x:", "", ""} {
		stored := seed == 2
		if raceDetector && seed > 0 {
			break // their goroutines are those of the first
		}
		t.Run(fmt.Sprintf("prefix %q stored %v", prefix, stored), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(uint64(seed), 1))
			b := longBook(longSheet(rnd, prefix, 5<<20+rnd.IntN(4<<20)), stored)
			loaded := open(t, b)
			whole, _ := loaded.Sheet(t.Context(), 0, cell.MaxRows-1)
			x := loaded.Index()
			if x == nil || x.sheets[0] == nil || !stored && len(x.sheets[0].points) < 2 || x.sheets[1] != nil {
				t.Fatalf("no index: %+v", x)
			}
			used, _ := whole.Used()
			f := reopen(t, bytes.NewReader(b), len(b), x)
			pages := 80
			if raceDetector {
				pages = 8
			}
			for n := range pages {
				first := rnd.IntN(used.Last.Row + 1)
				last := first + rnd.IntN(200)
				switch n {
				case 0:
					first, last = 0, 0
				case 1:
					first, last = used.Last.Row, used.Last.Row
				case 2:
					first, last = used.Last.Row+1, used.Last.Row+700
				case 3:
					first, last = cell.MaxRows-1, cell.MaxRows-1
				case 4:
					first, last = 0, cell.MaxRows/2
				}
				if n == 5 {
					f = reopen(t, bytes.NewReader(b), len(b), x.WithoutStrings())
				}
				page, err := f.Rows(t.Context(), 0, first, last)
				if err != nil {
					t.Fatalf("rows %d to %d: %v", first, last, err)
				}
				samePage(t, page, whole, first, last)
				if last < used.Last.Row && page.LoadedRows() != last+1 {
					t.Fatalf("rows %d to %d: given down to %d", first, last, page.LoadedRows())
				}
				if last > used.Last.Row && page.LoadedRows() != cell.MaxRows {
					t.Fatalf("rows %d to %d: all rows are known, %d are given", first, last, page.LoadedRows())
				}
				if len(page.Layout.Columns) != 1 {
					t.Fatalf("columns %+v", page.Layout.Columns)
				}
				for _, r := range page.Layout.Rows {
					if !slices.ContainsFunc(whole.Layout.Rows, func(w grid.RowSpan) bool {
						return w.First <= r.First && r.Last <= w.Last && w.Hidden == r.Hidden && w.Height == r.Height
					}) {
						t.Fatalf("rows %+v are not in the whole sheet", r)
					}
				}
			}
			if _, ok := f.loads.sheets[0].PeekAt(1); ok {
				t.Fatal("the pages were read by loading the sheet")
			}
			// With the sheet loaded, its rows are the sheet's.
			whole, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
			if err != nil {
				t.Fatal(err)
			}
			if page, err := f.Rows(t.Context(), 0, 70, 80); page != whole || err != nil {
				t.Fatalf("another sheet than the one loaded, %v", err)
			}
		})
	}
}

// Pages may be asked for by many at once.
func TestPagesAtOnce(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	b := longBook(longSheet(rnd, "", 5<<20), false)
	loaded := open(t, b)
	whole, _ := loaded.Sheet(t.Context(), 0, cell.MaxRows-1)
	f := reopen(t, bytes.NewReader(b), len(b), loaded.Index().WithoutStrings())
	used, _ := whole.Used()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 5 {
				first := (g*7919 + n*104729) % used.Last.Row
				page, err := f.Rows(t.Context(), 0, first, first+50)
				if err != nil {
					t.Error(err)
					return
				}
				for c := range page.Cells(cell.Range{First: cell.Ref{Row: first}, Last: cell.Ref{Row: first + 50, Col: 20}}) {
					if w := whole.Value(c.Ref); w != c.Value && w.Text() != c.Value.Text() {
						t.Errorf("%v is %v and not %v", c.Ref, c.Value, w)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

// Without an index rows come from the top, as far as is needed.
func TestRowsWithoutIndex(t *testing.T) {
	b := pack(smallBook()).bytes()
	f := reopen(t, bytes.NewReader(b), len(b), nil)
	for _, rows := range [][2]int{{0, 10}, {1, 1}, {500, 400}, {-4, cell.MaxRows + 4}} {
		for i := range f.Workbook().Sheets {
			s, err := f.Rows(t.Context(), i, rows[0], rows[1])
			if f.Workbook().Sheets[i].Problem != "" {
				continue
			}
			if err != nil || !s.Complete() {
				t.Errorf("sheet %d rows %v: %v", i, rows, err)
			}
		}
	}
	if open(t, b).Index() != nil {
		t.Error("a small workbook has an index")
	}
}

// A sheet whose rows are in no order has no index.
func TestNoIndexWithoutOrder(t *testing.T) {
	slowUnderRace(t)
	filler := strings.Repeat(`<c r="B3" t="str"><v>a text in the third row</v></c>`, 82_000)
	for name, rows := range map[string]string{
		"twice":     `<row r="3">` + filler + `</row><row r="3"><c r="A3"><v>1</v></c></row>`,
		"back":      `<row r="3">` + filler + `</row><row r="2"><c r="A2"><v>1</v></c></row>`,
		"far back":  `<row r="9999"><c r="A9999"><v>1</v></c></row><row r="3">` + filler + `</row>`,
		"elsewhere": `<row r="3">` + filler + `<c r="A7"><v>1</v></c></row>`,
		"no row":    `<c r="A1"><v>1</v></c><row r="3">` + filler + `</row>`,
		"no number": `<row r="3">` + filler + `</row><row r="2"/>`,
	} {
		f := open(t, longBook(`<worksheet `+mainNS+`><sheetData>`+rows+`</sheetData></worksheet>`, false))
		if f.Index() != nil {
			t.Errorf("%s: there is an index", name)
		}
	}
	f := open(t, longBook(`<worksheet `+mainNS+`><sheetData><row r="3">`+filler+`</row><row/></sheetData></worksheet>`, false))
	if f.Index() == nil {
		t.Error("there is no index")
	}
}

// faulty gives other bytes in one place, and ends a context when that is read.
type faulty struct {
	*bytes.Reader
	at     int64
	read   func()
	damage bool
}

func (f *faulty) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.Reader.ReadAt(b, off)
	if i := f.at - off; i >= 0 && i < int64(n) {
		if f.read != nil {
			f.read()
		}
		if f.damage {
			for k := i; k < min(i+8, int64(n)); k++ {
				b[k] ^= 0x5A
			}
		}
	}
	return n, err
}

// placeOf gives where in the file the bytes of a row are, roughly.
func placeOf(t *testing.T, f *File, row int) int64 {
	t.Helper()
	part := f.pkg.Find(f.book.Sheets[0].Part)
	at, err := f.pkg.DataOffset(part)
	if err != nil {
		t.Fatal(err)
	}
	_, offset := f.index[0].Load().rows.Locate(row)
	return at + offset*part.CompressedBytes/part.Bytes
}

func TestPageOfDamagedPart(t *testing.T) {
	slowUnderRace(t)
	for _, stored := range []bool{false, true} {
		b := longBook(longSheet(rand.New(rand.NewPCG(5, 5)), "", 6<<20), stored)
		loaded := open(t, b)
		used, _ := must(t, loaded).Used()
		row := used.Last.Row * 2 / 3
		src := &faulty{Reader: bytes.NewReader(b), damage: true}
		f := reopen(t, src, len(b), loaded.Index())
		src.at = placeOf(t, f, row)
		// The place is near the row, not at it: pages all around find it.
		found := 0
		for first := row - 6000; first < row+6000; first += 500 {
			_, err := f.Rows(t.Context(), 0, first, first+500)
			if err == nil {
				continue
			}
			found++
			var e *Error
			if !errors.As(err, &e) || e.Code != Unreadable || e.Part != "xl/worksheets/sheet1.xml" {
				t.Fatalf("stored %v: %v", stored, err)
			}
		}
		if found == 0 {
			t.Errorf("stored %v: no page found the damage", stored)
		}
		if _, err := f.Rows(t.Context(), 0, 0, 10); err != nil {
			t.Errorf("stored %v: rows far from the damage: %v", stored, err)
		}
	}
}

func must(t *testing.T, f *File) *grid.Sheet {
	t.Helper()
	s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPageCancelled(t *testing.T) {
	b := longBook(longSheet(rand.New(rand.NewPCG(6, 6)), "", 6<<20), true)
	loaded := open(t, b)
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("the client left")
	src := &faulty{Reader: bytes.NewReader(b), read: func() { cancel(gone) }}
	f := reopen(t, src, len(b), loaded.Index())
	used, _ := must(t, loaded).Used()
	row := used.Last.Row / 2
	src.at = placeOf(t, f, row) + 100
	if _, err := f.Rows(ctx, 0, row, row+10_000); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if _, err := f.Rows(t.Context(), 0, row, row+10); err != nil {
		t.Errorf("the next page: %v", err)
	}
}

// An index of other contents is not used.
func TestIndexOfAnotherFile(t *testing.T) {
	slowUnderRace(t)
	one := open(t, longBook(longSheet(rand.New(rand.NewPCG(7, 7)), "", 5<<20), false))
	b := longBook(longSheet(rand.New(rand.NewPCG(8, 8)), "", 5<<20), false)
	f := reopen(t, bytes.NewReader(b), len(b), one.Index())
	if f.index[0].Load() != nil {
		t.Error("the index of another sheet is used")
	}
	small := pack(smallBook(), "xl/workbook.xml", strings.Replace(smallBook()["xl/workbook.xml"], `<sheet name="Deep" sheetId="9" state="veryHidden" r:id="rId2"/>`, "", 1)).bytes()
	f = reopen(t, bytes.NewReader(small), len(small), one.Index())
	if f.Index() != nil {
		t.Error("the index of another workbook is used")
	}
	// With the same sheets and other strings, the strings are read.
	x := *one.Index()
	x.texts.crc++
	b = longBook(longSheet(rand.New(rand.NewPCG(7, 7)), "", 5<<20), false)
	f = reopen(t, bytes.NewReader(b), len(b), &x)
	if _, ok := f.loads.strings.Peek(); ok || f.index[0].Load() == nil {
		t.Error("the strings of another workbook are used")
	}
}

// The first rows of a large sheet come without the rest, and are the same.
func TestTopEqualsTheWhole(t *testing.T) {
	for seed, prefix := range []string{"", "x:", "", ""} {
		if raceDetector && seed > 0 {
			break
		}
		rnd := rand.New(rand.NewPCG(uint64(seed), 3))
		b := longBook(longSheet(rnd, prefix, 5<<20), seed == 2)
		whole := must(t, open(t, b))
		used, _ := whole.Used()
		f := reopen(t, bytes.NewReader(b), len(b), nil)
		top, err := f.Rows(t.Context(), 0, 3, 90)
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.Sheet(t.Context(), 0, 70)
		if top != again || err != nil {
			t.Fatalf("the first rows were read again, %v", err)
		}
		if _, ok := f.loads.sheets[0].PeekAt(1); ok || top.Complete() || top.FirstLoadedRow() != 0 {
			t.Fatal("the first rows were read by loading the sheet")
		}
		top = clipped(top, used)
		samePage(t, top, whole, 0, 90)
		// Rows that are not in the first chunk are there all the same.
		s, err := f.Sheet(t.Context(), 0, maxTop-1)
		if err != nil || s.LoadedRows() < maxTop {
			t.Fatalf("rows down to %d given, %v", s.LoadedRows(), err)
		}
	}
}

// clipped makes a sheet with the rows that s is true for, and says that used is used.
func clipped(s *grid.Sheet, used cell.Range) *grid.Sheet {
	b := grid.NewBuilder(s.Name)
	for c := range s.Cells(cell.Range{Last: cell.Ref{Row: s.LoadedRows() - 1, Col: cell.MaxCols - 1}}) {
		b.Value(c.Ref, c.Style, c.Value)
		if c.HasFormula() {
			f := s.Formula(c)
			group := -1
			if f.Kind != grid.NormalFormula {
				group = b.AddGroup(f.Kind, f.Anchor, f.Range)
			}
			id, _ := b.AddFormula([]byte(f.Text), group)
			b.SetFormula(c.Ref, id)
		}
	}
	return b.FinishRows(nil, &used, s.FirstLoadedRow(), s.LoadedRows())
}

// Where the first rows do not come by themselves the sheet is loaded.
func TestTopNeedsTheLoad(t *testing.T) {
	slowUnderRace(t)
	filler := strings.Repeat(`<c r="B3" t="str"><v>a text in the third row</v></c>`, 82_000)
	rows := `<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2" t="s"><v>0</v></c></row>`
	sheet := func(rows string) string {
		return `<?xml version="1.0"?><worksheet ` + mainNS + `><sheetData>` + rows + `</sheetData></worksheet>`
	}
	utf16 := func(s string) string {
		b := []byte{0xFF, 0xFE}
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return string(b)
	}
	for name, xml := range map[string]string{
		"one row":  sheet(strings.ReplaceAll(filler, "B3", "B1")),
		"order":    sheet(`<row r="2"><c r="A2"><v>7</v></c></row>` + rows + `<row r="3">` + filler + `</row>`),
		"far back": sheet(`<row r="9999"><c r="A9999"><v>7</v></c></row>` + rows + `<row r="3">` + filler + `</row>`),
		"UTF-16":   utf16(sheet(rows + `<row r="3">` + filler + `</row>`)),
		"a tail":   strings.Replace(sheet(rows), "</worksheet>", "<!--"+filler+"--></worksheet>", 1),
	} {
		b := longBook(xml, false)
		f := reopen(t, bytes.NewReader(b), len(b), nil)
		s, err := f.Rows(t.Context(), 0, 0, 1)
		if err != nil || name != "one row" && (s.Value(cell.Ref{}).Number() != 1 || s.Value(cell.Ref{Row: 1}).Text() != "shared text number 0") || s.StoredCells() == 0 {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := f.loads.tops[0].PeekAt(1); !ok {
			t.Errorf("%s: no try was made", name)
		}
	}
	// The strings of the first rows may be the last ones.
	b := longBook(sheet(fmt.Sprintf(`<row r="1"><c r="A1" t="s"><v>%d</v></c></row><row r="3">`, sharedTexts-1)+filler+`</row>`), false)
	f := reopen(t, bytes.NewReader(b), len(b), nil)
	if s, err := f.Rows(t.Context(), 0, 0, 1); err != nil || s.Value(cell.Ref{}).Text() != fmt.Sprint("shared text number ", sharedTexts-1) {
		t.Errorf("%v", err)
	}
	// Damage is told.
	src := &faulty{Reader: bytes.NewReader(b), damage: true}
	f = reopen(t, src, len(b), nil)
	at, err := f.pkg.DataOffset(f.pkg.Find(f.book.Sheets[0].Part))
	if err != nil {
		t.Fatal(err)
	}
	src.at = at
	var e *Error
	if _, err := f.Rows(t.Context(), 0, 0, 1); !errors.As(err, &e) || e.Part != "xl/worksheets/sheet1.xml" {
		t.Errorf("got %v", err)
	}
}
