package patch

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"context"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

// layoutOf reads the layout of the first sheet of a file.
func layoutOf(t testing.TB, b []byte) *grid.Layout {
	t.Helper()
	f, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	return s.Layout
}

// TestPage: what is said of pages, tabs and protection is written where it belongs, what else is said there
// stays to the byte, and what is read again is what was meant.
func TestPage(t *testing.T) {
	const data = `<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>`
	margins := &grid.PageMargins{Given: true, Left: 0.5, Right: 0.5, Top: 1, Bottom: 1, Header: 0.3, Footer: 0.3}
	setup := &grid.PageSetup{Orientation: "landscape", Fit: true, Wide: 1, Tall: 0, Paper: 9}
	hash := grid.Password{Algorithm: "SHA-512", Hash: "YWJj", Salt: "ZA==", Spin: 100000}
	red := "FFC00000"
	for _, c := range []struct {
		name       string
		head, tail string
		layout     LayoutPatch
		wantHead   string
		wantTail   string
	}{
		{"all of it, where nothing is", ``, ``,
			LayoutPatch{TabColor: &red, Margins: margins, Setup: setup, Breaks: &grid.PageBreaks{Rows: []int{3, 9}, Cols: []int{2}}, Edges: &grid.HeaderFooter{OddFooter: "&P <of> &N", FirstHeader: " x", First: true},
				Protection: &grid.SheetProtection{On: true, Objects: true, Allow: grid.AllowSort | grid.AllowSelectLocked | grid.AllowSelectUnlocked, Password: hash}},
			`<sheetPr><tabColor rgb="FFC00000"/><pageSetUpPr fitToPage="1"/></sheetPr>`,
			`<sheetProtection algorithmName="SHA-512" hashValue="YWJj" saltValue="ZA==" spinCount="100000" sheet="1" objects="1" sort="0"/>` +
				`<pageMargins left="0.5" right="0.5" top="1" bottom="1" header="0.3" footer="0.3"/><pageSetup paperSize="9" fitToHeight="0" orientation="landscape"/>` +
				`<headerFooter differentFirst="1"><oddFooter>&amp;P &lt;of&gt; &amp;N</oddFooter><firstHeader xml:space="preserve"> x</firstHeader></headerFooter>` +
				`<rowBreaks count="2" manualBreakCount="2"><brk id="3" max="16383" man="1"/><brk id="9" max="16383" man="1"/></rowBreaks><colBreaks count="1" manualBreakCount="1"><brk id="2" max="1048575" man="1"/></colBreaks>`},
		{"what else is said stays", `<sheetPr codeName="S"><outlinePr summaryBelow="0"/><pageSetUpPr autoPageBreaks="0"/></sheetPr><dimension ref="A1"/>`,
			`<mergeCells count="1"><mergeCell ref="C1:D1"/></mergeCells><printOptions gridLines="1"/><pageMargins left="0.70" right="1" top="1" bottom="1" header="1" footer="1" x="y"/><pageSetup orientation="portrait"  r:id="rId7" horizontalDpi="300" scale="80"/>` +
				`<headerFooter alignWithMargins="0"><oddHeader>&#38;Ca</oddHeader><oddFooter>b</oddFooter></headerFooter><rowBreaks count="2"><brk id="4" min="1" max="9" man="1" pt="1"/><brk id="6"/></rowBreaks><drawing r:id="rId1"/>`,
			LayoutPatch{TabColor: &red, Margins: &grid.PageMargins{Given: true, Left: 0.7, Right: 2, Top: 1, Bottom: 1, Header: 1, Footer: 1}, Setup: &grid.PageSetup{Scale: 80, Fit: true, Wide: 1, Tall: 2}, Breaks: &grid.PageBreaks{Rows: []int{2, 4}}, Edges: &grid.HeaderFooter{OddHeader: "&Ca", EvenFooter: "c"}},
			`<sheetPr codeName="S"><tabColor rgb="FFC00000"/><outlinePr summaryBelow="0"/><pageSetUpPr autoPageBreaks="0" fitToPage="1"/></sheetPr><dimension ref="A1"/>`,
			`<mergeCells count="1"><mergeCell ref="C1:D1"/></mergeCells><printOptions gridLines="1"/><pageMargins left="0.70" right="2" top="1" bottom="1" header="1" footer="1" x="y"/><pageSetup  r:id="rId7" horizontalDpi="300" scale="80" fitToHeight="2"/>` +
				`<headerFooter alignWithMargins="0"><oddHeader>&#38;Ca</oddHeader><evenFooter>c</evenFooter></headerFooter><rowBreaks count="2" manualBreakCount="2"><brk id="2" max="16383" man="1"/><brk id="4" min="1" max="9" man="1" pt="1"/></rowBreaks><drawing r:id="rId1"/>`},
		{"it goes", `<sheetPr><tabColor rgb="FF112233"/></sheetPr>`, `<sheetProtection sheet="1" password="83AF"/><headerFooter differentFirst="1"><oddHeader>a</oddHeader></headerFooter><rowBreaks count="1"><brk id="4" man="1"/></rowBreaks>`,
			LayoutPatch{TabColor: new(string), Breaks: &grid.PageBreaks{}, Edges: &grid.HeaderFooter{}, Protection: &grid.SheetProtection{}}, `<sheetPr></sheetPr>`, ``},
		{"another protection", ``, `<sheetProtection password="83AF" sheet="1" objects="1" formatCells="0" selectLockedCells="1"/><protectedRanges><protectedRange name="x"/></protectedRanges>`,
			LayoutPatch{Protection: &grid.SheetProtection{On: true, Scenarios: true, Allow: grid.AllowSelectLocked}}, ``,
			`<sheetProtection sheet="1" scenarios="1" selectUnlockedCells="1"/><protectedRanges><protectedRange name="x"/></protectedRanges>`},
	} {
		for _, prefix := range []string{"", "x:"} {
			spell := func(head, tail string) string {
				doc := `<worksheet ` + main + `>` + head + data + tail + `</worksheet>`
				if prefix != "" {
					doc = strings.Replace(tags.ReplaceAllString(doc, "<${1}x:$2"), "xmlns=", "xmlns:x=", 1)
				}
				return doc
			}
			before := parts(spell(c.head, c.tail))
			b, report := saved(t, ziptest.Pack(t, before), Patch{Sheets: []SheetPatch{{Layout: &c.layout}}})
			after := ziptest.Parts(t, b)
			got := after["xl/worksheets/sheet1.xml"]
			if want := spell(c.wantHead, c.wantTail); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, want)
			}
			if err := conforms([]byte(got)); err != nil {
				t.Errorf("%s: %v\nin %s", c.name, err, got)
			}
			for part, was := range before {
				if part != "xl/worksheets/sheet1.xml" && after[part] != was {
					t.Errorf("%s: %s was changed", c.name, part)
				}
			}
			if len(report.Parts) != 1 {
				t.Errorf("%s: %+v", c.name, report)
			}
			l := layoutOf(t, b)
			check := func(what string, is, want any) {
				if v := reflect.ValueOf(want); !v.IsNil() && !reflect.DeepEqual(is, v.Elem().Interface()) {
					t.Errorf("%s: %s is read as %+v and not as %+v", c.name, what, is, v.Elem().Interface())
				}
			}
			check("the tab", l.TabColor, c.layout.TabColor)
			check("the margins", l.Margins, c.layout.Margins)
			check("the setup", l.Setup, c.layout.Setup)
			check("the breaks", l.Breaks, c.layout.Breaks)
			check("the edges", l.Edges, c.layout.Edges)
			check("the protection", l.Protection, c.layout.Protection)
		}
	}
}

