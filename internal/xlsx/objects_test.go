package xlsx

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/corpus"
	"gridflow/internal/grid"
)

// objectsBook is a workbook with one of each that another library makes.
func objectsBook(t testing.TB) []byte {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	x := excelize.NewFile()
	for i, row := range [][]any{{"Month", "Net", "Gross"}, {"Jan", 1, 2}, {"Feb", 3, 4}} {
		check(x.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row))
	}
	check(x.AddChart("Sheet1", "E2", &excelize.Chart{Type: excelize.Col, Title: excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: "Sales"}}}, Legend: excelize.ChartLegend{Position: "bottom"},
		Series: []excelize.ChartSeries{{Name: "Sheet1!$B$1", Categories: "Sheet1!$A$2:$A$3", Values: "Sheet1!$B$2:$B$3"}}}, &excelize.Chart{Type: excelize.Line,
		Series: []excelize.ChartSeries{{Name: "Sheet1!$C$1", Categories: "Sheet1!$A$2:$A$3", Values: "Sheet1!$C$2:$C$3"}}}))
	var picture bytes.Buffer
	check(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 30, 20))))
	check(x.AddPictureFromBytes("Sheet1", "B9", &excelize.Picture{Extension: ".png", File: picture.Bytes(), Format: &excelize.GraphicOptions{AltText: "a logo", ScaleX: 1, ScaleY: 1}}))
	check(x.AddShape("Sheet1", &excelize.Shape{Cell: "B20", Type: "rect", Paragraph: []excelize.RichTextRun{{Text: "read me"}}}))
	check(x.AddSparkline("Sheet1", &excelize.SparklineOptions{Location: []string{"D2", "D3"}, Range: []string{"Sheet1!B2:C2", "Sheet1!B3:C3"}, Type: "column"}))
	_, err := x.NewSheet("Pivot")
	check(err)
	check(x.AddPivotTable(&excelize.PivotTableOptions{DataRange: "Sheet1!A1:C3", PivotTableRange: "Pivot!A3:C8", Name: "P",
		Rows: []excelize.PivotTableField{{Data: "Month"}}, Data: []excelize.PivotTableField{{Data: "Net", Subtotal: "Max", Name: "Most"}}}))
	check(x.AddFormControl("Pivot", excelize.FormControl{Cell: "F2", Type: excelize.FormControlCheckBox, CellLink: "A1"}))
	var out bytes.Buffer
	check(x.Write(&out))
	return out.Bytes()
}

// TestObjects: what another library has put into a workbook is told.
func TestObjects(t *testing.T) {
	f := open(t, objectsBook(t))
	list, err := f.Objects(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[0].Kind != grid.ChartObject || list[1].Kind != grid.ImageObject || list[2].Kind != grid.ShapeObject {
		t.Fatalf("there are %+v", list)
	}
	c := list[0].Chart
	if fmt.Sprint(c.Types) != "[column line]" || c.Title != "Sales" || c.Legend != "bottom" || len(c.Series) != 2 || c.Series[0].NameRef != "Sheet1!$B$1" ||
		c.Series[0].Categories != "Sheet1!$A$2:$A$3" || c.Series[0].Values != "Sheet1!$B$2:$B$3" || c.Series[1].Type != "line" {
		t.Errorf("the chart is %+v", c)
	}
	if list[0].Anchor.From.String() != "E2" || list[0].ID == "" || list[0].ID == list[1].ID {
		t.Errorf("the chart lies at %+v, %s", list[0].Anchor, list[0].ID)
	}
	if i := list[1].Image; i.Format != "png" || i.Width != 30 || i.Height != 20 || i.Bytes == 0 || list[1].Text != "a logo" || list[1].Anchor.From.String() != "B9" {
		t.Errorf("the picture is %+v, %+v", list[1], i)
	}
	b, err := f.Media(t.Context(), list[1].Part, 1<<20)
	if format, _, _, ok := Picture(b); err != nil || !ok || format != "png" {
		t.Errorf("its content is %q, %v", b, err)
	}
	if _, err := f.Media(t.Context(), list[1].Part, 10); err == nil {
		t.Error("it is given beyond its bound")
	}
	if list[2].Text != "read me" {
		t.Errorf("the shape is %+v", list[2])
	}
	sheet, err := f.Sheet(t.Context(), 0, 1<<20-1)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sheet.Layout.Sparklines); got != "[{column [{D2 Sheet1!B2:C2} {D3 Sheet1!B3:C3}]}]" {
		t.Errorf("the sparklines are %s", got)
	}
	if list, err = f.Objects(t.Context(), 1); err != nil || len(list) < 1 || list[0].Kind != grid.PivotObject {
		t.Fatalf("there are %+v, %v", list, err)
	}
	p := list[0].Pivot
	if p.Source != "Sheet1!A1:C3" || fmt.Sprint(p.Fields, p.Rows, p.Columns, p.Values) != "[Month Net Gross] [Month] [] [Most (max of Net)]" || list[0].Name != "P" {
		t.Errorf("the pivot table is %+v", p)
	}
	if list, err := f.Objects(t.Context(), -1); err != nil || len(list) != 0 {
		t.Errorf("of the workbook there is %+v, %v", list, err)
	}
	if list, err := f.Objects(t.Context(), 9); err != nil || len(list) != 0 {
		t.Errorf("of no sheet there is %+v, %v", list, err)
	}
	counts, err := f.Package().Referrers()
	if err != nil || counts[f.Package().Find("xl/charts/chart1.xml")] != 1 || counts[f.Package().Find("xl/drawings/drawing1.xml")] != 1 {
		t.Errorf("the parts are referred to %v, %v", counts, err)
	}
}

