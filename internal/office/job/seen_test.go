package job

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/color"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/genbook"
	"gridflow/internal/grid"
	"gridflow/internal/office/cold"
	"gridflow/internal/xlsx/patch"
	"gridflow/internal/ziptest"
)

var pictures = flag.String("pictures", "", "TestSeenOfCorpus draws, and prints, of the workbooks whose paths match this regular expression, not of some")

// TestSeenOfCorpus: a picture of a part of a sheet is the same, to the pixel, whether LibreOffice is shown what is seen in
// it or the workbook; with -pictures its pages are, too.
func TestSeenOfCorpus(t *testing.T) {
	files := corpus.Files(t, ".xlsx")
	if *pictures != "" {
		which := regexp.MustCompile(*pictures)
		files = slices.DeleteFunc(files, func(path string) bool { return !which.MatchString(path) })
	} else {
		files = slices.DeleteFunc(files, func(path string) bool { // LibreOffice takes seconds for all of a large one
			info, err := os.Stat(path)
			return err != nil || info.Size() > 100_000
		})
		rand.New(rand.NewPCG(3, 8)).Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		files = files[:12]
	}
	runner := cold.Pool(t)
	whole := &Office{Runner: runner, bounds: bounds{whole: 1 << 40}}
	part := &Office{Runner: runner, bounds: bounds{whole: 1, margin: 1}}
	drawn, parts := 0, 0
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := opened(t.Context(), b)
		if err != nil {
			continue // no workbook, and told so elsewhere
		}
		d.Key = path
		for _, at := range areasOf(t.Context(), d) {
			seen, err := d.seenIn(t.Context(), at.Sheet, at.Range, part.bounds)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if seen == nil {
				continue
			}
			opt := PaintOptions{Scale: 1, MaxSide: 8192, MaxPixels: 1 << 24}
			want, err := whole.Paint(t.Context(), d, at.Sheet, at.Range, opt)
			if err != nil {
				continue
			}
			got, err := part.Paint(t.Context(), d, at.Sheet, at.Range, opt)
			what := fmt.Sprintf("%s, sheet %d, %v", filepath.Base(path), at.Sheet, at.Range)
			switch {
			case err != nil:
				t.Errorf("%s: %v", what, err)
			case !slices.Equal(got.Cols, want.Cols) || !slices.Equal(got.Rows, want.Rows):
				t.Errorf("%s: columns and rows lie at %v, %v, not %v, %v", what, got.Cols, got.Rows, want.Cols, want.Rows)
			case !bytes.Equal(got.Image.Pix, want.Image.Pix):
				t.Errorf("%s: other pixels", what)
			}
			if *pictures != "" && !printsSame(t, whole, part, d, Export{Format: "pdf", Sheet: at.Sheet, Range: &at.Range}) {
				t.Errorf("%s: other pages", what)
			}
			drawn++
			if len(seen) < len(d.Snapshot.Workbook().Sheets) || seen.cells(at.Sheet)[0] != cell.WholeSheet {
				parts++
			}
		}
	}
	t.Logf("%d pictures, %d of a part of the workbook", drawn, parts)
	if parts == 0 {
		t.Error("no picture was one of a part")
	}
}

// printsSame reports whether two ways to write a PDF give the same, or none of them can.
func printsSame(t *testing.T, a, b *Office, d Document, e Export) bool {
	var made [2]bytes.Buffer
	for i, o := range []*Office{a, b} {
		if err := o.Export(t.Context(), d, e, &made[i]); err != nil {
			made[i].Reset()
		}
	}
	if made[0].Len() == 0 || made[1].Len() == 0 {
		return made[0].Len() == made[1].Len()
	}
	return samePages(t, made[0].Bytes(), made[1].Bytes())
}

