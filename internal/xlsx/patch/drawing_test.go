package patch

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

// dot is a small picture.
func dot(t testing.TB) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 4))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// chartObject is a chart of a type with two series, one of which has a name of its own.
func chartObject(kind string) DrawingObject {
	c := &ChartPatch{Chart: grid.Chart{Types: []string{kind}, Title: "A <title>\nof two lines", XTitle: "across", YTitle: "up", Legend: "right", Labels: true, Series: []grid.Series{
		{NameRef: "S!$B$1", Categories: "S!$A$2:$A$4", Values: "S!$B$2:$B$4"}, {Name: "own & name", Values: "S!$C$2:$C$4"}}}}
	categories := []cell.Value{cell.TextValue("a"), cell.Value{}, cell.TextValue("c<")}
	if kind == "scatter" {
		categories = []cell.Value{cell.NumberValue(1), cell.NumberValue(2.5), cell.NumberValue(4)}
	}
	c.Data = []SeriesData{{Name: "first", Categories: categories, Values: []cell.Value{cell.NumberValue(1), cell.ErrorValue(cell.ErrNA), cell.TextValue("x")}, ValuesFormat: "0.00"},
		{Values: []cell.Value{cell.NumberValue(3), cell.BoolValue(true), {}}}}
	return DrawingObject{Name: "Chart of " + kind, Text: "it shows", At: at("E3"), X: 100, Width: 480 * grid.EMUPerPixel, Height: 288 * grid.EMUPerPixel, Chart: c}
}

// chartOrder is, for the elements of a chart that we write, the order of their children (ECMA-376 part 1, 21.2.2).
var chartOrder = map[string][]string{
	"chartSpace":   {"date1904", "lang", "roundedCorners", "AlternateContent", "style", "clrMapOvr", "pivotSource", "protection", "chart", "spPr", "txPr", "externalData", "printSettings", "userShapes", "extLst"},
	"chart":        {"title", "autoTitleDeleted", "pivotFmts", "view3D", "floor", "sideWall", "backWall", "plotArea", "legend", "plotVisOnly", "dispBlanksAs", "showDLblsOverMax", "extLst"},
	"title":        {"tx", "layout", "overlay", "spPr", "txPr", "extLst"},
	"barChart":     {"barDir", "grouping", "varyColors", "ser", "dLbls", "gapWidth", "overlap", "serLines", "axId", "extLst"},
	"lineChart":    {"grouping", "varyColors", "ser", "dLbls", "dropLines", "hiLowLines", "upDownBars", "marker", "smooth", "axId", "extLst"},
	"areaChart":    {"grouping", "varyColors", "ser", "dLbls", "dropLines", "axId", "extLst"},
	"pieChart":     {"varyColors", "ser", "dLbls", "firstSliceAng", "extLst"},
	"scatterChart": {"scatterStyle", "varyColors", "ser", "dLbls", "axId", "extLst"},
	"ser":          {"idx", "order", "tx", "spPr", "invertIfNegative", "pictureOptions", "marker", "explosion", "dPt", "dLbls", "trendline", "errBars", "cat", "val", "xVal", "yVal", "smooth", "shape", "extLst"},
	"catAx":        {"axId", "scaling", "delete", "axPos", "majorGridlines", "minorGridlines", "title", "numFmt", "majorTickMark", "minorTickMark", "tickLblPos", "spPr", "txPr", "crossAx", "crosses", "crossesAt", "auto", "lblAlgn", "lblOffset", "noMultiLvlLbl", "extLst"},
	"valAx":        {"axId", "scaling", "delete", "axPos", "majorGridlines", "minorGridlines", "title", "numFmt", "majorTickMark", "minorTickMark", "tickLblPos", "spPr", "txPr", "crossAx", "crosses", "crossesAt", "crossBetween", "majorUnit", "minorUnit", "dispUnits", "extLst"},
	"dLbls":        {"dLbl", "delete", "numFmt", "spPr", "txPr", "dLblPos", "showLegendKey", "showVal", "showCatName", "showSerName", "showPercent", "showBubbleSize", "separator", "showLeaderLines", "leaderLines", "extLst"},
	"legend":       {"legendPos", "legendEntry", "layout", "overlay", "spPr", "txPr", "extLst"},
	"strRef":       {"f", "strCache", "extLst"},
	"numRef":       {"f", "numCache", "extLst"},
	"strCache":     {"ptCount", "pt", "extLst"},
	"numCache":     {"formatCode", "ptCount", "pt", "extLst"},

	"oneCellAnchor":    {"from", "ext", "sp", "grpSp", "graphicFrame", "cxnSp", "pic", "contentPart", "clientData"},
	"from":             {"col", "colOff", "row", "rowOff"},
	"graphicFrame":     {"nvGraphicFramePr", "xfrm", "graphic"},
	"nvGraphicFramePr": {"cNvPr", "cNvGraphicFramePr"},
	"pic":              {"nvPicPr", "blipFill", "spPr", "style"},
	"nvPicPr":          {"cNvPr", "cNvPicPr"},
	"blipFill":         {"blip", "srcRect", "tile", "stretch"},
}

