package xlsx

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/xmltext"
)

const worksheetTag = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" ` +
	`xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" ` +
	`xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:x12ac="http://schemas.microsoft.com/office/spreadsheetml/2011/1/ac" ` +
	`xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main">`

func rng(t testing.TB, s string) cell.Range {
	t.Helper()
	r, ok := cell.ParseRange(s)
	if !ok {
		t.Fatalf("%q is no range", s)
	}
	return r
}

func TestParseHead(t *testing.T) {
	var l grid.Layout
	dim, err := parseHead([]byte(worksheetTag+`<sheetPr><tabColor theme="4" tint="-0.25"/></sheetPr><dimension ref="B2:D9"/>
<sheetViews><sheetView showGridLines="0" rightToLeft="1" zoomScale="85"><pane xSplit="1" ySplit="2" topLeftCell="B3" activePane="bottomRight" state="frozen"/>
<selection pane="topRight" activeCell="A1"/><selection pane="bottomRight" activeCell="C7" sqref="C7"/></sheetView><sheetView zoomScale="10"/></sheetViews>
<sheetFormatPr defaultRowHeight="14.4" defaultColWidth="9.5"/>
<cols><col min="5" max="6" width="3" hidden="1"/><col min="1" max="5" width="12.5" style="7" customWidth="1" outlineLevel="2"/><col min="0" max="9"/><col min="16380" max="99999" collapsed="1"/></cols>`), &l)
	if err != nil {
		t.Fatal(err)
	}
	if dim == nil || *dim != rng(t, "B2:D9") {
		t.Errorf("dimension %v", dim)
	}
	want := grid.Layout{
		TabColor: &grid.Color{Theme: 4, Indexed: -1, Tint: -0.25},
		Views: grid.View{FrozenRows: 2, FrozenCols: 1, TopLeft: "B3", ZoomPercent: 85, HideGridLines: true,
			RightToLeft: true, ActiveCell: "C7"},
		DefaultRowHeight: 14.4, DefaultColumnWidth: 9.5,
		Columns: []grid.ColumnSpan{
			{First: 0, Last: 4, Width: 12.5, Style: 7, Custom: true, Outline: 2},
			{First: 5, Last: 5, Width: 3, Hidden: true},
			{First: 16379, Last: 16383, Collapsed: true},
		},
	}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
}

