package job

import (
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

// withDrawing puts a drawing with a chart on the first sheet of a workbook.
func withDrawing(t *testing.T, file []byte, shape, chart string) []byte {
	t.Helper()
	const (
		pack = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
		kind = `Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/`
		ns   = ` xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"`
		at   = `<xdr:twoCellAnchor><xdr:from><xdr:col>1</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>1</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:from><xdr:to><xdr:col>5</xdr:col><xdr:colOff>0</xdr:colOff><xdr:row>9</xdr:row><xdr:rowOff>0</xdr:rowOff></xdr:to>`
	)
	parts := ziptest.Parts(t, file)
	sheet := "xl/worksheets/sheet1.xml"
	parts[sheet] = strings.Replace(parts[sheet], "</worksheet>", `<drawing xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="rId1"/></worksheet>`, 1)
	parts["xl/worksheets/_rels/sheet1.xml.rels"] = pack + `<Relationship Id="rId1" ` + kind + `drawing" Target="../drawings/drawing1.xml"/></Relationships>`
	parts["xl/drawings/_rels/drawing1.xml.rels"] = pack + `<Relationship Id="rId1" ` + kind + `chart" Target="../charts/chart1.xml"/></Relationships>`
	frame := ""
	if chart != "" {
		frame = at + `<xdr:graphicFrame><xdr:nvGraphicFramePr><xdr:cNvPr id="2" name="Chart"/><xdr:cNvGraphicFramePr/></xdr:nvGraphicFramePr><a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart r:id="rId1"/></a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/></xdr:twoCellAnchor>`
	}
	if shape != "" {
		frame += at + shape + `<xdr:clientData/></xdr:twoCellAnchor>`
	}
	parts["xl/drawings/drawing1.xml"] = `<xdr:wsDr` + ns + `>` + frame + `</xdr:wsDr>`
	parts["xl/charts/chart1.xml"] = `<c:chartSpace` + ns + `>` + chart + `</c:chartSpace>`
	types := "[Content_Types].xml"
	parts[types] = strings.Replace(parts[types], "</Types>", `<Override PartName="/xl/drawings/drawing1.xml" ContentType="application/vnd.openxmlformats-officedocument.drawing+xml"/><Override PartName="/xl/charts/chart1.xml" ContentType="application/vnd.openxmlformats-officedocument.drawingml.chart+xml"/></Types>`, 1)
	return ziptest.Pack(t, parts)
}

// TestSeenByDrawings: of other sheets a picture shows the cells that the charts of its own read, wherever a chart says so.
func TestSeenByDrawings(t *testing.T) {
	series := func(formulas ...string) string {
		list := ""
		for _, f := range formulas {
			list += `<c:ser><c:val><c:numRef><c:f>` + f + `</c:f></c:numRef></c:val></c:ser>`
		}
		return `<c:chart><c:plotArea><c:barChart>` + list + `</c:barChart></c:plotArea></c:chart>`
	}
	shape := func(attributes string) string {
		return `<xdr:sp macro=""` + attributes + `><xdr:nvSpPr><xdr:cNvPr id="3" name="Box"/><xdr:cNvSpPr/></xdr:nvSpPr><xdr:spPr/></xdr:sp>`
	}
	const whole = "0: 1-1048576"
	for name, c := range map[string]struct{ shape, chart, want string }{
		"a shape":                  {shape(""), "", whole},
		"a shape that says a cell": {shape(` textlink="Other!$A$1"`), "", "all"},
		"of its own cells":         {"", series("Drawn!$A$1:$A$9"), whole},
		"of other cells":           {"", series("Other!$A$7:$A$9", "Other!$B$3", "(Beside!$A$1,Beside!$A$3)"), whole + ", 1: 1-1 3-3, 2: 3-3 7-9"},
		"its title":                {"", `<c:chart><c:title><c:tx><c:strRef><c:f>Other!$C$4</c:f></c:strRef></c:tx></c:title></c:chart>`, whole + ", 2: 4-4"},
		"bars of errors":           {"", `<c:chart><c:ser><c:errBars><c:plus><c:numRef><c:f>Other!$C$5:$D$6</c:f></c:numRef></c:plus></c:errBars></c:ser></c:chart>`, whole + ", 2: 5-6"},
		"by a name":                {"", series("Drawn!cells"), whole + ", 1, 2: 11-20"},
		"by a name that is not":    {"", series("Drawn!nothing"), "all"},
		"of another workbook":      {"", series("[1]Sheet1!$A$1"), "all"},
		"of a sheet that is gone":  {"", series("#REF!$A$1"), "all"},
		"of a pivot table":         {"", `<c:pivotSource><c:name>x</c:name></c:pivotSource>` + series("Other!$A$1"), "all"},
		"of no XML":                {"", `<c:chart>`, "all"},
	} {
		b := &genbook.Book{Names: []genbook.Name{{Name: "cells", Refers: "Other!$A$11:$A$20"}}}
		for _, name := range []string{"Drawn", "Beside", "Other"} {
			var g genbook.Grid
			g.Set("A1", 0, 1.0)
			b.AddSheet(g.Fill(&genbook.Sheet{Name: name}))
		}
		d := document(t, withDrawing(t, packed(t, b), c.shape, c.chart))
		s, err := d.seenIn(t.Context(), 0, area(t, "C200:F210"), bounds{whole: 1})
		if got := s.text(); got != c.want || (err != nil) != (name == "of no XML") {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
		listed := strings.Count(c.want, ",") + 1
		if c.want == "all" {
			listed = 3
		}
		if _, sheets, err := d.drawn(t.Context(), t.TempDir(), 0, area(t, "C200:F210"), PaintOptions{}, bounds{whole: 1}); err != nil || len(sheets) != listed {
			t.Errorf("%s: a copy with the sheets %v, %v", name, sheets, err)
		}
	}
}

// TestSeenByNewCharts: a chart that the fork has put there reads cells like one of the file.
func TestSeenByNewCharts(t *testing.T) {
	b := &genbook.Book{}
	for _, name := range []string{"Drawn", "Beside", "Other"} {
		b.AddSheet((&genbook.Grid{}).Fill(&genbook.Sheet{Name: name}))
	}
	d := document(t, packed(t, b))
	chart := &grid.Chart{Types: []string{"column"}, Series: []grid.Series{{NameRef: "Other!$A$2", Categories: "Other!$B$4:$B$5", Values: "Other!$C$4:$C$5"}}}
	next, _, err := d.Snapshot.Apply(t.Context(), book.Edit{Ops: []book.Op{&book.ArrangeObjects{Sheet: "Drawn", Add: []book.NewObject{{ID: "chart-1a2b3c4d", Name: "new", Anchor: book.ObjectPlace{Cell: "B2", Width: 1e6, Height: 1e6}, Chart: chart}}}}})
	if err != nil {
		t.Fatal(err)
	}
	d.Snapshot = next
	s, err := d.seenIn(t.Context(), 0, cell.Range{}, bounds{whole: 1})
	if got, want := s.text(), "0: 1-1048576, 2: 2-2 4-5"; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}
