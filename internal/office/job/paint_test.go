package job

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"os"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/office/cold"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx/patch"
)

func area(t testing.TB, text string) cell.Range {
	t.Helper()
	r, ok := cell.ParseRange(text)
	if !ok {
		t.Fatal(text)
	}
	return r
}

// colours is a workbook with filled cells, of which the second sheet is hidden.
func colours(t testing.TB) []byte {
	b := &genbook.Book{}
	red, green := b.Style(genbook.Style{Fill: "FF0000"}), b.Style(genbook.Style{Fill: "00FF00"})
	var g, h genbook.Grid
	g.Set("B2", red, nil)
	g.Set("C3", green, nil)
	h.Set("A1", green, nil)
	h.Set("CV5", red, nil)
	h.Row(2, genbook.RowOptions{Hidden: true})
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Shown"}))
	b.AddSheet(h.Fill(&genbook.Sheet{Name: "Away", Visibility: genbook.Hidden}))
	return packed(t, b)
}

var (
	red   = color.NRGBA{0xff, 0, 0, 0xff}
	green = color.NRGBA{0, 0xff, 0, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// check looks at the middle of a cell of a painting.
func (p *Painting) check(t *testing.T, what string, col, row int, want color.NRGBA) {
	t.Helper()
	x, y := (p.Cols[col]+p.Cols[col+1])/2, (p.Rows[row]+p.Rows[row+1])/2
	if got := p.Image.NRGBAAt(x, y); got != want {
		t.Errorf("%s: the cell in column %d and row %d of the picture is %v, want %v", what, col, row, got, want)
	}
}

// TestPaint: known cells have their colours, on a hidden sheet too, at each scale; what a fork has
// edited is seen, with and without gridlines.
func TestPaint(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	d := document(t, colours(t))
	off, on := false, true
	for _, scale := range []float64{1, 1.5, 2} {
		opt := PaintOptions{Scale: scale, MaxSide: 4096, MaxPixels: 1 << 24}
		p, err := o.Paint(t.Context(), d, 0, area(t, "A1:D4"), opt)
		if err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprintf("scale %v", scale)
		p.check(t, what, 1, 1, red)
		p.check(t, what, 2, 2, green)
		p.check(t, what, 0, 0, white)
		p.check(t, what, 3, 3, white)
		if p, err = o.Paint(t.Context(), d, 1, area(t, "CU4:CW6"), opt); err != nil {
			t.Fatal(err)
		}
		p.check(t, what+", hidden sheet, column 100", 1, 1, red)
		p.check(t, what+", hidden sheet, beside column 100", 0, 1, white)
		p.check(t, what+", hidden sheet, beside column 100", 2, 1, white)
	}
	opt := PaintOptions{Scale: 1, MaxSide: 4096, MaxPixels: 1 << 24}
	p, err := o.Paint(t.Context(), d, 1, area(t, "A1:B4"), opt)
	if err != nil {
		t.Fatal(err)
	}
	p.check(t, "hidden sheet", 0, 0, green)
	if p.Rows[2] != p.Rows[1] && p.Rows[3] != p.Rows[2] {
		t.Errorf("a hidden row has a height: %v", p.Rows)
	}
	// An edit that is not saved anywhere.
	d.Patch = patch.Patch{Sheets: []patch.SheetPatch{{Sheet: 0, Cells: []patch.CellPatch{{Ref: cell.Ref{Row: 1, Col: 1}, Remove: true}}}}}
	d.Key = "edited"
	lines := map[bool]*Painting{}
	for _, g := range []*bool{&off, &on} {
		opt.Gridlines = g
		if lines[*g], err = o.Paint(t.Context(), d, 0, area(t, "A1:D4"), opt); err != nil {
			t.Fatal(err)
		}
		lines[*g].check(t, "the edited one", 1, 1, white)
	}
	count := func(p *Painting) (n int) { // pixels along a row's lower edge that are not white
		for x := range p.Image.Bounds().Dx() {
			for dy := -1; dy <= 1; dy++ {
				if p.Image.NRGBAAt(x, p.Rows[1]+dy) != white {
					n++
					break
				}
			}
		}
		return n
	}
	if a, b := count(lines[false]), count(lines[true]); a > 2 || b < lines[true].Image.Bounds().Dx()/2 {
		t.Errorf("%d pixels of a gridline where there is to be none, %d where there is", a, b)
	}
}

// TestPaintTooLarge: what would be too large is refused, by the worker and by us.
func TestPaintTooLarge(t *testing.T) {
	o := &Office{Runner: cold.Pool(t)}
	d := document(t, colours(t))
	for _, opt := range []PaintOptions{{Scale: 1, MaxSide: 4096, MaxPixels: 1000}, {Scale: 1, MaxSide: 50, MaxPixels: 1 << 24}} {
		var ours *Error
		if _, err := o.Paint(t.Context(), d, 0, area(t, "A1:D4"), opt); !errors.As(err, &ours) || ours.Code != CodeTooLarge {
			t.Errorf("%+v: %v", opt, err)
		}
	}
}

// TestPaintLies: a picture that is not what the worker says of it is none.
func TestPaintLies(t *testing.T) {
	d := document(t, colours(t))
	good := wire.Picture{Width: 2, Height: 1, Cols: []int{0, 1, 2}, Rows: []int{0, 1}}
	for name, c := range map[string]struct {
		picture *wire.Picture
		bytes   int
		code    string
	}{
		"good":        {&good, 8, ""},
		"no picture":  {nil, 8, CodeRender},
		"no file":     {&good, -1, CodeRender},
		"short":       {&good, 7, CodeRender},
		"long":        {&good, 9, CodeRender},
		"columns":     {&wire.Picture{Width: 2, Height: 1, Cols: []int{0, 2}, Rows: []int{0, 1}}, 8, CodeRender},
		"edges back":  {&wire.Picture{Width: 2, Height: 1, Cols: []int{0, 3, 2}, Rows: []int{0, 1}}, 8, CodeRender},
		"edges short": {&wire.Picture{Width: 2, Height: 1, Cols: []int{0, 1, 1}, Rows: []int{0, 1}}, 8, CodeRender},
		"nothing":     {&wire.Picture{Cols: []int{0, 0, 0}, Rows: []int{0, 0}}, 0, CodeRender},
		"negative":    {&wire.Picture{Width: -2, Height: -1, Cols: []int{0, 1, 2}, Rows: []int{0, 1}}, 8, CodeRender},
		"many pixels": {&wire.Picture{Width: 50, Height: 50, Cols: []int{0, 1, 50}, Rows: []int{0, 50}}, 4 * 50 * 50, CodeTooLarge},
		"huge":        {&wire.Picture{Width: 1 << 40, Height: 1 << 40}, 8, CodeTooLarge},
	} {
		o := &Office{Runner: &cold.Runner{Do: func(_ context.Context, r wire.Request) (wire.Response, error) {
			if c.bytes >= 0 {
				if err := os.WriteFile(r.Out, make([]byte, c.bytes), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			return wire.Response{Picture: c.picture}, nil
		}}}
		_, err := o.Paint(t.Context(), d, 0, area(t, "A1:B1"), PaintOptions{Scale: 1, MaxSide: 100, MaxPixels: 1000})
		var ours *Error
		errors.As(err, &ours)
		if (err == nil) != (c.code == "") || err != nil && (ours == nil || ours.Code != c.code) {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
}

// TestFlat: what is drawn has our values in place of formulas, arrays included, so that a function
// that LibreOffice does not know shows as we have it.
func TestFlat(t *testing.T) {
	var g genbook.Grid
	g.Set("A1", 0, 2.0)
	g.Formula("B1", 0, "_xlfn.NOSUCHTHING(A1)", 5.0)
	g.Formula("B2", 0, "A1&\"x\"", "2x")
	b := &genbook.Book{}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data"}))
	d := document(t, packed(t, b))
	p, _, err := d.flat(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var seen string
	o := &Office{Runner: &cold.Runner{Do: func(_ context.Context, r wire.Request) (wire.Response, error) {
		in, err := os.ReadFile(r.In)
		if err != nil {
			t.Fatal(err)
		}
		copied := document(t, in)
		sheet, err := copied.Snapshot.Sheet(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for c := range sheet.Cells(cell.WholeSheet) {
			seen += fmt.Sprintf("%v=%v(%v) ", c.Ref, c.Value, c.HasFormula())
		}
		return wire.Response{Failure: &wire.Failure{Code: wire.NoSheet, Message: "enough"}}, nil
	}}}
	if _, err := o.Paint(t.Context(), d, 0, area(t, "A1:B2"), PaintOptions{Scale: 1, MaxSide: 1, MaxPixels: 1}); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Error(err)
	}
	if want := "A1=2(false) B1=5(false) B2=2x(false) "; seen != want || len(p.Sheets) != 1 {
		t.Errorf("the copy has %s, want %s", seen, want)
	}
}

// TestPaintBesideUnreadable: a sheet is drawn though another one of the workbook cannot be read; and where
// LibreOffice has left a sheet out, so that the number means another one, nothing is.
func TestPaintBesideUnreadable(t *testing.T) {
	const (
		main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
		rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
		pack = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	)
	d := document(t, zipped(t,
		"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>`+
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>`+
			`<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>`+
			`<Override PartName="/xl/worksheets/sheet2.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`,
		"_rels/.rels", pack+`<Relationship Id="rId1" Type="`+rels+`/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml", `<workbook xmlns="`+main+`" xmlns:r="`+rels+`"><sheets><sheet name="Lost" sheetId="1" r:id="rId1"/><sheet name="Here" sheetId="2" r:id="rId2"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", pack+`<Relationship Id="rId1" Type="`+rels+`/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="`+rels+`/worksheet" Target="worksheets/sheet2.xml"/>`+
			`<Relationship Id="rId3" Type="`+rels+`/styles" Target="styles.xml"/></Relationships>`,
		"xl/styles.xml", `<styleSheet xmlns="`+main+`"><fonts count="1"><font/></fonts><fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>`+
			`<fill><patternFill patternType="solid"><fgColor rgb="FFFF0000"/></patternFill></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf xfId="0"/><xf xfId="0" fillId="2" applyFill="1"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet2.xml", `<worksheet xmlns="`+main+`"><sheetData><row r="2"><c r="B2" s="1"/></row></sheetData></worksheet>`,
	))
	opt := PaintOptions{Scale: 1, MaxSide: 4096, MaxPixels: 1 << 24}
	p, err := (&Office{Runner: cold.Pool(t)}).Paint(t.Context(), d, 1, area(t, "A1:C3"), opt)
	if err != nil {
		t.Fatal(err)
	}
	p.check(t, "beside a sheet that cannot be read", 1, 1, red)

	other := &cold.Runner{Do: func(_ context.Context, r wire.Request) (wire.Response, error) {
		return wire.Response{Sheets: []string{"Lost", "Else", "Here"}, Picture: &wire.Picture{Width: 1, Height: 1, Cols: []int{0, 1}, Rows: []int{0, 1}}}, os.WriteFile(r.Out, make([]byte, 4), 0o600)
	}}
	var ours *Error
	if _, err := (&Office{Runner: other}).Paint(t.Context(), d, 1, area(t, "A1"), opt); !errors.As(err, &ours) || ours.Code != CodeRender {
		t.Errorf("another sheet in its place: %v", err)
	}
}