// ordered says which element of a part does not stand where the schema has it.
func ordered(doc string) error {
	d := xml.NewDecoder(strings.NewReader(doc))
	type open struct {
		name string
		last int
	}
	var path []open
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if n := len(path); n > 0 {
				if order := chartOrder[path[n-1].name]; order != nil {
					i := slices.Index(order, t.Name.Local)
					if i < path[n-1].last {
						return fmt.Errorf("%s in %s is unknown or out of place", t.Name.Local, path[n-1].name)
					}
					path[n-1].last = i
				}
			}
			path = append(path, open{name: t.Name.Local})
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}

// TestAxisFormats: axes have the number formats of what stands along them, and parts of a whole are percentages.
func TestAxisFormats(t *testing.T) {
	for _, c := range []struct{ kind, grouping, across, up string }{
		{"column", "", "General", `0.00 "&lt;"`},
		{"column", "percent", "General", "0%"},
		{"line", "stacked", "General", `0.00 "&lt;"`},
		{"scatter", "", "yyyy-mm-dd", `0.00 "&lt;"`},
	} {
		o := chartObject(c.kind)
		o.Chart.Grouping = c.grouping
		o.Chart.Data[0].ValuesFormat, o.Chart.Data[0].CategoriesFormat = `0.00 "<"`, "yyyy-mm-dd"
		var got []string
		for _, m := range regexp.MustCompile(`<c:numFmt formatCode="([^"]*)" sourceLinked="1"/>`).FindAllStringSubmatch(string(o.Chart.xml(false)), -1) {
			got = append(got, strings.ReplaceAll(m[1], "&quot;", `"`))
		}
		if want := []string{c.across, c.up}; !slices.Equal(got, want) {
			t.Errorf("%s %s has the formats %q and not %q", c.kind, c.grouping, got, want)
		}
	}
}

// TestOrderedFinds: what ordered looks for, it finds.
func TestOrderedFinds(t *testing.T) {
	for _, doc := range []string{`<ser><order/><idx/></ser>`, `<ser><x/></ser>`, `<valAx><crossBetween/><crosses/></valAx>`, `<pic><blipFill/><nvPicPr/></pic>`} {
		if ordered(doc) == nil {
			t.Errorf("%s is not found out", doc)
		}
	}
}

// TestNewCharts: charts and pictures come as parts of their own; all else stays to the byte. What reads
// them finds them.
func TestNewCharts(t *testing.T) {
	for _, kind := range []string{"column", "bar", "line", "area", "pie", "scatter"} {
		t.Run(kind, func(t *testing.T) {
			before := parts(oneCell)
			picture := DrawingObject{Name: "P", Text: `a "dot"`, At: at("B9"), Width: 8 * grid.EMUPerPixel, Height: 4 * grid.EMUPerPixel, Image: dot(t), Format: "png"}
			b, report := saved(t, ziptest.Pack(t, before), Patch{Objects: []ObjectPatch{{Add: []DrawingObject{chartObject(kind), picture}}}})
			after := ziptest.Parts(t, b)
			sameParts(t, before, after, "[Content_Types].xml", "xl/worksheets/sheet1.xml", "xl/worksheets/_rels/sheet1.xml.rels", "xl/drawings/drawing1.xml", "xl/drawings/_rels/drawing1.xml.rels", "xl/charts/chart1.xml", "xl/media/image1.png")
			if len(report.Added) != 6-1 {
				t.Errorf("added are %v", report.Added)
			}
			for _, part := range []string{"xl/charts/chart1.xml", "xl/drawings/drawing1.xml"} {
				if err := ordered(after[part]); err != nil {
					t.Errorf("%s: %v\nin %s", part, err, after[part])
				}
			}
			if err := conforms([]byte(after["xl/worksheets/sheet1.xml"])); err != nil {
				t.Error(err)
			}
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			list, err := f.Objects(t.Context(), 0)
			if err != nil || len(list) != 2 {
				t.Fatalf("there are %+v, %v", list, err)
			}
			c := list[0].Chart
			if list[0].Name != "Chart of "+kind || list[0].Text != "it shows" || c.Types[0] != kind || c.Title != "A <title>\nof two lines" || len(c.Series) != 2 || c.Series[0].Name != "first" || c.Series[1].Name != "own & name" ||
				c.Series[0].Categories != "S!$A$2:$A$4" || c.Series[1].Values != "S!$C$2:$C$4" || c.Legend != "right" || kind != "pie" && (c.XTitle != "across" || c.YTitle != "up") {
				t.Errorf("the chart is read as %+v of %+v", c, list[0])
			}
			if a := list[0].Anchor; a.From != at("E3") || a.FromX != 100 || a.Width != 480*grid.EMUPerPixel {
				t.Errorf("it lies at %+v", a)
			}
			if i := list[1].Image; i == nil || i.Format != "png" || i.Width != 8 || list[1].Text != `a "dot"` {
				t.Errorf("the picture is read as %+v", list[1])
			}
			x, err := excelize.OpenReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			pictures, err := x.GetPictures("S", "B9")
			if err != nil || len(pictures) != 1 || !bytes.Equal(pictures[0].File, dot(t)) {
				t.Errorf("excelize sees the pictures %+v, %v", pictures, err)
			}
			if err := x.DeleteChart("S", "E3"); err != nil {
				t.Errorf("excelize sees no chart: %v", err)
			}
		})
	}
}