// TestSparklinesWithDates: LibreOffice draws them, as all that is shown to it and as a part, and does not end.
func TestSparklinesWithDates(t *testing.T) {
	var g genbook.Grid
	for i := range 5 {
		g.Set(cell.Ref{Row: i}.String(), 0, float64(i*i%7))
	}
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "S"}))
	plain := packed(t, b)
	dated := ziptest.Rewrite(t, plain, func(name string, content []byte) []byte {
		if name != "xl/worksheets/sheet1.xml" {
			return content
		}
		return bytes.Replace(content, []byte("</worksheet>"), []byte(`<extLst><ext xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" uri="{05C60535-1F16-4fd2-B633-F4F36F0B64E0}">`+
			`<x14:sparklineGroups xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:sparklineGroup dateAxis="1"><x14:colorSeries rgb="FF000000"/><xm:f>S!B1:B5</xm:f>`+
			`<x14:sparklines><x14:sparkline><xm:f>S!A1:A5</xm:f><xm:sqref>C1</xm:sqref></x14:sparkline><x14:sparkline><xm:f>Gone!A1:A5</xm:f><xm:sqref>C2</xm:sqref></x14:sparkline></x14:sparklines>`+
			`</x14:sparklineGroup></x14:sparklineGroups></ext></extLst></worksheet>`), 1)
	})
	runner := cold.Pool(t)
	var pictures [][]byte
	for _, o := range []*Office{{Runner: runner, bounds: bounds{whole: 1 << 40}}, {Runner: runner, bounds: bounds{whole: 1}}} {
		for _, content := range [][]byte{plain, dated} {
			d := document(t, content)
			d.Key = fmt.Sprint(len(pictures))
			drawn, err := o.Paint(t.Context(), d, 0, area(t, "A1:D6"), PaintOptions{Scale: 1, MaxSide: 8192, MaxPixels: 1 << 24})
			if err != nil {
				t.Fatal(err)
			}
			pictures = append(pictures, drawn.Image.Pix)
		}
	}
	if bytes.Equal(pictures[0], pictures[1]) || !bytes.Equal(pictures[0], pictures[2]) || !bytes.Equal(pictures[1], pictures[3]) {
		t.Error("a sparkline is not drawn, or not the same of a part")
	}
}

