package patch

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/structure"
	"gridflow/internal/ziptest"
)

// pivotBook has data on Data and pivot tables of them on One and Two, each with a cache of its own.
func pivotBook(t *testing.T) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(f.SetSheetName("Sheet1", "Data"))
	for i, row := range [][]any{{"Region", "Net"}, {"north", 1}, {"south", 2}, {"north", 3}} {
		must(f.SetSheetRow("Data", fmt.Sprintf("A%d", i+1), &row))
	}
	for _, name := range []string{"One", "Two"} {
		_, err := f.NewSheet(name)
		must(err)
		must(f.AddPivotTable(&excelize.PivotTableOptions{DataRange: "Data!$A$1:$B$4", PivotTableRange: name + "!$A$3:$B$8", Name: "Of" + name,
			Rows: []excelize.PivotTableField{{Data: "Region"}}, Data: []excelize.PivotTableField{{Data: "Net", Subtotal: "Sum"}}}))
	}
	var b bytes.Buffer
	must(f.Write(&b))
	return b.Bytes()
}

// TestPivotsFollow: the source of a pivot table and where it lies follow rows and columns; with a sheet its pivot tables go and the
// caches that only they used, and others stay.
func TestPivotsFollow(t *testing.T) {
	type changes = []structure.Change
	for _, c := range []struct {
		name    string
		changes changes
		caches  int
		sources string // of the caches that are left
		places  string // of the pivot tables
	}{
		{"nothing of theirs", changes{{Kind: structure.InsertRows, Sheet: "Data", At: 9, Count: 1}}, 2, "Data!A1:B4 Data!A1:B4", "One!A3:B8 Two!A3:B8"},
		{"rows among the data", changes{{Kind: structure.InsertRows, Sheet: "Data", At: 2, Count: 2}, {Kind: structure.InsertColumns, Sheet: "Data", At: 0, Count: 1}}, 2, "Data!B1:C6 Data!B1:C6", "One!A3:B8 Two!A3:B8"},
		{"rows above a pivot table", changes{{Kind: structure.InsertRows, Sheet: "One", At: 0, Count: 2}, {Kind: structure.DeleteRows, Sheet: "Two", At: 0, Count: 1}}, 2, "Data!A1:B4 Data!A1:B4", "One!A5:B10 Two!A2:B7"},
		{"the sheet of the data is renamed", changes{{Kind: structure.RenameSheet, Sheet: "Data", Name: "It's"}}, 2, "It's!A1:B4 It's!A1:B4", "One!A3:B8 Two!A3:B8"},
		{"a sheet goes", changes{{Kind: structure.DeleteSheet, Sheet: "One"}}, 1, "Data!A1:B4", "Two!A3:B8"},
		{"both go", changes{{Kind: structure.DeleteSheet, Sheet: "One"}, {Kind: structure.DeleteSheet, Sheet: "Two"}}, 0, "", ""},
		{"the rows of a pivot table go", changes{{Kind: structure.DeleteRows, Sheet: "Two", At: 0, Count: 20}}, 1, "Data!A1:B4", "One!A3:B8"},
	} {
		b, report := saved(t, pivotBook(t), Patch{Structure: c.changes})
		all := ziptest.Parts(t, b)
		var sources []string
		records := 0
		for _, name := range slices.Sorted(maps.Keys(all)) {
			switch {
			case strings.Contains(name, "pivotCacheDefinition") && strings.HasSuffix(name, ".xml"):
				i := strings.Index(all[name], "<worksheetSource")
				tag := []byte(all[name][i : i+strings.IndexByte(all[name][i:], '>')+1])
				sources = append(sources, decoded(attribute(tag, "sheet"))+"!"+strings.ReplaceAll(string(attribute(tag, "ref")), "$", ""))
			case strings.Contains(name, "pivotCacheRecords") && strings.HasSuffix(name, ".xml"):
				records++
			}
		}
		if got := strings.Join(sources, " "); got != c.sources || len(sources) != c.caches || records > c.caches {
			t.Errorf("%s: the caches are of %q with %d records, want %q", c.name, got, records, c.sources)
		}
		book := all["xl/workbook.xml"]
		if n := strings.Count(book, "<pivotCache "); n != c.caches || c.caches == 0 && strings.Contains(book, "pivotCaches") {
			t.Errorf("%s: the workbook has %d caches: %s", c.name, n, book)
		}
		for _, list := range []string{"xl/_rels/workbook.xml.rels", "[Content_Types].xml"} {
			if n := strings.Count(all[list], "pivotCacheDefinition"+map[bool]string{true: "+xml", false: `"`}[list[0] == '[']); n != c.caches {
				t.Errorf("%s: %s names %d caches: %s", c.name, list, n, all[list])
			}
		}
		f, err := excelize.OpenReader(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var places []string
		for _, sheet := range f.GetSheetList() {
			tables, err := f.GetPivotTables(sheet)
			if err != nil {
				t.Errorf("%s: excelize reads the pivot tables of %s: %v", c.name, sheet, err)
			}
			for _, p := range tables {
				places = append(places, strings.ReplaceAll(p.PivotTableRange, "$", ""))
			}
		}
		f.Close()
		if got := strings.Join(places, " "); got != c.places {
			t.Errorf("%s: the pivot tables are in %q, want %q; %v", c.name, got, c.places, report.Warnings)
		}
	}
}

// TestPivotSourcesOfTables: a pivot table whose data are a table by its name goes on with the table under another name, and with its
// cells where it ends.
func TestPivotSourcesOfTables(t *testing.T) {
	p := ziptest.Parts(t, pivotBook(t))
	const first, second = "xl/pivotCache/pivotCacheDefinition1.xml", "xl/pivotCache/pivotCacheDefinition2.xml"
	of := func(text string) (tag string) {
		i := strings.Index(text, "<worksheetSource")
		return text[i : i+strings.IndexByte(text[i:], '>')+1]
	}
	for name, source := range map[string]string{first: `<worksheetSource name="sales"></worksheetSource>`, second: `<worksheetSource name="Others"></worksheetSource>`} {
		p[name] = strings.Replace(p[name], of(p[name])+"</worksheetSource>", source, 1)
		if !strings.Contains(p[name], source) {
			t.Fatalf("%s: %s", name, p[name])
		}
	}
	f, err := excelize.OpenReader(bytes.NewReader(ziptest.Pack(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.AddTable("Data", &excelize.Table{Range: "A1:B4", Name: "Sales"}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	file, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	tables, err := file.Tables(t.Context())
	if err != nil || len(tables) != 1 {
		t.Fatal(tables, err)
	}
	renamed := tables[0]
	renamed.Name = "A&B"
	was := []string{"Region", "Net"}
	for _, c := range []struct {
		patch TablePatch
		want  string
	}{
		{TablePatch{Of: "Sales", Table: renamed, Was: was}, `<worksheetSource name="A&amp;B">`},
		{TablePatch{Of: "Sales", Ends: true}, `<worksheetSource ref="A1:B4" sheet="Data">`},
		{TablePatch{Of: "Sales", Table: tables[0], Was: was}, `<worksheetSource name="sales">`},
	} {
		out, _ := saved(t, b.Bytes(), Patch{Tables: []TablePatch{c.patch}})
		all := ziptest.Parts(t, out)
		if got := of(all[first]); got != c.want {
			t.Errorf("%+v: the cache is of %s, want %s", c.patch, got, c.want)
		}
		if got := of(all[second]); got != `<worksheetSource name="Others">` {
			t.Errorf("%+v: another cache is of %s", c.patch, got)
		}
	}
}
