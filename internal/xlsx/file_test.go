package xlsx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

func TestWorkbook(t *testing.T) {
	f := open(t, pack(smallBook()).bytes())
	b := *f.Workbook()
	b.Styles = nil
	got := fmt.Sprintf("%+v", b)
	want := fmt.Sprintf("%+v", grid.Workbook{
		Dates: numfmt.Date1904,
		Sheets: []grid.SheetInfo{
			{Name: "A & B", SheetID: 7, Part: "xl/worksheets/sheet1.xml", Bytes: int64(len(smallBook()["xl/worksheets/sheet1.xml"]))},
			{Name: "Deep", SheetID: 9, Visibility: grid.VeryHidden, Part: "xl/worksheets/sheet2.xml", Bytes: int64(len(smallBook()["xl/worksheets/sheet2.xml"]))},
			{Name: "Chart", SheetID: 3, Visibility: grid.Hidden, Kind: grid.Chartsheet, Part: "xl/chartsheets/sheet1.xml", Bytes: int64(len(smallBook()["xl/chartsheets/sheet1.xml"]))},
			{Name: "Gone", SheetID: 4, Problem: `its relationship "rId99" is missing`},
		},
		Names: []grid.Name{
			{Name: "Rate", Sheet: -1, RefersTo: "0.5"},
			{Name: "_xlnm.Print_Area", Sheet: 0, RefersTo: "'A & B'!$A$1:$B$2", Hidden: true, Comment: "c"},
			{Name: "Far", Sheet: -1, RefersTo: "1"},
		},
		HasMacros: true, CalcMode: "manual", FullCalcOnLoad: true, Iterative: true, IterateCount: 7, IterateDelta: 0.5,
		External: []string{"other%20book.xlsx"}, App: "Test & Co/1.5", ActiveSheet: 1,
	})
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%+v", s.Layout.Comments), "[{Ref:A1 Author:Ann Text:note Threaded:false} {Ref:B1 Author:Bea Text:thread Threaded:true}]"; got != want {
		t.Errorf("comments %s, want %s", got, want)
	}
	if got, want := fmt.Sprint(s.Layout.Objects, s.Layout.Merges), "map[chart:1 image:1 table:1] [A3:B3]"; got != want {
		t.Errorf("objects and merges %s, want %s", got, want)
	}
	tables, err := f.Tables(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	wantTables := []grid.Table{{
		Name: "Sales", Sheet: 0, Range: rng(t, "A1:B3"), HeaderRows: 1, TotalsRows: 1, StyleName: "Medium2", AutoFilter: true, Part: "xl/tables/table1.xml", ID: 3, HeaderShown: true,
		Columns: []grid.TableColumn{{Name: "a\nb", TotalsLabel: "Sum"}, {Name: "n", Formula: "A1&1", TotalsFunction: "custom", TotalsFormula: "MAX(n)"}},
	}}
	if !reflect.DeepEqual(tables, wantTables) {
		t.Errorf("tables %+v\nwant   %+v", tables, wantTables)
	}
}

