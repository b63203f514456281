package patch

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

var (
	list13 = grid.Validation{Ranges: []cell.Range{rng("B2:B9"), rng("D2")}, Type: "list", Operator: "between", Formula1: `"a,b<c>"`, AllowBlank: true,
		ShowError: true, ErrorTitle: "No", Error: "Take\none & \"only\" one", ShowPrompt: true, Prompt: "p", ErrorStyle: "warning"}
	whole = grid.Validation{Ranges: []cell.Range{rng("C2:C9")}, Type: "whole", Operator: "notBetween", Formula1: "1", Formula2: "$A$1"}
)

// TestValidations: validations are written as they are read, and those that the file has keep all that they say.
func TestValidations(t *testing.T) {
	const list13XML = `<dataValidation type="list" errorStyle="warning" allowBlank="1" showInputMessage="1" showErrorMessage="1" errorTitle="No" error="Take_x000A_one &amp; &quot;only&quot; one" prompt="p" sqref="B2:B9 D2"><formula1>"a,b&lt;c&gt;"</formula1></dataValidation>`
	const wholeXML = `<dataValidation type="whole" operator="notBetween" sqref="C2:C9"><formula1>1</formula1><formula2>$A$1</formula2></dataValidation>`
	const odd = `<dataValidation type="custom" imeMode="on" sqref="A1 A9"><formula1>LEN(A1)&gt;1</formula1><!-- odd --></dataValidation>`
	oddIs := grid.Validation{Ranges: []cell.Range{rng("A1"), rng("A9")}, Type: "custom", Operator: "between", Formula1: "LEN(A1)>1"}
	moved := oddIs
	moved.Ranges = []cell.Range{rng("A9")}
	for _, c := range []struct {
		name       string
		set        []grid.Validation
		tail, want string
	}{
		{"none before", []grid.Validation{list13, whole}, `<pageMargins left="1"/>`, `<dataValidations count="2">` + list13XML + wholeXML + `</dataValidations><pageMargins left="1"/>`},
		{"beside another", []grid.Validation{oddIs, whole}, `<conditionalFormatting sqref="A1"/><dataValidations disablePrompts="1" count="1">` + odd + `</dataValidations>`,
			`<conditionalFormatting sqref="A1"/><dataValidations disablePrompts="1" count="2">` + odd + wholeXML + `</dataValidations>`},
		{"of fewer cells", []grid.Validation{moved}, `<dataValidations count="1">` + odd + `</dataValidations>`,
			`<dataValidations count="1">` + strings.Replace(odd, "A1 A9", "A9", 1) + `</dataValidations>`},
		{"they go", nil, `<dataValidations count="1">` + odd + `</dataValidations><hyperlinks/>`, `<hyperlinks/>`},
	} {
		s := arranged(t, c.name, LayoutPatch{Validations: &c.set}, c.tail, c.want)
		if got := s.Layout.Validations; len(got) != len(c.set) || len(got) > 0 && !reflect.DeepEqual(got, c.set) {
			t.Errorf("%s: read as %+v and not as %+v", c.name, got, c.set)
		}
	}
}

var red = map[string]string{"fill.pattern_type": "solid", "fill.foreground_color": "FFFFC7CE", "fill.background_color": "FFFFC7CE", "font.color": "FF9C0006", "font.bold": "1"}

// newRules is one rule of each type that edits make.
func newRules() []grid.ConditionalFormat {
	a := []cell.Range{rng("A1:A9")}
	return []grid.ConditionalFormat{
		{Ranges: a, Type: "cellIs", Operator: "between", Formulas: []string{"1", "$B$1"}, Priority: 3, DxfID: -1, Look: red, StopIfTrue: true},
		{Ranges: a, Type: "expression", Formulas: []string{`A1<>"x&y"`}, Priority: 4, DxfID: -1, Look: red},
		{Ranges: []cell.Range{rng("C1:C9"), rng("E1")}, Type: "colorScale", Priority: 5, DxfID: -1, Stops: []grid.Stop{{Type: "min"}, {Type: "percentile", Value: "50"}, {Type: "max"}}, Colors: []string{"FFF8696B", "FFFFEB84", "theme:4:0.4"}},
		{Ranges: a, Type: "dataBar", Priority: 6, DxfID: -1, Stops: []grid.Stop{{Type: "num", Value: "0"}, {Type: "max"}}, Colors: []string{"FF638EC6"}, HideValue: true},
		{Ranges: a, Type: "iconSet", Priority: 7, DxfID: -1, IconSet: "3Arrows", Reverse: true, Stops: []grid.Stop{{Type: "percent", Value: "0"}, {Type: "percent", Value: "33"}, {Type: "num", Value: "67", Above: true}}},
		{Ranges: a, Type: "top10", Priority: 8, DxfID: -1, Look: red, Rank: 5, Percent: true, Bottom: true},
		{Ranges: a, Type: "aboveAverage", Priority: 9, DxfID: -1, Look: red, Below: true, Equal: true, StdDev: 1},
		{Ranges: a, Type: "duplicateValues", Priority: 10, DxfID: -1, Look: red},
		{Ranges: a, Type: "containsText", Operator: "containsText", Text: "é\"", Formulas: []string{`NOT(ISERROR(SEARCH("é""",A1)))`}, Priority: 11, DxfID: -1, Look: map[string]string{"font.italic": "1", "borders.left.style": "thin"}},
		{Ranges: a, Type: "timePeriod", TimePeriod: "lastMonth", Formulas: []string{"TRUE"}, Priority: 12, DxfID: -1, Look: red},
	}
}