func TestParseTail(t *testing.T) {
	var l grid.Layout
	rels := &relationships{list: []relationship{{id: "rId1", target: "https://example.org/?a=1&b", external: true}, {id: "rId2", target: "#Sheet2!A1"}},
		byID: map[string]int{"rId1": 0, "rId2": 1}}
	err := parseTail([]byte(worksheetTag+`<sheetProtection sheet="1"/><autoFilter ref="A1:C9"/><mergeCells count="9"><mergeCell ref="A1:B1"/><mergeCell ref="#REF!"/><mergeCell ref="C3:C5"/></mergeCells>
<conditionalFormatting sqref="A1:A5 C1"><cfRule type="cellIs" dxfId="3" priority="2" operator="between" stopIfTrue="1"><formula>1&lt;2</formula><formula>$B$1</formula></cfRule>
<cfRule type="dataBar" priority="1"><dataBar><cfvo type="min"/></dataBar><extLst><ext uri="u"><x14:id>{A}</x14:id></ext></extLst></cfRule></conditionalFormatting>
<dataValidations><dataValidation type="list" allowBlank="1" showDropDown="1" errorTitle="a_x000a_b" sqref="D1:D9"><mc:AlternateContent><mc:Choice Requires="x12ac"><x12ac:list>"1,2",3</x12ac:list></mc:Choice>
<mc:Fallback><formula1>"1,2,3"</formula1></mc:Fallback></mc:AlternateContent></dataValidation><dataValidation type="whole" operator="lessThan" sqref="E1 E3"><formula1>5</formula1></dataValidation></dataValidations>
<hyperlinks><hyperlink ref="A1" r:id="rId1" tooltip="t"/><hyperlink ref="A2:B3" location="X!A1" display="d"/><hyperlink ref="A4" r:id="rId2"/></hyperlinks>
<drawing r:id="rId9"/><mc:AlternateContent><mc:Choice Requires="x14"><controls><mc:AlternateContent><mc:Choice Requires="x14"><control/></mc:Choice></mc:AlternateContent><control/></controls></mc:Choice></mc:AlternateContent>
<tableParts><tablePart/><tablePart/></tableParts>
<extLst><ext><x14:conditionalFormattings><x14:conditionalFormatting><x14:cfRule type="dataBar" id="{A}"><x14:dataBar><x14:cfvo><xm:f>9</xm:f></x14:cfvo></x14:dataBar></x14:cfRule><xm:sqref>A1:A5</xm:sqref></x14:conditionalFormatting>
<x14:conditionalFormatting><x14:cfRule type="expression" priority="4" id="{B}"><xm:f>Other!A1&gt;0</xm:f></x14:cfRule><xm:sqref>F1 G1</xm:sqref></x14:conditionalFormatting></x14:conditionalFormattings></ext>
<ext><x14:dataValidations><x14:dataValidation type="list"><x14:formula1><xm:f>Other!$A$1:$A$3</xm:f></x14:formula1><xm:sqref>H1:H2</xm:sqref></x14:dataValidation></x14:dataValidations></ext>
<ext><x14:sparklineGroups><x14:sparklineGroup><x14:colorSeries/><x14:sparklines><x14:sparkline/><x14:sparkline/></x14:sparklines></x14:sparklineGroup></x14:sparklineGroups></ext></extLst>`), rels, &l)
	if err != nil {
		t.Fatal(err)
	}
	filter := rng(t, "A1:C9")
	both := []cell.Range{rng(t, "A1:A5"), rng(t, "C1")}
	want := grid.Layout{
		Protected: true, AutoFilter: &filter, Merges: []cell.Range{rng(t, "A1:B1"), rng(t, "C3:C5")},
		Conditional: []grid.ConditionalFormat{
			{Ranges: both, Type: "cellIs", DxfID: 3, Priority: 2, Operator: "between", StopIfTrue: true, Formulas: []string{"1<2", "$B$1"}},
			{Ranges: both, Type: "dataBar", DxfID: -1, Priority: 1, Stops: []grid.Stop{{Type: "min"}}, Detail: "{A}"},
			{Ranges: []cell.Range{rng(t, "F1"), rng(t, "G1")}, Type: "expression", DxfID: -1, Priority: 4, Formulas: []string{"Other!A1>0"}, Extension: true},
		},
		Validations: []grid.Validation{
			{Ranges: []cell.Range{rng(t, "D1:D9")}, Type: "list", Operator: "between", Formula1: `"1,2,3"`, AllowBlank: true, HideDropDown: true, ErrorTitle: "a\nb"},
			{Ranges: []cell.Range{rng(t, "E1"), rng(t, "E3")}, Type: "whole", Operator: "lessThan", Formula1: "5"},
			{Ranges: []cell.Range{rng(t, "H1:H2")}, Type: "list", Operator: "between", Formula1: "Other!$A$1:$A$3", Extension: true},
		},
		Hyperlinks: []grid.Hyperlink{
			{Range: rng(t, "A1"), Target: "https://example.org/?a=1&b", Tooltip: "t"},
			{Range: rng(t, "A2:B3"), Location: "X!A1", Display: "d"},
			{Range: rng(t, "A4"), Location: "Sheet2!A1"},
		},
		Objects: map[string]int{"drawing": 1, "control": 2, "table": 2, "sparkline": 2},
	}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
}

func TestLayoutTakesPrefixedAndStrictNames(t *testing.T) {
	var l grid.Layout
	err := parseTail([]byte(`<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main" xmlns:y="other"><x:mergeCells><x:mergeCell ref="A1:B2"/></x:mergeCells><y:mergeCells><y:mergeCell ref="A1:B2"/></y:mergeCells></x:worksheet>`), &relationships{}, &l)
	if err != nil || len(l.Merges) != 1 {
		t.Errorf("merges %v, error %v", l.Merges, err)
	}
}

func TestLayoutIsBounded(t *testing.T) {
	if raceDetector {
		t.Skip("too slow with the race detector, which has nothing to find in one goroutine")
	}
	for _, doc := range []string{
		`<mergeCells>` + strings.Repeat(`<mergeCell ref="A1"/>`, maxEntries+1),
		`<conditionalFormatting sqref="` + strings.Repeat(`A1 `, maxEntries+1) + `">`,
		`<dataValidations>` + strings.Repeat(`<dataValidation/>`, maxEntries+1),
	} {
		var l grid.Layout
		err := parseTail([]byte(worksheetTag+doc), &relationships{}, &l)
		var e *Error
		if !errors.As(err, &e) || e.Code != TooLarge {
			t.Errorf("%.30s…: error %v", doc, err)
		}
	}
	var l grid.Layout
	err := parseTail([]byte(worksheetTag+`<mergeCells><mergeCell ref="A1"`), &relationships{}, &l)
	if s, ok := xmltext.IsSyntax(err); !ok || s.Offset == 0 {
		t.Errorf("error %v", err)
	}
}