// drawnBook is a workbook of another library with two charts, of which one is of two types, a picture twice and a shape.
func drawnBook(t testing.TB) []byte {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	x := excelize.NewFile()
	check(x.SetSheetRow("Sheet1", "A1", &[]any{"Month", "Net"}))
	check(x.SetSheetRow("Sheet1", "A2", &[]any{"Jan", 1}))
	for _, at := range []string{"E2", "E20"} {
		check(x.AddChart("Sheet1", at, &excelize.Chart{Type: excelize.Col, Series: []excelize.ChartSeries{{Name: "Sheet1!$B$1", Categories: "Sheet1!$A$2:$A$2", Values: "Sheet1!$B$2:$B$2"}}}))
	}
	for _, at := range []string{"B9", "B19"} {
		check(x.AddPictureFromBytes("Sheet1", at, &excelize.Picture{Extension: ".png", File: dot(t)}))
	}
	check(x.AddShape("Sheet1", &excelize.Shape{Cell: "B30", Type: "rect", Paragraph: []excelize.RichTextRun{{Text: "read me"}}}))
	var out bytes.Buffer
	check(x.Write(&out))
	return out.Bytes()
}

// TestRemoveObjects: what is removed goes with the parts that nothing else uses, and nothing else changes.
func TestRemoveObjects(t *testing.T) {
	whole := drawnBook(t)
	before := ziptest.Parts(t, whole)
	f, err := openBytes(whole)
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Objects(t.Context(), 0)
	if err != nil || len(list) != 5 {
		t.Fatalf("there are %+v, %v", list, err)
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	const drawing, relations, types = "xl/drawings/drawing1.xml", "xl/drawings/_rels/drawing1.xml.rels", "[Content_Types].xml"
	for _, c := range []struct {
		name    string
		remove  []int
		changed []string
		left    int
	}{
		{"a chart", []int{0}, []string{drawing, relations, types, list[0].Part}, 4},
		{"one of two pictures", []int{2}, []string{drawing, relations}, 4},
		{"both pictures", []int{2, 3}, []string{drawing, relations, types, list[2].Part}, 3},
		{"a shape", []int{4}, []string{drawing}, 4},
		{"all", []int{0, 1, 2, 3, 4}, []string{drawing, relations, types, list[0].Part, list[1].Part, list[2].Part, "xl/worksheets/sheet1.xml", "xl/worksheets/_rels/sheet1.xml.rels"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ObjectPatch{}
			for _, i := range c.remove {
				p.Remove = append(p.Remove, ids[i])
			}
			b, report := saved(t, whole, Patch{Objects: []ObjectPatch{p}})
			after := ziptest.Parts(t, b)
			sameParts(t, before, after, c.changed...)
			for _, name := range report.Dropped {
				if _, there := after[name]; there || strings.Contains(after[types], name) {
					t.Errorf("%s is said to be gone", name)
				}
			}
			g, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			got, err := g.Objects(t.Context(), 0)
			if err != nil || len(got) != c.left {
				t.Errorf("there are %+v, %v", got, err)
			}
			// excelize writes a dimension that its cells do not keep to.
			if err := conforms([]byte(strings.Replace(after["xl/worksheets/sheet1.xml"], `<dimension ref="A1"`, `<dimension ref="A1:B2"`, 1))); err != nil {
				t.Error(err)
			}
			// No part is left that nothing leads to.
			counts, err := g.Package().Referrers()
			if err != nil {
				t.Fatal(err)
			}
			for i := range g.Package().Len() {
				part := g.Package().Part(i)
				if name := part.Name; counts[part] == 0 && (strings.HasPrefix(name, "xl/charts/") || strings.HasPrefix(name, "xl/media/") || strings.HasPrefix(name, "xl/drawings/")) && !strings.HasSuffix(name, ".rels") {
					t.Errorf("%s is left", name)
				}
			}
		})
	}
	// One goes and another comes.
	b, _ := saved(t, whole, Patch{Objects: []ObjectPatch{{Remove: []string{ids[0]}, Add: []DrawingObject{chartObject("line")}}}})
	g, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := g.Objects(t.Context(), 0)
	if err != nil || len(got) != 5 || got[4].Chart == nil || got[4].Chart.Types[0] != "line" || slices.Contains(ids, got[4].ID) {
		t.Errorf("there are %+v, %v", got, err)
	}
}

// TestObjectsRefused: what cannot be is refused before anything is written.
func TestObjectsRefused(t *testing.T) {
	strict := parts(oneCell)
	strict["xl/workbook.xml"] = strings.ReplaceAll(strict["xl/workbook.xml"], "http://schemas.openxmlformats.org/spreadsheetml/2006/main", strictMain)
	strict["xl/worksheets/sheet1.xml"] = strings.ReplaceAll(strict["xl/worksheets/sheet1.xml"], "http://schemas.openxmlformats.org/spreadsheetml/2006/main", strictMain)
	for name, c := range map[string]struct {
		book []byte
		p    ObjectPatch
	}{
		"no sheet":       {ziptest.Pack(t, parts(oneCell)), ObjectPatch{Sheet: 1, Remove: []string{"drawing1.2"}}},
		"no drawing":     {ziptest.Pack(t, parts(oneCell)), ObjectPatch{Remove: []string{"drawing1.2"}}},
		"no such object": {drawnBook(t), ObjectPatch{Remove: []string{"drawing1.99"}}},
		"twice":          {drawnBook(t), ObjectPatch{Remove: []string{"drawing1.2", "drawing1.2"}}},
		"nothing":        {drawnBook(t), ObjectPatch{Add: []DrawingObject{{Name: "x", Width: 1, Height: 1}}}},
		"no size":        {drawnBook(t), ObjectPatch{Add: []DrawingObject{{Name: "x", Image: []byte("x"), Format: "png"}}}},
		"strict":         {ziptest.Pack(t, strict), ObjectPatch{Add: []DrawingObject{chartObject("pie")}}},
	} {
		f, err := openBytes(c.book)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		_, err = Save(t.Context(), f, Patch{Objects: []ObjectPatch{c.p}}, &out)
		if e := (*xlsx.Error)(nil); !errors.As(err, &e) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, out.Len())
		}
	}
}

