package scan

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// scanSheet feeds xml in windows that end at the given cuts.
func scanSheet(t *testing.T, xml string, cuts ...int) (*grid.Sheet, *Sheet, error) {
	t.Helper()
	b := grid.NewBuilder("S")
	s := NewSheet(b, Limits{})
	start := 0
	for _, end := range append(cuts, len(xml)) {
		n, err := s.Feed([]byte(xml[start:end]), end == len(xml))
		if err != nil {
			return nil, s, err
		}
		start += n
	}
	return b.Finish(nil), s, nil
}

// dump writes a sheet as one line a cell: reference, kind, value, style, formula.
func dump(s *grid.Sheet) string {
	var out strings.Builder
	for c := range s.Cells(cell.WholeSheet) {
		fmt.Fprintf(&out, "%v %v %q", c.Ref, c.Value.Kind(), c.Value.String())
		if c.Style != 0 {
			fmt.Fprintf(&out, " s=%d", c.Style)
		}
		if c.HasFormula() {
			f := s.Formula(c)
			fmt.Fprintf(&out, " %v %q", f.Kind, f.Text)
			if f.Kind != grid.NormalFormula {
				fmt.Fprintf(&out, " at %v in %v", f.Anchor, f.Range)
			}
		}
		out.WriteByte('\n')
	}
	for _, r := range s.Layout.Rows {
		fmt.Fprintf(&out, "rows %d-%d height=%v hidden=%v style=%d outline=%d\n", r.First, r.Last, r.Height, r.Hidden, r.Style, r.Outline)
	}
	return out.String()
}