// TestSeen: which rows of which sheets a picture of C200:F210 can show, by what there is on its sheet besides cells.
func TestSeen(t *testing.T) {
	const margin = 5
	first := func(r string) genbook.Conditional { // what reads no other cell
		return genbook.Conditional{Range: r, Kind: "cellIs", Operator: "greaterThan", Formulas: []string{"1"}}
	}
	expression := func(r, f string) genbook.Conditional {
		return genbook.Conditional{Range: r, Kind: "expression", Formulas: []string{f}}
	}
	filter := area(t, "A1:F900")
	for name, c := range map[string]struct {
		sheet genbook.Sheet
		want  string
	}{
		"cells":                    {genbook.Sheet{}, "0: 195-215"},
		"merges":                   {genbook.Sheet{Merges: []cell.Range{area(t, "A20:A30"), area(t, "A150:A200"), area(t, "B210:B300")}}, "0: 150-300"},
		"a rule of each cell":      {genbook.Sheet{Conditional: []genbook.Conditional{first("A1:F900")}}, "0: 195-215"},
		"a scale":                  {genbook.Sheet{Conditional: []genbook.Conditional{{Range: "A1:F900", Kind: "colorScale", Colors: []string{"FF0000", "00FF00"}}}}, "0: 1-900"},
		"a scale elsewhere":        {genbook.Sheet{Conditional: []genbook.Conditional{{Range: "H1:H900", Kind: "colorScale", Colors: []string{"FF0000", "00FF00"}}}}, "0: 195-215"},
		"a scale beside":           {genbook.Sheet{Conditional: []genbook.Conditional{{Range: "G1:G900", Kind: "colorScale", Colors: []string{"FF0000", "00FF00"}}}}, "0: 1-900"},
		"bars":                     {genbook.Sheet{Conditional: []genbook.Conditional{{Range: "A1:F900", Kind: "dataBar", Colors: []string{"FF0000"}}}}, "0: 1-900"},
		"duplicates":               {genbook.Sheet{Conditional: []genbook.Conditional{{Range: "F100:F300", Kind: "duplicateValues"}}}, "0: 100-300"},
		"of its row":               {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "$A2>1")}}, "0: 195-215"},
		"of the row before":        {genbook.Sheet{Conditional: []genbook.Conditional{expression("A12:F900", "SUM($A2:$A11)>1")}}, "0: 185-215"},
		"of a row before its own":  {genbook.Sheet{Conditional: []genbook.Conditional{expression("A198:F900", "$A1>1")}}, "0: 1-18 195-215"},
		"of cells beside":          {genbook.Sheet{Conditional: []genbook.Conditional{expression("A1:B900", "$Z$7>1")}}, "0: 7-7 195-215"},
		"of the rows around":       {genbook.Sheet{Conditional: []genbook.Conditional{expression("C211:F215", "$Z$7>1")}}, "0: 7-7 195-215"},
		"duplicates beside":        {genbook.Sheet{Conditional: []genbook.Conditional{{Range: "B100:B300", Kind: "duplicateValues"}}}, "0: 100-300"},
		"of a merged cell":         {genbook.Sheet{Merges: []cell.Range{area(t, "B20:D300")}, Conditional: []genbook.Conditional{expression("B20", "$Z$7>1")}}, "0: 7-7 20-300"},
		"a scale of merged ones":   {genbook.Sheet{Merges: []cell.Range{area(t, "B20:D300")}, Conditional: []genbook.Conditional{{Range: "B1:B20", Kind: "colorScale", Colors: []string{"FF0000", "00FF00"}}}}, "0: 1-300"},
		"of a range that grows":    {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "SUMIF($Y$1:$Y$9,1,$Z$1)>1")}}, "all"},
		"of an average as well":    {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "AVERAGEIF($Y$1:$Y$9,1,$Z$1)>1")}}, "all"},
		"of a range that is found": {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "SUM($Z$1:INDEX($Z$1:$Z$9,8))>1")}}, "all"},
		"of what has spilled":      {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "SUM($Z$1#)>1")}}, "all"},
		"of how many sheets":       {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "_xlfn.SHEETS()>1")}}, "all"},
		"of which sheet":           {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "_xlfn.SHEET(Other!A2)>1")}}, "all"},
		"of one cell":              {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "A2>$Z$1000")}}, "0: 195-215 1000-1000"},
		"of all above":             {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "COUNTIF(A$2:A2,A2)>1")}}, "0: 2-215"},
		"of whole rows":            {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "SUM($7:$8)>1")}}, "0: 7-8 195-215"},
		"of a column":              {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "SUM(Z:Z)>1")}}, "0: 1-1048576"},
		"around the end":           {genbook.Sheet{Conditional: []genbook.Conditional{expression("A300:F900 A2:F299", "A1>1")}}, "0: 1-1048576"},
		"of another sheet":         {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "A2>Other!$A$7")}}, "0: 195-215, 2: 7-7"},
		"of a sheet that is not":   {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "A2>Nowhere!$A$7")}}, "all"},
		"of a name":                {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "A2>limit")}}, "all"},
		"of who knows what":        {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "INDIRECT(\"A\"&A1)>1")}}, "all"},
		"of what moves":            {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "OFFSET(A2,A1,0)>1")}}, "all"},
		"of no formula":            {genbook.Sheet{Conditional: []genbook.Conditional{expression("A2:F900", "A2>>")}}, "all"},
		"a filter":                 {genbook.Sheet{Filter: &filter}, "0: 195-215, 1, 2"},
		"a table":                  {genbook.Sheet{Tables: []genbook.Table{{Name: "T", Range: area(t, "A1:B900"), Columns: []genbook.TableColumn{{Name: "a"}, {Name: "b"}}}}}, "0: 195-215"},
	} {
		b := &genbook.Book{}
		var g genbook.Grid
		g.Set("A1", 0, "a")
		g.Set("B1", 0, "b")
		g.Set("F900", 0, 1.0)
		sheet := c.sheet
		sheet.Name = "Drawn"
		b.AddSheet(g.Fill(&sheet))
		b.AddSheet((&genbook.Grid{}).Fill(&genbook.Sheet{Name: "Beside"}))
		b.AddSheet((&genbook.Grid{}).Fill(&genbook.Sheet{Name: "Other"}))
		d := document(t, packed(t, b))
		s, err := d.seenIn(t.Context(), 0, area(t, "C200:F210"), bounds{whole: 1, margin: margin})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := s.text(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if s, err := d.seenIn(t.Context(), 0, area(t, "C200:F210"), bounds{}); err != nil || s != nil {
			t.Errorf("%s: of a small workbook %v, %v", name, s.text(), err)
		}
	}
	d := document(t, packed(t, &genbook.Book{Sheets: []*genbook.Sheet{(&genbook.Grid{}).Fill(&genbook.Sheet{Name: "S"})}}))
	d.Patch.Sheets = []patch.SheetPatch{{Cells: make([]patch.CellPatch, 100_000)}}
	if s, err := d.seenIn(t.Context(), 0, area(t, "A1:B2"), bounds{}); err != nil || s.text() != "0: 1-52" {
		t.Errorf("of a small workbook with many edits %v, %v", s.text(), err)
	}
}