func TestStyles(t *testing.T) {
	s, err := parseStyles([]byte(`<styleSheet ` + mainNS + `><numFmts><numFmt numFmtId="165" formatCode="0.00&quot; kg&quot;"/></numFmts>
<fonts><font><sz val="11"/><name val="Aptos"/><family val="2"/><scheme val="minor"/></font><font><b/><i val="0"/><strike val="1"/><u/><vertAlign val="superscript"/><color indexed="1"/><charset val="238"/></font></fonts>
<fills><fill><patternFill/></fill><fill><patternFill patternType="solid"><fgColor rgb="ff112233"/><bgColor indexed="64"/></patternFill></fill>
<fill><gradientFill degree="90" left="0.5"><stop position="0"><color theme="1" tint="0.5"/></stop><stop position="1"><color auto="1"/></stop></gradientFill></fill></fills>
<borders><border/><border diagonalUp="1"><start style="thin"><color rgb="AABBCC"/></start><right/><bottom style="double"/></border></borders>
<cellStyleXfs><xf/><xf numFmtId="9" fontId="1"/></cellStyleXfs>
<cellXfs><xf fontId="0"/><xf numFmtId="165" fontId="1" fillId="1" borderId="1" xfId="1"><alignment horizontal="center" wrapText="1" textRotation="255" indent="2"/><protection hidden="1"/></xf><xf numFmtId="14" fontId="77"/><xf numFmtId="9999"/></cellXfs>
<cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/><cellStyle name="Mine" xfId="1"/></cellStyles>
<dxfs><dxf><font><b/></font><numFmt numFmtId="170" formatCode="@"/><fill><patternFill><bgColor rgb="FFFF0000"/></patternFill></fill></dxf></dxfs>
<colors><indexedColors><rgbColor rgb="00000000"/><rgbColor rgb="00ABCDEF"/></indexedColors></colors></styleSheet>`))
	if err != nil {
		t.Fatal(err)
	}
	fonts := []grid.Font{
		{Name: "Aptos", Size: 11, Family: 2, Scheme: "minor"},
		{Bold: true, Strikethrough: true, Underline: "single", VertAlign: "superscript", Charset: 238, Color: &grid.Color{ARGB: "00ABCDEF", Theme: -1, Indexed: -1}},
	}
	fills := []grid.Fill{
		{Pattern: "none"},
		{Pattern: "solid", Foreground: &grid.Color{ARGB: "FF112233", Theme: -1, Indexed: -1}, Background: &grid.Color{Theme: -1, Indexed: 64}},
		{GradientType: "linear", GradientDegree: 90, GradientLeft: 0.5, GradientStops: []grid.GradientStop{
			{Position: 0, Color: grid.Color{Theme: 1, Indexed: -1, Tint: 0.5}}, {Position: 1, Color: grid.Color{Theme: -1, Indexed: -1, Auto: true}},
		}},
	}
	borders := []grid.Border{{}, {DiagonalUp: true, Left: grid.Edge{Style: "thin", Color: &grid.Color{ARGB: "FFAABBCC", Theme: -1, Indexed: -1}}, Bottom: grid.Edge{Style: "double"}}}
	want := &grid.Styles{
		Fonts: fonts, Fills: fills, Borders: borders,
		Xfs: []grid.Xf{
			{NumFmt: "General", Font: &fonts[0], Fill: &fills[0], Border: &borders[0]},
			{NumFmtID: 165, NumFmt: `0.00" kg"`, Font: &fonts[1], Fill: &fills[1], Border: &borders[1], NamedStyle: 1,
				Alignment: &grid.Alignment{Horizontal: "center", Wrap: true, Rotation: 255, Indent: 2}, Protection: &grid.Protection{Locked: true, Hidden: true}},
			{NumFmtID: 14, NumFmt: "m/d/yyyy", Fill: &fills[0], Border: &borders[0]},
			{NumFmtID: 9999, NumFmt: "General", Font: &fonts[0], Fill: &fills[0], Border: &borders[0]},
		},
		Named: []grid.NamedStyle{
			{Name: "Normal", BuiltinID: 0, Xf: grid.Xf{NumFmt: "General", Font: &fonts[0], Fill: &fills[0], Border: &borders[0]}},
			{Name: "Mine", BuiltinID: -1, Xf: grid.Xf{NumFmtID: 9, NumFmt: "0%", Font: &fonts[1], Fill: &fills[0], Border: &borders[0], NamedStyle: 1}},
		},
		Dxfs: []grid.Xf{{NumFmtID: 170, NumFmt: "@", Font: &grid.Font{Bold: true}, NamedStyle: -1,
			Fill: &grid.Fill{Pattern: "none", Background: &grid.Color{ARGB: "FFFF0000", Theme: -1, Indexed: -1}}}},
	}
	formats := s.Formats
	s.Formats = nil
	if !reflect.DeepEqual(s, want) {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	if len(formats) != 4 || formats[0] != formats[3] || !formats[2].IsDate() || formats[1].IsDate() {
		t.Errorf("formats %v", formats)
	}
}

func TestTheme(t *testing.T) {
	theme, err := parseTheme([]byte(`<a:theme xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" name="Office"><a:themeElements><a:clrScheme name="x"><a:dk1><a:sysClr val="windowText" lastClr="000000"/></a:dk1>
<a:accent1><a:srgbClr val="4472c4"><a:lumMod val="1"/></a:srgbClr></a:accent1></a:clrScheme><a:fontScheme name="x"><a:majorFont><a:latin typeface="Head"/><a:ea typeface=""/></a:majorFont><a:minorFont><a:latin typeface="Body"/><a:ea typeface="East"/><a:cs typeface="Cs"/><a:font script="Jpan" typeface="no"/></a:minorFont></a:fontScheme></a:themeElements></a:theme>`))
	want := grid.Theme{Name: "Office", Fonts: map[string]string{"major_latin": "Head", "minor_latin": "Body", "minor_east_asian": "East", "minor_complex_script": "Cs"}}
	want.Colors[0], want.Colors[4] = "000000", "4472C4"
	if err != nil || !reflect.DeepEqual(theme, want) {
		t.Errorf("got %+v, %v; want %+v", theme, err, want)
	}
}

// TestPackaging opens the same workbook in all the ways in which programs pack it.
func TestPackaging(t *testing.T) {
	each := func(change func(e *entry)) archive {
		a := pack(smallBook())
		for i := range a.entries {
			change(&a.entries[i])
		}
		return a
	}
	utf16le := func(s string) string {
		var b strings.Builder
		b.WriteString("\xff\xfe")
		for _, u := range utf16.Encode([]rune(s)) {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
		return b.String()
	}
	twice := pack(smallBook())
	twice.entries = append([]entry{{name: "xl/workbook.xml", data: "<wrong/>"}}, twice.entries...)
	folder := pack(smallBook())
	folder.entries = append(folder.entries, entry{name: "xl/", stored: true}, entry{name: "xl/worksheets/", stored: true})
	for name, a := range map[string]archive{
		"stored":             each(func(e *entry) { e.stored = true }),
		"data descriptors":   each(func(e *entry) { e.descriptor = true }),
		"zip64 sizes":        each(func(e *entry) { e.zip64 = true }),
		"backslashes":        each(func(e *entry) { e.name = strings.ReplaceAll(e.name, "/", `\`) }),
		"upper case":         each(func(e *entry) { e.name = strings.ToUpper(e.name) }),
		"leading slash":      each(func(e *entry) { e.name = "/" + e.name }),
		"byte order marks":   each(func(e *entry) { e.data = "\xef\xbb\xbf" + e.data }),
		"UTF-16":             each(func(e *entry) { e.data = utf16le(e.data) }),
		"the later counts":   twice,
		"folders":            folder,
		"comment":            {entries: pack(smallBook()).entries, comment: "made by hand"},
		"long comment":       {entries: pack(smallBook()).entries, comment: strings.Repeat("c", 60000)},
		"bytes before":       {entries: pack(smallBook()).entries, prefix: "#!/bin/sh\n"},
		"zip64 directory":    {entries: pack(smallBook()).entries, endZip64: true},
		"zip64 behind bytes": {entries: pack(smallBook()).entries, endZip64: true, prefix: "junk"},
		"no content types":   pack(smallBook(), "[Content_Types].xml", ""),
		"no relationships":   pack(smallBook(), "_rels/.rels", ""),
		"strict":             pack(strict(smallBook())),
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, a.bytes())
			s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
			if err != nil {
				t.Fatal(err)
			}
			if f.Workbook().Strict != (name == "strict") {
				t.Error("of the form of the file it is said strict:", f.Workbook().Strict)
			}
			if got := fmt.Sprint(len(f.Workbook().Sheets), len(f.Workbook().Styles.Xfs), s.StoredCells(), s.Value(cell.Ref{}), len(s.Layout.Comments)); got != "4 2 3 x 2" {
				t.Errorf("sheets, formats, cells, A1, comments: %s", got)
			}
		})
	}
}

// strict turns a workbook into one of the strict form.
func strict(parts map[string]string) map[string]string {
	r := strings.NewReplacer("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main",
		"http://schemas.openxmlformats.org/officeDocument/2006/", "http://purl.oclc.org/ooxml/officeDocument/", "extended-properties", "extendedProperties")
	for name, data := range parts {
		parts[name] = r.Replace(data)
	}
	return parts
}

func TestResolve(t *testing.T) {
	b := archive{entries: []entry{{name: "xl/worksheets/Sheet 1.xml"}, {name: "xl/a%20b.xml"}, {name: "top.xml"}}}.bytes()
	p, err := OpenPackage(bytes.NewReader(b), int64(len(b)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ folder, target, want string }{
		{"xl/", "worksheets/sheet%201.xml", "xl/worksheets/Sheet 1.xml"},
		{"xl/", `worksheets\Sheet 1.xml`, "xl/worksheets/Sheet 1.xml"},
		{"xl/", "a%20b.xml", "xl/a%20b.xml"},
		{"xl/", "/xl/a%20b.xml", "xl/a%20b.xml"},
		{"xl/worksheets/", "../../top.xml#x", "top.xml"},
		{"xl/worksheets/", "../../../../top.xml", "top.xml"},
		{"xl/", "top.xml", "top.xml"},
		{"xl/", "none.xml", ""}, {"xl/", "#A1", ""}, {"xl/", "%zz", ""}, {"", "", ""},
	} {
		got := ""
		if part := p.resolve(c.folder, c.target); part != nil {
			got = part.Name
		}
		if got != c.want {
			t.Errorf("resolve(%q, %q) = %q, want %q", c.folder, c.target, got, c.want)
		}
	}
}

func TestContent(t *testing.T) {
	a := archive{entries: []entry{{name: "a", data: strings.Repeat("hello ", 50000)}, {name: "b", data: "stored", stored: true},
		{name: "bad", data: "x", crc: 1}, {name: "long", data: "hello", size: 2}, {name: "short", data: "hello", size: 9}}}
	b := a.bytes()
	p, err := OpenPackage(bytes.NewReader(b), int64(len(b)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range a.entries {
		c, err := p.Open(p.Part(i))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(c)
		all, allErr := p.ReadAll(p.Part(i), 1<<20)
		if i < 2 {
			if err != nil || allErr != nil || string(got) != e.data || string(all) != e.data {
				t.Errorf("%s: %d bytes, %v; %d bytes, %v", e.name, len(got), err, len(all), allErr)
			}
			continue
		}
		for _, err := range []error{err, allErr} {
			if fault, ok := err.(*Error); !ok || fault.Code != Unreadable || fault.Part != e.name {
				t.Errorf("%s: error %v", e.name, err)
			}
		}
	}
	if _, err := p.ReadAll(p.Part(0), 100); err == nil || err.(*Error).Code != TooLarge {
		t.Errorf("beyond the limit: error %v", err)
	}
}

func BenchmarkOpenOnly(b *testing.B) {
	for _, sheets := range []int{1, 200} {
		parts := smallBook()
		var list, rels, types strings.Builder
		for i := range sheets {
			fmt.Fprintf(&list, `<sheet name="Sheet%d" sheetId="%d" r:id="rId%d"/>`, i+1, i+1, i+1)
			rels.WriteString(rel(fmt.Sprintf("rId%d", i+1), "worksheet", fmt.Sprintf("worksheets/sheet%d.xml", i+1)))
			fmt.Fprintf(&types, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>`, i+1)
			parts[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = parts["xl/worksheets/sheet2.xml"]
		}
		doc := pack(parts,
			"xl/workbook.xml", `<workbook `+mainNS+`><sheets>`+list.String()+`</sheets></workbook>`,
			"xl/_rels/workbook.xml.rels", relsOpen+rels.String()+rel("s", "styles", "styles.xml")+`</Relationships>`,
			"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">`+types.String()+`</Types>`).bytes()
		b.Run(fmt.Sprintf("sheets=%d", sheets), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := Open(context.Background(), bytes.NewReader(doc), int64(len(doc)), Limits{})
				if err != nil || len(f.Workbook().Sheets) != sheets {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestSheetsThatCannotBeRead checks that a sheet that is missing, outside of the file or
// something else is told, and that the others can be read.
func TestSheetsThatCannotBeRead(t *testing.T) {
	rels := smallBook()["xl/_rels/workbook.xml.rels"]
	const target = `Target="worksheets/sheet2.xml"`
	if !strings.Contains(rels, target) {
		t.Fatal(rels)
	}
	for _, c := range []struct{ name, rels, says string }{
		{"missing", strings.Replace(rels, target, `Target="worksheets/sheet77.xml"`, 1), `the sheet "Deep" cannot be read: its part worksheets/sheet77.xml is missing`},
		{"outside", strings.Replace(rels, target, `Target="http://example.com/a.xml" TargetMode="External"`, 1), "outside of the file, at http://example.com/a.xml"},
		{"another root", strings.Replace(rels, target, `Target="styles.xml"`, 1), "part xl/styles.xml: a <worksheet> is expected and not <styleSheet>"},
	} {
		b := pack(smallBook(), "xl/_rels/workbook.xml.rels", c.rels).bytes()
		f, err := Open(t.Context(), bytes.NewReader(b), int64(len(b)), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1); err != nil || s.StoredCells() == 0 {
			t.Errorf("%s: the first sheet gives %v", c.name, err)
		}
		for _, last := range []int{0, cell.MaxRows - 1} {
			_, err = f.Sheet(t.Context(), 1, last)
			var known *Error
			if !errors.As(err, &known) || known.Code != Unreadable || !strings.Contains(known.Error(), c.says) || known.Hint == "" {
				t.Errorf("%s: error %v, wanted one that says %s", c.name, err, c.says)
			}
		}
	}
}

// TestBrokenTheme checks that a theme that cannot be read hides nothing but itself.
func TestBrokenTheme(t *testing.T) {
	for _, theme := range []string{"<a:theme", "no XML", `<!DOCTYPE a><a/>`} {
		f := open(t, pack(smallBook(), "xl/theme/theme1.xml", theme).bytes())
		if f.Workbook().Styles.Theme.Problem == "" {
			t.Errorf("%q is said to be a theme", theme)
		}
	}
}

// TestValuesThatNeedCare holds cells whose value depends on more than the cell: dates in
// ISO form with and without a date format, and strings that the file does not have.
func TestValuesThatNeedCare(t *testing.T) {
	sheet := `<worksheet ` + mainNS + `><sheetData><row r="1"><c r="A1" t="d" s="1"><v>2024-05-05</v></c><c r="B1" t="d"><v>2024-05-05</v></c><c r="C1" t="s"><v>0</v></c><c r="D1" t="s"><v>99999</v></c><c r="E1" t="e"><v>#WEIRD!</v></c></row></sheetData></worksheet>`
	f := open(t, pack(smallBook(), "xl/worksheets/sheet1.xml", sheet).bytes())
	s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for c := range s.Cells(cell.WholeSheet) {
		got = append(got, fmt.Sprintf("%v %v %v", c.Ref, c.Value.Kind(), c.Value))
	}
	if len(got) != 5 || !strings.HasPrefix(got[0], "A1 number 4") || got[1] != "B1 text 2024-05-05" || !strings.HasPrefix(got[2], "C1 text ") || got[3] != "D1 error #REF!" || got[4] != "E1 text #WEIRD!" {
		t.Errorf("got %q", got)
	}
}