var cases = []struct {
	name, xml, want string
}{
	{"plain", `<row r="2" spans="1:3"><c r="A2"><v>1</v></c><c r="B2" s="12"><v>-2.5</v></c><c r="C2" s="3" t="b"><v>1</v></c><c r="D2" s="4"/></row>`,
		`A2 number "1"
B2 number "-2.5" s=12
C2 bool "TRUE" s=3
D2 blank "" s=4
`},
	{"no references", `<row><c><v>1</v></c><c/><c><v>2</v></c></row><row><c><v>3</v></c></row><row r="5"><c r="C5"><v>4</v></c><c><v>5</v></c></row>`,
		`A1 number "1"
C1 number "2"
A2 number "3"
C5 number "4"
D5 number "5"
`},
	{"attributes in any order and quotes", "<row r='1'><c t=\"str\" r='A1' s=\"2\"><f>B1&amp;\"x>y\"</f><v>a &lt;b&gt;</v></c>\n <c\tr = \"B1\" ><v xml:space=\"preserve\"> 7 </v> </c></row>",
		`A1 text "a <b>" s=2 normal "B1&\"x>y\""
B1 number "7"
`},
	{"errors, dates, odd numbers", `<row r="1"><c r="A1" t="e"><v>#DIV/0!</v></c><c r="B1" t="e"><v>#NEW!</v></c><c r="C1" t="d"><v>2024-01-02</v></c><c r="D1"><v>+5</v></c><c r="E1"><v>NaN</v></c><c r="F1" t="n"><v>1E400</v></c><c r="G1" t="s"><v>x</v></c></row>`,
		`A1 error "#DIV/0!"
B1 text "#NEW!"
C1 text "2024-01-02"
D1 number "5"
E1 text "NaN"
F1 text "1E400"
G1 error "#REF!"
`},
	{"empty values", `<row r="1"><c r="A1" t="str"><f>""</f><v></v></c><c r="B1"><f>C1</f><v/></c><c r="C1" t="s"><v/></c><c r="D1" s="1"><v></v></c></row>`,
		`A1 text "" normal "\"\""
B1 blank "" normal "C1"
D1 blank "" s=1
`},
	{"inline strings", `<row r="1"><c r="A1" t="inlineStr"><is><t>one</t></is></c><c r="B1" t="inlineStr"><is><r><rPr><b/></rPr><t>bo</t></r><r><t xml:space="preserve">ld </t></r><rPh sb="0" eb="1"><t>hint</t></rPh></is></c><c r="C1" t="inlineStr"><is><t>a_x000D_b_xD83D__xDE00__x005F_x</t></is></c></row>`,
		`A1 text "one"
B1 text "bold "
C1 text "a\rb😀_x"
`},
	{"shared formulas", `<row r="1"><c r="A1"><f t="shared" ref="A1:A3" si="0">B1*2</f><v>2</v></c></row><row r="2"><c r="A2"><f t="shared" si="0"/><v>4</v></c></row><row r="3"><c r="A3"><f t="shared" si="0"></f><v>6</v></c><c r="B3"><f t="shared" si="9"/><v>1</v></c></row>`,
		`A1 number "2" shared "B1*2" at A1 in A1:A3
A2 number "4" shared "B1*2" at A1 in A1:A3
A3 number "6" shared "B1*2" at A1 in A1:A3
B3 number "1"
`},
	{"array formulas and tables", `<row r="1"><c r="A1" cm="1"><f t="array" ref="A1:A2">SORT(B1:B2)</f><v>1</v></c><c r="C1"><f t="array" ref="C1">SUM(A1*2)</f><v>2</v></c><c r="D1"><f t="dataTable" ref="D1:D3" dt2D="0" dtr="0" r1="A1"/><v>3</v></c></row>`,
		`A1 number "1" dynamic_array "SORT(B1:B2)" at A1 in A1:A2
C1 number "2" array "SUM(A1*2)" at C1 in C1
D1 number "3" data_table "TABLE(,A1)" at D1 in D1:D3
`},
	{"what-if tables whose inputs are gone", `<row r="1"><c r="A1"><f t="dataTable" ref="A1:B2" dt2D="1" dtr="1" r1="F1" r2="G1" del2="1"/><v>3</v></c><c r="D1"><f t="dataTable" ref="D1:E1" dtr="1" r1="F1" del1="true"/><v>4</v></c></row>`,
		`A1 number "3" data_table "TABLE(F1,#REF!)" at A1 in A1:B2
D1 number "4" data_table "TABLE(#REF!,)" at D1 in D1:E1
`},
	{"what-if tables", `<row r="1"><c r="A1"><f t="dataTable" ref="A1:B2" dt2D="1" dtr="1" r1="F1" r2="G1"/><v>3</v></c><c r="D1"><f t="dataTable" ref="D1:E1" dtr="1" r1="F1"/><v>4</v></c></row>`,
		`A1 number "3" data_table "TABLE(F1,G1)" at A1 in A1:B2
D1 number "4" data_table "TABLE(F1,)" at D1 in D1:E1
`},
	{"extensions in a cell", `<row r="1"><c r="A1"><v>1</v><extLst><ext uri="x"><v>2</v><f>no</f><!-- </extLst> --><is><t>no</t></is></ext></extLst></c><c r="B1"><extLst/><v>3</v></c></row>`,
		`A1 number "1"
B1 number "3"
`},
	{"si beyond all bounds", `<row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">B1</f><v>1</v></c><c r="C1"><f t="shared" ref="C1:C2" si="99999999999">D1</f><v>2</v></c></row><row r="2"><c r="A2"><f t="shared" si="0"/><v>3</v></c></row>`,
		`A1 number "1" shared "B1" at A1 in A1:A2
C1 number "2" shared "D1" at C1 in C1:C2
A2 number "3" shared "B1" at A1 in A1:A2
`},
	{"CDATA and comments", `<!-- <c r="Z9"/> --><row r="1"><!--x--><c r="A1" t="str"><v>a<![CDATA[<i> & ]]>c<!-- no --></v></c></row>`,
		`A1 text "a<i> & c"
`},
	{"order and repetition within a band", `<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>2</v></c></row><row r="1"><c r="A1"><v>3</v></c></row><row r="2"><c r="A2"><v>4</v></c></row>`,
		`A1 number "3"
A2 number "4"
B2 number "1"
`},
	{"rows that say something", `<row r="1" ht="20" customHeight="1"/><row r="2" ht="20" customHeight="1"/><row r="3" hidden="1"><c r="A3"><v>1</v></c></row><row r="4" s="3" customFormat="1" outlineLevel="2"/><row r="5" s="3"/>`,
		`A3 number "1"
rows 0-1 height=20 hidden=false style=0 outline=0
rows 2-2 height=0 hidden=true style=0 outline=0
rows 3-3 height=0 hidden=false style=3 outline=2
`},
	{"other elements are passed over", `<row r="1"><mc:AlternateContent xmlns:mc="u"><mc:Choice/></mc:AlternateContent><c r="A1"><extLst><ext><v2>9</v2></ext></extLst><v>1</v></c></row>`,
		`A1 number "1"
`},
	{"long numbers", `<row r="1"><c r="A1"><v>` + strings.Repeat("1", 100) + `</v></c><c r="B1"><v>0.` + strings.Repeat("3", 200) + `</v></c></row>`,
		`A1 number "1.111111111111111E+99"
B1 number "0.3333333333333333"
`},
}