// TestNewerChart reads a chart of the kinds that came after 2013, in its alternative.
func TestNewerChart(t *testing.T) {
	doc := `<cx:chartSpace xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><cx:chartData><cx:data id="0"><cx:strDim type="cat"><cx:f>Sheet1!$A$2:$A$5</cx:f></cx:strDim>` +
		`<cx:numDim type="val"><cx:f>Sheet1!$B$2:$B$5</cx:f></cx:numDim></cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:txData><cx:v>Falls</cx:v></cx:txData></cx:tx></cx:title><cx:plotArea><cx:plotAreaRegion>` +
		`<cx:series layoutId="waterfall"><cx:tx><cx:txData><cx:f>Sheet1!$B$1</cx:f><cx:v>Net</cx:v></cx:txData></cx:tx><cx:dataId val="0"/></cx:series></cx:plotAreaRegion></cx:plotArea><cx:legend pos="t"/></cx:chart></cx:chartSpace>`
	c, err := parseChart([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%+v", *c); got != "{Types:[waterfall] Title:Falls Legend:top XTitle: YTitle: Grouping: Smooth:false Markers:false Lines:false Labels:false Series:[{Name:Net NameRef:Sheet1!$B$1 Categories:Sheet1!$A$2:$A$5 Values:Sheet1!$B$2:$B$5 Type:waterfall}]}" {
		t.Errorf("the chart is %s", got)
	}
}

// TestCorpusObjects reads the objects of all workbooks of other programs: as many charts and pictures
// as the sheets say, and nothing that cannot be read.
func TestCorpusObjects(t *testing.T) {
	dir := corpus.Dir(t)
	kinds, errs := map[grid.ObjectKind]int{}, 0
	types := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if ext := strings.ToLower(filepath.Ext(path)); err != nil || ext != ".xlsx" && ext != ".xlsm" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := Open(context.Background(), bytes.NewReader(b), int64(len(b)), Limits{})
		if err != nil {
			return nil
		}
		for i := -1; i < len(f.book.Sheets); i++ {
			list, err := f.Objects(t.Context(), i)
			if err != nil {
				errs++
				t.Logf("%s, sheet %d: %v", path, i, err)
				continue
			}
			for _, o := range list {
				kinds[o.Kind]++
				if o.Chart != nil {
					for _, s := range o.Chart.Types {
						types[s]++
					}
					if len(o.Chart.Types) == 0 {
						t.Logf("%s: a chart of no type", path)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, %v; %d sheets cannot be read", kinds, types, errs)
	if errs > 20 {
		t.Errorf("the objects of %d sheets cannot be read", errs)
	}
}