// TestSeenBySparklines: a group of sparklines of which one is in the picture may have one scale, and all that it reads is shown.
func TestSeenBySparklines(t *testing.T) {
	for name, c := range map[string]struct {
		cells []grid.Sparkline
		want  string
	}{
		"in the range":         {[]grid.Sparkline{{Cell: "D205", Source: "Other!A3:F3"}, {Cell: "D900", Source: "Other!A9:A12"}}, "0: 195-215, 1: 3-3 9-12"},
		"elsewhere":            {[]grid.Sparkline{{Cell: "D900", Source: "Other!A9:A12"}}, "0: 195-215"},
		"of a name":            {[]grid.Sparkline{{Cell: "D205", Source: "cells"}}, "all"},
		"of nobody knows what": {[]grid.Sparkline{{Cell: "D205", Source: ""}}, "all"},
		"nobody knows where":   {[]grid.Sparkline{{Cell: "", Source: "Other!A3:F3"}}, "all"},
	} {
		b := &genbook.Book{}
		b.AddSheet((&genbook.Grid{}).Fill(&genbook.Sheet{Name: "Drawn"}))
		b.AddSheet((&genbook.Grid{}).Fill(&genbook.Sheet{Name: "Other"}))
		d := document(t, packed(t, b))
		s := seen{}
		s.add(0, 194, 214)
		got := "all"
		if d.sparklinesRead(s, 0, &grid.Sparklines{Cells: c.cells}, area(t, "C200:F210")) {
			got = s.text()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// text gives what is seen as a line, with the numbers of rows as a sheet shows them.
func (s seen) text() string {
	if s == nil {
		return "all"
	}
	var list []string
	for _, i := range slices.Sorted(maps.Keys(s)) {
		list = append(list, fmt.Sprint(i))
		for k, r := range s[i] {
			list[len(list)-1] += fmt.Sprintf("%s %d-%d", strings.Repeat(":", max(1-k, 0)), r.First+1, r.Last+1)
		}
	}
	return strings.Join(list, ", ")
}

// TestPaintPart: LibreOffice is shown little of a large workbook, and draws the same. What it is shown has values where
// the workbook has formulas, and its sheet is found among fewer.
func TestPaintPart(t *testing.T) {
	b := &genbook.Book{}
	fill, bold := b.Style(genbook.Style{Fill: "FFFF00"}), b.Style(genbook.Style{Bold: true, Size: 20, Border: "medium"})
	var limits, g genbook.Grid
	limits.Set("A7", 0, 250.0)
	const rows = 600
	for row := 1; row <= rows; row++ {
		g.Set(fmt.Sprintf("A%d", row), 0, float64(row))
		g.Formula(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("_xlfn.NOSUCHTHING(A%d)", row), float64(row)*2)
		g.Set(fmt.Sprintf("C%d", row), 0, fmt.Sprintf("a text that is wider than its column %d", row))
		g.Set(fmt.Sprintf("E%d", row), bold, float64(row%7))
		if row%3 == 0 {
			g.Row(row, genbook.RowOptions{Height: float64(10 + row%20), Hidden: row%15 == 0, Style: fill})
		}
	}
	g.Set("G100", bold, "merged from far above")
	b.AddSheet((&genbook.Grid{}).Fill(&genbook.Sheet{Name: "Before"}))
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Drawn", Visibility: genbook.Hidden, Merges: []cell.Range{area(t, "G100:H310")}, Conditional: []genbook.Conditional{
		{Range: "A1:A600", Kind: "expression", Formulas: []string{"A1>Limits!$A$7"}, Look: genbook.Style{Fill: "FF0000"}},
		{Range: "E200:E300", Kind: "colorScale", Colors: []string{"FFFFFF", "0000FF"}},
	}}))
	b.AddSheet(limits.Fill(&genbook.Sheet{Name: "Limits"}))
	d := document(t, packed(t, b))
	d.Patch = patch.Patch{Sheets: []patch.SheetPatch{{Sheet: 1, Cells: []patch.CellPatch{{Ref: cell.Ref{Row: 251, Col: 3}, Value: cell.TextValue("edited"), HasValue: true}}}}}

	size := func(b bounds) int64 {
		in, sheets, err := d.drawn(t.Context(), t.TempDir(), 1, area(t, "A245:H262"), PaintOptions{}, b)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool][]int{false: {0, 1, 2}, true: {1, 2}}[b.whole == 1]; !slices.Equal(sheets, want) {
			t.Errorf("of the bounds %v the sheets are %v, want %v", b, sheets, want)
		}
		info, err := os.Stat(in)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	few := bounds{whole: 1, margin: 1}
	if a, b := size(few), size(bounds{}); a > b*2/3 {
		t.Errorf("the copy has %d bytes, and that of the whole workbook %d", a, b)
	}
	runner := cold.Pool(t)
	made := map[bounds]*Painting{}
	for _, b := range []bounds{{}, few} {
		p, err := (&Office{Runner: runner, bounds: b}).Paint(t.Context(), d, 1, area(t, "A245:H262"), PaintOptions{Scale: 1, MaxSide: 4096, MaxPixels: 1 << 24})
		if err != nil {
			t.Fatal(err)
		}
		made[b] = p
	}
	if a, b := made[few], made[bounds{}]; !slices.Equal(a.Rows, b.Rows) || !slices.Equal(a.Cols, b.Cols) || !bytes.Equal(a.Image.Pix, b.Image.Pix) {
		t.Error("the picture is another one")
	}
	made[few].check(t, "a cell above its limit", 0, 251-245, color.NRGBA{0xff, 0, 0, 0xff})
}