// TestChartsLibreOffice has LibreOffice draw what was saved: there is something to be seen where the chart lies,
// and it writes charts and pictures again.
func TestChartsLibreOffice(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to open what was saved")
	}
	dir := t.TempDir()
	p := parts(`<worksheet ` + main + `><sheetData/></worksheet>`)
	cells := []CellPatch{text("A1", "Item"), text("B1", "first"), text("C1", "second"), text("A2", "a"), number("B2", 3), number("C2", 1), text("A3", "b"), number("B3", 5), number("C3", 2), text("A4", "c"), number("B4", 2), number("C4", 6)}
	var objects []DrawingObject
	for i, kind := range []string{"column", "bar", "line", "area", "pie", "scatter"} {
		o := chartObject(kind)
		o.At = cell.Ref{Row: 1 + 16*(i/2), Col: 4 + 8*(i%2)}
		objects = append(objects, o)
	}
	objects = append(objects, DrawingObject{Name: "P", At: at("A9"), Width: 80 * grid.EMUPerPixel, Height: 40 * grid.EMUPerPixel, Image: dot(t), Format: "png"})
	b, _ := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: cells}}, Objects: []ObjectPatch{{Add: objects}}})
	path := filepath.Join(dir, "c.xlsx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("GRIDFLOW_KEEP"); keep != "" { // to be looked at
		if err := os.WriteFile(keep, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), soffice, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", filepath.Join(dir, "out"), path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	is, err := os.ReadFile(filepath.Join(dir, "out", "c.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(is)
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.Objects(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	pictures := 0
	for _, o := range list {
		if o.Chart != nil {
			kinds = append(kinds, o.Chart.Types...)
			if len(o.Chart.Series) != 2 || o.Chart.Series[0].Values != "S!$B$2:$B$4" {
				t.Errorf("LibreOffice sees the chart %+v", o.Chart)
			}
		}
		if o.Image != nil {
			pictures++
		}
	}
	if slices.Sort(kinds); !slices.Equal(kinds, []string{"area", "bar", "column", "line", "pie", "scatter"}) || pictures != 1 {
		t.Errorf("LibreOffice sees %v and %d pictures", kinds, pictures)
	}
}