func wrap(prefix, rows string) string {
	if prefix != "" {
		for _, n := range []string{"row", "c", "v", "f", "is", "t", "r", "rPr", "rPh", "b", "extLst"} {
			for _, end := range []string{" ", ">", "/>", "\t"} {
				rows = strings.ReplaceAll(rows, "<"+n+end, "<"+prefix+n+end)
			}
			rows = strings.ReplaceAll(rows, "</"+n+">", "</"+prefix+n+">")
		}
	}
	return `<?xml version="1.0"?><!-- <sheetData> --><` + prefix + `worksheet xmlns="m" q="a>b"><` + prefix + `cols/><` + prefix + `sheetData>` + rows +
		`</` + prefix + `sheetData><` + prefix + `mergeCells/></` + prefix + `worksheet>`
}

func TestSheet(t *testing.T) {
	for _, c := range cases {
		for _, prefix := range []string{"", "x:"} {
			xml := wrap(prefix, c.xml)
			t.Run(c.name+prefix, func(t *testing.T) {
				got, s, err := scanSheet(t, xml)
				if err != nil {
					t.Fatal(err)
				}
				if d := dump(got); d != c.want {
					t.Errorf("got\n%swant\n%s", d, c.want)
				}
				root := `<` + prefix + `worksheet xmlns="m" q="a>b">`
				if h := string(s.Head()); h != root+`<`+prefix+`cols/></`+prefix+`worksheet>` {
					t.Errorf("head is %s", h)
				}
				if h := string(s.Tail()); h != root+`<`+prefix+`mergeCells/></`+prefix+`worksheet>` {
					t.Errorf("tail is %s", h)
				}
				// Wherever the input is cut, the result is the same.
				for cut := range len(xml) {
					got, _, err := scanSheet(t, xml, cut)
					if err != nil || dump(got) != c.want {
						t.Fatalf("cut at %d (%q): %v\n%s", cut, xml[max(0, cut-20):cut], err, dump(got))
					}
				}
			})
		}
	}
}

// The fast path gives what the general path gives: a sheet large enough for it is read
// once as it is and once with a prefix, which the fast path does not know.
func TestFastPathAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var rows strings.Builder
	for row := 1; row <= 3000; row++ {
		fmt.Fprintf(&rows, `<row r="%d" spans="1:9">`, row)
		for col := range 40 {
			ref := cell.Ref{Row: row - 1, Col: col * 7}
			style := ""
			if s := r.IntN(5); s > 0 {
				style = fmt.Sprintf(` s="%d"`, s*s*s*s*100)
			}
			switch r.IntN(10) {
			case 5:
				fmt.Fprintf(&rows, `<c r="%v"%s t="inlineStr"><is><t>%s</t></is></c>`, ref, style, []string{"", "plain", "a &amp; b", "_x0041_", "ü", strings.Repeat("long ", 200)}[r.IntN(6)])
			case 6:
				fmt.Fprintf(&rows, `<c r="%v"%s t="e"><v>%s</v></c>`, ref, style, []string{"#N/A", "#DIV/0!", "#GETTING_DATA", "#ODD!"}[r.IntN(4)])
			case 0:
				fmt.Fprintf(&rows, `<c r="%v"%s t="s"><v>%d</v></c>`, ref, style, r.IntN(1e6))
			case 1:
				fmt.Fprintf(&rows, `<c r="%v"%s t="b"><v>%d</v></c>`, ref, style, r.IntN(2))
			case 2:
				fmt.Fprintf(&rows, `<c r="%v"%s/>`, ref, style)
			case 3:
				fmt.Fprintf(&rows, `<c r="%v"%s><v>%v</v></c>`, ref, style, r.NormFloat64()*1e10)
			case 4:
				fmt.Fprintf(&rows, `<c r="%v"%s><f>A%d+1</f><v>%d</v></c>`, ref, style, row, r.IntN(1000)-500)
			default:
				fmt.Fprintf(&rows, `<c r="%v"%s><v>%v</v></c>`, ref, style, float64(r.IntN(1e7)-5e6)/100)
			}
		}
		rows.WriteString("</row>")
	}
	fast, _, err := scanSheet(t, wrap("", rows.String()))
	if err != nil {
		t.Fatal(err)
	}
	slow, _, err := scanSheet(t, wrap("x:", rows.String()))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := dump(fast), dump(slow); a != b {
		t.Error("the two paths differ")
	}
	if fast.StoredCells() < 90000 {
		t.Errorf("only %d cells", fast.StoredCells())
	}
}