// TestRows: what rows are is written into their start tags, attribute by attribute; rows that are not there are made.
func TestRows(t *testing.T) {
	spans := func(list ...grid.RowSpan) *[]grid.RowSpan { return &list }
	for _, c := range []struct {
		name, was string // inside of sheetData
		rows      *[]grid.RowSpan
		cells     []CellPatch
		is        string
	}{
		{"attributes", `<row r="2" spans="1:2" ht="15" x14ac:dyDescent="0.25"  thickBot="1"><c r="A2"><v>1</v></c></row>`, spans(grid.RowSpan{First: 1, Last: 1, Height: 20.5, Custom: true, Hidden: true, Outline: 2, Collapsed: true}), nil,
			`<row r="2" spans="1:2" ht="20.5" x14ac:dyDescent="0.25"  thickBot="1" hidden="1" customHeight="1" outlineLevel="2" collapsed="1"><c r="A2"><v>1</v></c></row>`},
		{"they go", `<row r="2" ht="15" customHeight='1' s="1" customFormat="1" hidden="true" outlineLevel="1"/>`, spans(grid.RowSpan{First: 1, Last: 1, Style: 1, HasStyle: true}), nil, `<row r="2" s="1" customFormat="1"/>`},
		{"formats", `<row r="2" s="1"/><row r="3" customFormat="1" s="1" ht="20"/><row r="4" s="1" customFormat="1"/>`,
			spans(grid.RowSpan{First: 0, Last: 0, Style: 1, HasStyle: true}, grid.RowSpan{First: 1, Last: 1, Hidden: true}, grid.RowSpan{First: 2, Last: 2, HasStyle: true, Height: 20}, grid.RowSpan{First: 3, Last: 3}, grid.RowSpan{First: 4, Last: 4, Style: 1, HasStyle: true}), []CellPatch{number("B5", 1)},
			`<row r="1" s="1" customFormat="1"/><row r="2" s="1" hidden="1"/><row r="3" customFormat="1" s="0" ht="20"/><row r="4"/><row r="5" s="1" customFormat="1"><c r="B5" s="0"><v>1</v></c></row>`},
		{"they stay", `<row r="2" ht="15.0" hidden="1" />`, spans(grid.RowSpan{First: 1, Last: 1, Height: 15, Hidden: true}), nil, `<row r="2" ht="15.0" hidden="1" />`},
		{"rows that are not there", `<row r="2"><c r="A2"><v>1</v></c></row><row r="5"/>`, spans(grid.RowSpan{First: 0, Last: 0, Hidden: true}, grid.RowSpan{First: 2, Last: 3, Height: 30, Custom: true}, grid.RowSpan{First: 6, Last: 6, Outline: 1}, grid.RowSpan{First: 8, Last: 8}), nil,
			`<row r="1" hidden="1"/><row r="2"><c r="A2"><v>1</v></c></row><row r="3" ht="30" customHeight="1"/><row r="4" ht="30" customHeight="1"/><row r="5"/><row r="7" outlineLevel="1"/>`},
		{"with cells", `<row r="2" spans="1:1"><c r="A2"><v>1</v></c></row><row r="4"/>`, spans(grid.RowSpan{First: 1, Last: 3, Height: 9, Custom: true}), []CellPatch{number("C2", 3), number("A3", 4), number("B4", 5)},
			`<row r="2" spans="1:3" ht="9" customHeight="1"><c r="A2"><v>1</v></c><c r="C2"><v>3</v></c></row><row r="3" ht="9" customHeight="1"><c r="A3"><v>4</v></c></row><row r="4" ht="9" customHeight="1"><c r="B4"><v>5</v></c></row>`},
		{"no row at all", ``, spans(grid.RowSpan{First: 4, Last: 4, Hidden: true}), nil, `<row r="5" hidden="1"/>`},
		{"a height of none", `<row r="1" ht="12"/>`, spans(grid.RowSpan{First: 0, Last: 0, Custom: true}), nil, `<row r="1" ht="0" customHeight="1"/>`},
	} {
		doc := func(rows string) string {
			return `<worksheet ` + main + ` xmlns:x14ac="x"><sheetFormatPr defaultRowHeight="15"/><sheetData>` + rows + `</sheetData><pageMargins/></worksheet>`
		}
		was := doc(c.was)
		if c.was == "" {
			was = strings.Replace(was, "<sheetData></sheetData>", "<sheetData/>", 1)
		}
		b, _ := saved(t, ziptest.Pack(t, parts(was)), Patch{Sheets: []SheetPatch{{Cells: c.cells, Layout: &LayoutPatch{Rows: c.rows}}}})
		got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]
		if got != doc(c.is) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, doc(c.is))
		}
		l := layoutOf(t, b)
		for _, r := range *c.rows {
			for row := r.First; row <= r.Last; row++ {
				is, _ := l.Row(row)
				want := r
				want.First, want.Last = is.First, is.Last
				if is != want {
					t.Errorf("%s: row %d is read as %+v", c.name, row+1, is)
				}
			}
		}
	}
}