// TestConditional: rules are written where they belong, are read again as they were meant, and share their formats.
func TestConditional(t *testing.T) {
	const odd = `<conditionalFormatting pivot="1" sqref="B1:B9 D1"><cfRule type="dataBar" priority="1"><dataBar><cfvo type="min"/><cfvo type="max"/><color rgb="FF00FF00"/></dataBar><extLst><ext uri="u"><id>{A}</id></ext></extLst></cfRule><cfRule type="unknown" x="1" priority="2"/></conditionalFormatting>`
	bar := grid.ConditionalFormat{Ranges: []cell.Range{rng("B1:B9"), rng("D1")}, Type: "dataBar", DxfID: -1, Priority: 1, Stops: []grid.Stop{{Type: "min"}, {Type: "max"}}, Colors: []string{"FF00FF00"}, Detail: "{A}"}
	unknown := grid.ConditionalFormat{Ranges: bar.Ranges, Type: "unknown", DxfID: -1, Priority: 2}
	rules := newRules()
	s := arranged(t, "beside others", LayoutPatch{Conditional: &[]grid.ConditionalFormat{bar, unknown, rules[2]}}, odd+`<pageMargins left="1"/>`,
		odd+`<conditionalFormatting sqref="C1:C9 E1"><cfRule type="colorScale" priority="5"><colorScale><cfvo type="min"/><cfvo type="percentile" val="50"/><cfvo type="max"/><color rgb="FFF8696B"/><color rgb="FFFFEB84"/><color theme="4" tint="0.4"/></colorScale></cfRule></conditionalFormatting><pageMargins left="1"/>`)
	if got := s.Layout.Conditional; len(got) != 3 || !reflect.DeepEqual(got[0], bar) || !reflect.DeepEqual(got[2], rules[2]) {
		t.Errorf("read as %+v", got)
	}
	less, apart := unknown, bar
	less.Priority, apart.Ranges = 7, []cell.Range{rng("B1:B9")}
	arranged(t, "one goes, one moves down", LayoutPatch{Conditional: &[]grid.ConditionalFormat{less}}, odd,
		`<conditionalFormatting pivot="1" sqref="B1:B9 D1"><cfRule type="unknown" x="1" priority="7"></cfRule></conditionalFormatting>`)
	arranged(t, "of fewer cells", LayoutPatch{Conditional: &[]grid.ConditionalFormat{apart, unknown}}, odd,
		strings.Replace(odd[:strings.Index(odd, `<cfRule type="unknown"`)], "B1:B9 D1", "B1:B9", 1)+`</conditionalFormatting><conditionalFormatting pivot="1" sqref="B1:B9 D1">`+odd[strings.Index(odd, `<cfRule type="unknown"`):])

	// All types, in a workbook with and without styles.
	for name, before := range map[string][]byte{"styles": ziptest.Pack(t, parts(oneCell)), "large": large(t, "W1", 0.01)} {
		b, report := saved(t, before, Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Conditional: &rules, Validations: &[]grid.Validation{list13}}}}})
		f, err := openBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Layout.Conditional) != len(rules) {
			t.Fatalf("%s: %d rules are read", name, len(s.Layout.Conditional))
		}
		ids := map[int]bool{}
		for i, got := range s.Layout.Conditional {
			want := rules[i]
			if want.Look != nil {
				if got.DxfID < 0 || got.DxfID >= len(f.Workbook().Styles.Dxfs) {
					t.Errorf("%s: %s has the format %d of %d", name, got.Type, got.DxfID, len(f.Workbook().Styles.Dxfs))
					continue
				}
				ids[got.DxfID] = true
				x := f.Workbook().Styles.Dxfs[got.DxfID]
				if want.Look["font.bold"] == "1" && (!x.Font.Bold || x.Font.Color.ARGB != "FF9C0006" || x.Fill.Background.ARGB != "FFFFC7CE") {
					t.Errorf("%s: %s looks like %+v", name, got.Type, x)
				}
				want.DxfID, want.Look = got.DxfID, nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: read as %+v\nand not as %+v", name, got, want)
			}
		}
		if len(ids) != 2 {
			t.Errorf("%s: there are %d formats of two", name, len(ids))
		}
		// excelize reads them, too.
		x, err := excelize.OpenReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		formats, err := x.GetConditionalFormats(x.GetSheetList()[0])
		n := 0
		for _, list := range formats {
			n += len(list)
		}
		if err != nil || n < len(rules)-1 { // it knows no rule with a period by its name
			t.Errorf("%s: excelize sees %d rules: %v", name, n, err)
		}
		if v, err := x.GetDataValidations(x.GetSheetList()[0]); err != nil || len(v) != 1 || v[0].Sqref != "B2:B9 D2" {
			t.Errorf("%s: excelize sees %+v: %v", name, v, err)
		}
		// Set once more they change nothing.
		again, report2 := saved(t, b, Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Conditional: &s.Layout.Conditional, Validations: &s.Layout.Validations}}}})
		if !bytes.Equal(again, b) || len(report2.Parts) > 0 || len(report.Parts)+len(report.Added) < 2 {
			t.Errorf("%s: %+v, and then %+v", name, report, report2)
		}
		// A second file with the same formats has no more of them.
		more := append(slices.Clone(s.Layout.Conditional), rules[0])
		b2, _ := saved(t, b, Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Conditional: &more}}}})
		if f2, err := openBytes(b2); err != nil || len(f2.Workbook().Styles.Dxfs) != len(f.Workbook().Styles.Dxfs) {
			t.Errorf("%s: formats were multiplied: %v", name, err)
		}
	}
}