func TestSheetFaults(t *testing.T) {
	for _, c := range []struct{ xml, want string }{
		{``, "no root element at byte 0"},
		{`<worksheet><sheetData><row r="1"><c r="A1"><v>1`, "the sheet ends inside a cell at byte 33"},
		{`<worksheet><sheetData><row r="1">`, "the sheet ends before its last cell at byte 33"},
		{`<!DOCTYPE w [<!ENTITY a "b">]><worksheet><sheetData/></worksheet>`, "it has a document type declaration, which no workbook needs, at byte 0"},
		{`<worksheet><sheetData><row r="0"/></sheetData></worksheet>`, `row number "0" is not between 1 and 1048576 at byte 22`},
		{`<worksheet><sheetData><row r="1048577"/></sheetData></worksheet>`, `row number "1048577" is not between 1 and 1048576 at byte 22`},
		{`<worksheet><sheetData><row r="1"><c r="XFE1"/></row></sheetData></worksheet>`, `"XFE1" is not a cell reference at byte 33`},
		{`<worksheet><sheetData><row r="1"><c r="XFD1"/><c><v>1</v></c></row></sheetData></worksheet>`, "a cell lies outside of the worksheet at byte 46"},
		{`<worksheet><sheetData><row r="1000"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row></sheetData></worksheet>`, "cell A1: rows are not in ascending order at byte 68"},
	} {
		_, _, err := scanSheet(t, c.xml)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s\n\tgave %v\n\twant %v", c.xml, err, c.want)
		}
	}
}

// A sheet without cells has a layout all the same.
func TestNoCells(t *testing.T) {
	for _, xml := range []string{`<worksheet><a/><sheetData/><b/></worksheet>`, `<worksheet><a/><b/></worksheet>`, `<worksheet/>`} {
		sheet, s, err := scanSheet(t, xml)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := sheet.Used(); ok {
			t.Errorf("%s has cells", xml)
		}
		if h := string(s.Head()) + string(s.Tail()); !strings.Contains(h, "<a/>") && xml != `<worksheet/>` {
			t.Errorf("%s: envelope %s", xml, h)
		}
	}
}

// TestPlainCells: a cell that says nothing is there where its row or column has a format, which it would show otherwise.
func TestPlainCells(t *testing.T) {
	for _, p := range []string{"", "x:"} {
		row := func(at, attributes string) string {
			cells := ""
			for _, col := range "ABCD" {
				cells += fmt.Sprintf(`<%sc r="%c%s"/>`, p, col, at)
			}
			return fmt.Sprintf(`<%srow r="%s"%s>%s</%srow>`, p, at, attributes, cells, p)
		}
		doc := fmt.Sprintf(`<%sworksheet xmlns="m"><%scols><%scol min="2" max="3" width="9" style="4"/><%scol min="4" max="4" style="0"/></%scols><%ssheetData>`, p, p, p, p, p, p) +
			row("1", "") + row("2", ` s="3" customFormat="1"`) + row("3", ` s="3"`) + row("4", ` s="0" customFormat="1"`) + row("5", ` spans="1:4"`) + row("6", ` spans="1:4"`) +
			fmt.Sprintf(`</%ssheetData></%sworksheet>`, p, p)
		const want = "B1 C1 A2 B2 C2 D2 B3 C3 B5 C5 B6 C6"
		for _, pad := range []string{"", strings.Repeat(" ", 256)} { // the fast path needs room behind what it reads
			sheet, _, err := scanSheet(t, doc+pad)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for c := range sheet.Cells(cell.WholeSheet) {
				got = append(got, c.Ref.String())
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%q: got %v, want %s", p, got, want)
			}
		}
	}
}