// TestOutlines: how deep rows and columns are grouped is noted before the cells.
func TestOutlines(t *testing.T) {
	rows := []grid.RowSpan{{First: 0, Last: 0, Outline: 2}}
	for was, want := range map[string]string{
		``: `<sheetFormatPr defaultRowHeight="15" outlineLevelRow="2"/>`,
		`<sheetFormatPr defaultRowHeight="14" x="1"/>`:                                   `<sheetFormatPr defaultRowHeight="14" x="1" outlineLevelRow="2"/>`,
		`<sheetFormatPr defaultRowHeight="14" outlineLevelRow="1" outlineLevelCol="3"/>`: `<sheetFormatPr defaultRowHeight="14" outlineLevelRow="2"/>`,
	} {
		p := &LayoutPatch{Rows: &rows}
		p.Outlines.Rows = 2
		b, _ := saved(t, ziptest.Pack(t, parts(`<worksheet `+main+`>`+was+`<sheetData/></worksheet>`)), Patch{Sheets: []SheetPatch{{Layout: p}}})
		if got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; !strings.Contains(got, ">"+want+"<sheetData>") {
			t.Errorf("%s becomes %s", was, got)
		}
	}
}

// TestRowsOfLargeSheets compares rows that are sized by way of the index with those of a plain save.
func TestRowsOfLargeSheets(t *testing.T) {
	if raceDetector {
		t.Skip("a hundred saves take a minute; TestConcurrentSaves shows what there is to be seen of races")
	}
	t.Parallel()
	before := large(t, "W1", 0.02)
	rapid.Check(t, func(t *rapid.T) {
		var list []grid.RowSpan
		row := 0
		for range rapid.IntRange(1, 4).Draw(t, "spans") {
			row += rapid.SampledFrom([]int{0, 1, 700, 1900}).Draw(t, "gap")
			list = append(list, grid.RowSpan{First: row, Last: row + rapid.IntRange(0, 2).Draw(t, "more"), Height: float64(rapid.IntRange(0, 40).Draw(t, "height")), Hidden: rapid.Bool().Draw(t, "hidden"), Outline: uint8(rapid.IntRange(0, 1).Draw(t, "level"))})
			row = list[len(list)-1].Last + 2
		}
		p := Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Rows: &list}}}}
		f, err := openBytes(before)
		if err != nil {
			t.Fatal(err)
		}
		var quick, plain bytes.Buffer
		if _, err := Save(context.Background(), f, p, &quick); err != nil {
			t.Fatal(err)
		}
		if _, err := save(context.Background(), f, p, &plain, true); err != nil {
			t.Fatal(err)
		}
		var was, is *grid.Layout
		for i, b := range [][]byte{before, quick.Bytes()} {
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				was = s.Layout
			} else {
				is = s.Layout
			}
		}
		if want := grid.PutRows(was.Rows, list); fmt.Sprint(want) != fmt.Sprint(is.Rows) {
			t.Fatalf("%+v on %+v gives %+v", list, was.Rows, is.Rows)
		}
	})
}