// TestExtendedRules: rules that only newer versions of Excel know stay to the byte, go with those that they detail, and
// follow their cells.
func TestExtendedRules(t *testing.T) {
	const ns = ` xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"`
	const own = `<conditionalFormatting sqref="A1:A5"><cfRule type="dataBar" priority="1"><dataBar><cfvo type="min"/><cfvo type="max"/><color rgb="FF00FF00"/></dataBar><extLst><ext uri="u"><x14:id` + ns + `>{A}</x14:id></ext></extLst></cfRule></conditionalFormatting>`
	const detail = `<x14:conditionalFormatting><x14:cfRule type="dataBar" id="{A}"><x14:dataBar minLength="0"/></x14:cfRule><xm:sqref>A1:A5</xm:sqref></x14:conditionalFormatting>`
	const other = `<x14:conditionalFormatting><x14:cfRule type="expression" priority="4" id="{B}"><xm:f>Other!A1&gt;0</xm:f><x14:dxf><font/></x14:dxf></x14:cfRule><xm:sqref>F1 G1</xm:sqref></x14:conditionalFormatting>`
	const valid = `<x14:dataValidation type="list" y="1"><x14:formula1><xm:f>Other!$A$1:$A$3</xm:f></x14:formula1><xm:sqref>H1:H2</xm:sqref></x14:dataValidation>`
	tail := func(own string, formats, validations string) string {
		s := ""
		if formats != "" {
			s += `<ext uri="{78C0D931-6437-407d-A8EE-F0AAD7539E65}"` + ns + `><x14:conditionalFormattings>` + formats + `</x14:conditionalFormattings></ext>`
		}
		if validations != "" {
			s += `<ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"` + ns + `><x14:dataValidations count="1">` + validations + `</x14:dataValidations></ext>`
		}
		if s != "" {
			s = `<extLst>` + s + `</extLst>`
		}
		return `<sheetData/>` + own + s
	}
	before := ziptest.Pack(t, parts(`<worksheet `+main+`>`+tail(own, detail+other, valid)+`</worksheet>`))
	f, err := openBytes(before)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	formats, validations := s.Layout.Conditional, s.Layout.Validations
	if len(formats) != 2 || len(validations) != 1 || !formats[1].Extension || !validations[0].Extension {
		t.Fatalf("%+v %+v", formats, validations)
	}
	movedBar, movedRule, movedList := formats[0], formats[1], validations[0]
	movedBar.Ranges, movedRule.Ranges, movedList.Ranges = []cell.Range{rng("A2:A6")}, []cell.Range{rng("F2")}, []cell.Range{rng("H2:H3")}
	movedRule.Formulas, movedList.Formula1 = []string{"Other!A2<0"}, "Other!$A$2:$A$4"
	for _, c := range []struct {
		name        string
		formats     *[]grid.ConditionalFormat
		validations *[]grid.Validation
		want        string
	}{
		{"they stay", &formats, &validations, tail(own, detail+other, valid)},
		{"the details go with their rule", &[]grid.ConditionalFormat{formats[1]}, nil, tail("", other, valid)},
		{"the other goes", &[]grid.ConditionalFormat{formats[0]}, nil, tail(own, detail, valid)},
		{"the formats go", new([]grid.ConditionalFormat), nil, tail("", "", valid)},
		{"the validation goes", nil, new([]grid.Validation), tail(own, detail+other, "")},
		{"all go", new([]grid.ConditionalFormat), new([]grid.Validation), tail("", "", "")},
		{"they move", &[]grid.ConditionalFormat{movedBar, movedRule}, &[]grid.Validation{movedList}, strings.NewReplacer("A1:A5", "A2:A6", "F1 G1", "F2", "H1:H2", "H2:H3",
			"Other!A1&gt;0", "Other!A2&lt;0", "Other!$A$1:$A$3", "Other!$A$2:$A$4").Replace(tail(own, detail+other, valid))},
	} {
		b, _ := saved(t, before, Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Conditional: c.formats, Validations: c.validations}}}})
		if got, want := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"], `<worksheet `+main+`>`+c.want+`</worksheet>`; got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, want)
		}
	}
}