func TestStrings(t *testing.T) {
	long := strings.Repeat("long ", 20000)
	xml := `<?xml version="1.0"?>` + "\n" + `<sst count="9"><si><t>one</t></si><si><t>a &amp; b</t></si><si/><si><t/></si><si><r><t>ri</t></r><r><t>ch</t></r><rPh><t>no</t></rPh></si>` +
		`<si><t xml:space="preserve"> x </t></si><!-- <si><t>no</t></si> --><si><t>_x0041_é</t></si><si><t>` + long + `</t></si></sst>`
	want := []string{"one", "a & b", "", "", "rich", " x ", "Aé", long}
	for _, prefix := range []string{"", "x:"} {
		in := xml
		if prefix != "" {
			in = strings.NewReplacer("<sst", "<x:sst", "</sst", "</x:sst", "<si", "<x:si", "</si", "</x:si", "<t", "<x:t", "</t", "</x:t", "<r", "<x:r", "</r", "</x:r").Replace(xml)
		}
		for cut := range 420 {
			s := NewStrings(int64(len(in)), 0)
			n, err := s.Feed([]byte(in[:cut]), false)
			if err == nil {
				_, err = s.Feed([]byte(in[n:]), true)
			}
			if err != nil {
				t.Fatal(err)
			}
			pool := s.Finish()
			if pool.Len() != len(want) {
				t.Fatalf("cut at %d: %d texts", cut, pool.Len())
			}
			for i, w := range want {
				if got := pool.At(uint32(i)); got != w {
					t.Fatalf("cut at %d: text %d is %.40q, want %.40q", cut, i, got, w)
				}
			}
		}
	}
	if _, err := NewStrings(0, 0).Feed([]byte(`<!DOCTYPE sst [<!ENTITY a "b">]><sst/>`), true); err == nil {
		t.Error("a document type declaration was read")
	}
	s := NewStrings(0, 10)
	if _, err := s.Feed([]byte(xml), true); err == nil {
		t.Error("the bound does not hold")
	}
}

// benchXML is a sheet of n rows as Excel writes them: eight mixed cells a row.
func benchXML(n int, prefix string) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var rows strings.Builder
	for row := 1; row <= n; row++ {
		fmt.Fprintf(&rows, `<row r="%d" spans="1:10">`, row)
		fmt.Fprintf(&rows, `<c r="A%d"><v>%d</v></c><c r="B%d" s="1"><v>%.2f</v></c><c r="C%d"><v>%v</v></c>`, row, r.IntN(1e6), row, r.Float64()*1e4, row, r.Float64()*1e3)
		fmt.Fprintf(&rows, `<c r="D%d" t="s"><v>%d</v></c><c r="E%d" t="s"><v>%d</v></c><c r="F%d" s="2"><v>%d</v></c>`, row, r.IntN(5e4), row, r.IntN(5e4), row, 40000+r.IntN(5000))
		fmt.Fprintf(&rows, `<c r="G%d" s="3"><v>%v</v></c><c r="H%d" t="b"><v>%d</v></c></row>`, row, 40000+float64(r.IntN(864000))/864, row, r.IntN(2))
	}
	return []byte(wrap(prefix, rows.String()))
}

// BenchmarkSheet scans a sheet into a builder; BenchmarkTags only finds its tags, which
// is what any reader has to do.
func BenchmarkSheet(b *testing.B)    { benchmarkSheet(b, "") }
func BenchmarkPrefixed(b *testing.B) { benchmarkSheet(b, "x:") }

func benchmarkSheet(b *testing.B, prefix string) {
	const rows = 20000
	xml := benchXML(rows, prefix)
	b.SetBytes(int64(len(xml)))
	b.ReportAllocs()
	for b.Loop() {
		bl := grid.NewBuilder("S")
		s := NewSheet(bl, Limits{})
		for p := 0; p < len(xml); {
			end := min(p+256<<10, len(xml))
			k, err := s.Feed(xml[p:end], end == len(xml))
			if err != nil {
				b.Fatal(err)
			}
			p += k
		}
		bl.Finish(nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(8*rows), "ns/cell")
}

func BenchmarkTags(b *testing.B) {
	xml := benchXML(20000, "")
	b.SetBytes(int64(len(xml)))
	for b.Loop() {
		for p := 0; ; p++ {
			i := bytes.IndexByte(xml[p:], '<')
			if i < 0 {
				break
			}
			p += i
		}
	}
}