// paged is a file in which everything that this room knows of pages and rows is set.
func paged(t *testing.T) []byte {
	red := "FFC00000"
	rows := []grid.RowSpan{{First: 0, Last: 0, Height: 40, Custom: true}, {First: 2, Last: 3, Hidden: true, Outline: 1}}
	p := &LayoutPatch{TabColor: &red, Rows: &rows, Margins: &grid.PageMargins{Given: true, Left: 0.25, Right: 0.5, Top: 1, Bottom: 1, Header: 0.3, Footer: 0.3},
		Setup: &grid.PageSetup{Orientation: "landscape", Fit: true, Wide: 1, Paper: 9}, Breaks: &grid.PageBreaks{Rows: []int{3}}, Edges: &grid.HeaderFooter{OddHeader: "&Cseen"},
		Protection: &grid.SheetProtection{On: true, Objects: true, Allow: grid.AllowSort, Password: grid.Password{Legacy: "83AF"}}}
	p.Outlines.Rows = 1
	b, _ := saved(t, ziptest.Pack(t, parts(oneCell)), Patch{Sheets: []SheetPatch{{Layout: p}}, Names: []NamePatch{name(0, "_xlnm.Print_Area", "S!$A$1:$B$9"), name(0, "_xlnm.Print_Titles", "S!$1:$1")}})
	return b
}

// TestPageExcelize: another program sees what was set.
func TestPageExcelize(t *testing.T) {
	x, err := excelize.OpenReader(bytes.NewReader(paged(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	layout, err := x.GetPageLayout("S")
	if err != nil || *layout.Orientation != "landscape" || *layout.Size != 9 {
		t.Errorf("%+v, %v", layout, err)
	}
	margins, err := x.GetPageMargins("S")
	if err != nil || *margins.Left != 0.25 || *margins.Footer != 0.3 {
		t.Errorf("%+v, %v", margins, err)
	}
	props, err := x.GetSheetProps("S")
	if err != nil || *props.TabColorRGB != "FFC00000" || !*props.FitToPage {
		t.Errorf("%+v, %v", props, err)
	}
	if h, err := x.GetRowHeight("S", 1); err != nil || h != 40 {
		t.Errorf("the row is %v high, %v", h, err)
	}
	if seen, err := x.GetRowVisible("S", 3); err != nil || seen {
		t.Errorf("row 3 is seen, %v", err)
	}
	if level, err := x.GetRowOutlineLevel("S", 4); err != nil || level != 1 {
		t.Errorf("row 4 is at level %d, %v", level, err)
	}
	if err := x.UnprotectSheet("S", "wrong"); err == nil {
		t.Error("any password unprotects it")
	}
	if err := x.UnprotectSheet("S", "password"); err != nil {
		t.Error(err)
	}
}

// TestPageLibreOffice: LibreOffice reads what was set and writes it in its own words.
func TestPageLibreOffice(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to open what was saved")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "page.xlsx")
	if err := os.WriteFile(path, paged(t), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // so that it does not hang for ever
	defer cancel()
	out, err := exec.CommandContext(ctx, soffice, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "fods", "--outdir", dir, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "page.fods"))
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{`style:print-orientation="landscape"`, `table:print-ranges="S.A1:S.B9"`, `<table:table-header-rows>`, `table:protected="true"`, `fo:break-before="page"`, `table:visibility="collapse"`, `seen<`, `<table:table-row-group`} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("LibreOffice says nothing of %s", want)
		}
	}
}