func TestComments(t *testing.T) {
	at := make(map[cell.Ref]int)
	var l grid.Layout
	err := parseComments([]byte(`<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors><author>Ann</author><author>tc={1}</author></authors><commentList>
<comment ref="B2" authorId="0"><text><r><rPr><b/></rPr><t>Ann:</t></r><r><t xml:space="preserve">
 hi_x000D_</t></r><rPh sb="0" eb="1"><t>READING</t></rPh></text></comment><comment ref="C3" authorId="1"><text><t>[Threaded comment] …</t></text></comment><comment ref="" authorId="9"/></commentList></comments>`), at, &l)
	if err != nil {
		t.Fatal(err)
	}
	err = parseThreads([]byte(`<ThreadedComments xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"><threadedComment ref="C3" personId="p1" id="1"><text>why?</text></threadedComment>
<threadedComment ref="C3" personId="p2" id="2" parentId="1"><text>because</text></threadedComment><threadedComment ref="D4" personId="p9"><text>lone</text></threadedComment></ThreadedComments>`),
		map[string]string{"p1": "Bea", "p2": "Cid"}, at, &l)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%+v", l.Comments)
	want := fmt.Sprintf("%+v", []grid.Comment{
		{Ref: cell.Ref{Row: 1, Col: 1}, Author: "Ann", Text: "Ann:\n hi\r"},
		{Ref: cell.Ref{Row: 2, Col: 2}, Author: "Bea", Text: "why?\nCid: because", Threaded: true},
		{Ref: cell.Ref{Row: 3, Col: 3}, Text: "lone", Threaded: true},
	})
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPrintAreas(t *testing.T) {
	book := &grid.Workbook{Names: []grid.Name{{Name: "_xlnm.Print_Area", Sheet: 1, RefersTo: "'a,b'!$A$1:$B$2,'a,b'!$D:$D,#REF!"}, {Name: "_xlnm.Print_Area", Sheet: 0, RefersTo: "x!A1"}}}
	if got, want := printAreas(book, 1), []cell.Range{rng(t, "A1:B2"), rng(t, "D:D")}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestFiltering: a filter filters where a column of it has a criterion, not where it only hides a button.
func TestFiltering(t *testing.T) {
	for text, want := range map[string]bool{
		`<autoFilter ref="A1:B9"/>`: false,
		`<autoFilter ref="A1:B9"><filterColumn colId="0" hiddenButton="1"/></autoFilter>`:                                                                        false,
		`<autoFilter ref="A1:B9"><sortState ref="A2:B9"><sortCondition ref="A2"/></sortState></autoFilter>`:                                                      false,
		`<autoFilter ref="A1:B9"><filterColumn colId="0"/><filterColumn colId="1"><filters><filter val="x"/></filters></filterColumn></autoFilter>`:              true,
		`<autoFilter ref="A1:B9"><filterColumn colId="0"><customFilters><customFilter operator="lessThan" val="2"/></customFilters></filterColumn></autoFilter>`: true,
		`<autoFilter ref="A1:B9"><filterColumn colId="0"><top10 val="3"/></filterColumn><sortState ref="A2:B9"/></autoFilter>`:                                   true,
	} {
		var l grid.Layout
		if err := parseTail([]byte(worksheetTag+text), &relationships{}, &l); err != nil || l.AutoFilter == nil || l.Filtering != want {
			t.Errorf("%s: filtering %v, error %v", text, l.Filtering, err)
		}
		doc := `<table ` + mainNS + ` id="1" name="T" displayName="T" ref="A1:B9">` + text + `<tableColumns count="2"><tableColumn id="1" name="a"/><tableColumn id="2" name="b"/></tableColumns></table>`
		if table, err := parseTable([]byte(doc)); err != nil || !table.AutoFilter || table.Filtering != want || len(table.Columns) != 2 {
			t.Errorf("a table with %s: %+v, error %v", text, table, err)
		}
	}
}