// TestPaintBeside: what lies beside a range and reaches into it looks as it does where LibreOffice is shown the workbook.
func TestPaintBeside(t *testing.T) {
	const rows = 400
	wide := strings.Repeat("wider than its column ", 6)
	rule := func(at, formula string) []genbook.Conditional {
		return []genbook.Conditional{{Range: at, Kind: "expression", Formulas: []string{formula}, Look: genbook.Style{Fill: "FF0000", Color: "0000FF", Bold: true}}}
	}
	runner := cold.Pool(t)
	for name, c := range map[string]struct {
		area   string
		sheet  genbook.Sheet
		change func(g *genbook.Grid, border genbook.StyleID)
	}{
		"a text with a rule": {"C200:F210", genbook.Sheet{Conditional: rule("B1:B400", "$Z$1=1")}, func(g *genbook.Grid, _ genbook.StyleID) {
			g.Set("B203", 0, wide)
		}},
		"a text that is there twice": {"C200:F210", genbook.Sheet{Conditional: []genbook.Conditional{{Range: "B1:B400", Kind: "duplicateValues", Look: genbook.Style{Color: "0000FF", Bold: true}}}}, func(g *genbook.Grid, _ genbook.StyleID) {
			g.Set("B3", 0, wide)
			g.Set("B203", 0, wide)
		}},
		"a merged cell with a rule": {"C200:F210", genbook.Sheet{Merges: []cell.Range{area(t, "B100:D310")}, Conditional: rule("B100", "Other!$A$1=1")}, func(*genbook.Grid, genbook.StyleID) {}},
		"a border below rows that are hidden": {"A195:F200", genbook.Sheet{}, func(g *genbook.Grid, border genbook.StyleID) {
			for row := 201; row < 300; row++ {
				g.Row(row, genbook.RowOptions{Hidden: true})
			}
			g.Set("D300", border, "below")
		}},
		"a range that grows": {"C200:F210", genbook.Sheet{Conditional: rule("C1:F400", "SUMIF($Z$199:$Z$202,1,$Z$10)=3")}, func(g *genbook.Grid, _ genbook.StyleID) {
			g.Set("Z202", 0, 1.0)
			g.Set("Z13", 0, 3.0)
		}},
		"a range that is found": {"C200:F210", genbook.Sheet{Conditional: rule("C1:F400", "SUM(INDEX($Z$10:$Z$11,1):INDEX($Z$20:$Z$20,1))=3")}, func(g *genbook.Grid, _ genbook.StyleID) {
			g.Set("Z13", 0, 3.0)
		}},
		"the number of sheets": {"A200:F210", genbook.Sheet{Conditional: rule("A1:F400", "_xlfn.SHEETS()=2")}, func(*genbook.Grid, genbook.StyleID) {}},
	} {
		b := &genbook.Book{}
		var g, other genbook.Grid
		for row := 1; row <= rows; row++ {
			g.Set(fmt.Sprintf("A%d", row), 0, float64(row))
		}
		g.Set("Z1", 0, 1.0)
		c.change(&g, b.Style(genbook.Style{Border: "medium"}))
		sheet := c.sheet
		sheet.Name = "Drawn"
		b.AddSheet(g.Fill(&sheet))
		other.Set("A1", 0, 1.0)
		b.AddSheet(other.Fill(&genbook.Sheet{Name: "Other"}))
		d := document(t, packed(t, b))
		d.Key = name
		var made []*Painting
		for _, b := range []bounds{{whole: 1 << 40}, {whole: 1}} {
			p, err := (&Office{Runner: runner, bounds: b}).Paint(t.Context(), d, 0, area(t, c.area), PaintOptions{Scale: 1, MaxSide: 4096, MaxPixels: 1 << 24})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			made = append(made, p)
		}
		if !bytes.Equal(made[0].Image.Pix, made[1].Image.Pix) {
			t.Errorf("%s: other pixels", name)
		}
	}
}

// TestAround: rows that are hidden do not count among those around a range.
func TestAround(t *testing.T) {
	hidden := func(first, last int) grid.RowSpan { return grid.RowSpan{First: first, Last: last, Hidden: true} }
	for _, c := range []struct {
		rows         []grid.RowSpan
		above, below int
	}{
		{nil, 95, 115},
		{[]grid.RowSpan{{First: 0, Last: 200}}, 95, 115},
		{[]grid.RowSpan{hidden(0, 94), hidden(116, 200)}, 95, 115},
		{[]grid.RowSpan{hidden(50, 99), hidden(111, 150)}, 45, 155},
		{[]grid.RowSpan{hidden(50, 95), hidden(115, 150)}, 49, 151},
		{[]grid.RowSpan{hidden(40, 48), hidden(50, 95), hidden(97, 120), hidden(122, 130)}, 37, 134},
		{[]grid.RowSpan{hidden(3, 99), hidden(111, cell.MaxRows-2)}, 0, cell.MaxRows - 1},
	} {
		area := cell.Range{First: cell.Ref{Row: 100}, Last: cell.Ref{Row: 110}}
		if above, below := around(c.rows, area, 5); above != c.above || below != c.below {
			t.Errorf("%v: %d to %d, want %d to %d", c.rows, above, below, c.above, c.below)
		}
	}
}

// areasOf gives ranges at the top, in the middle and at the end of the first sheets that have rows enough.
func areasOf(ctx context.Context, d Document) (list []book.SheetRange) {
	for i, info := range d.Snapshot.Workbook().Sheets {
		if info.Kind != grid.Worksheet || info.Problem != "" || len(list) >= 6 {
			continue
		}
		sheet, err := d.Snapshot.Sheet(ctx, i)
		if err != nil {
			return list
		}
		used, ok := sheet.Used()
		if !ok {
			continue
		}
		for _, first := range []int{used.First.Row, (used.First.Row + used.Last.Row) / 2, max(used.Last.Row-3, 0)} {
			first := cell.Ref{Row: first, Col: used.First.Col}
			list = append(list, book.SheetRange{Sheet: i, Range: cell.Range{First: first, Last: cell.Ref{Row: first.Row + 8, Col: min(first.Col+8, cell.MaxCols-1)}}})
		}
	}
	return list
}
