package patch

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

// TestFilter: an autofilter is written in its place, and what the file says of criteria that stay is kept to the byte.
func TestFilter(t *testing.T) {
	columns := []grid.FilterColumn{
		{Column: 0, Values: []string{"a & b", "c"}, Blank: true},
		{Column: 1, Custom: []grid.FilterTest{{Operator: "greaterThan", Value: "5"}, {Operator: "equal", Value: "*x*"}}, And: true},
		{Column: 3, Top: 10, Percent: true, Bottom: true},
	}
	const xml = `<filterColumn colId="0"><filters blank="1"><filter val="a &amp; b"/><filter val="c"/></filters></filterColumn>` +
		`<filterColumn colId="1"><customFilters and="1"><customFilter operator="greaterThan" val="5"/><customFilter val="*x*"/></customFilters></filterColumn>`
	const top = `<filterColumn colId="3"><top10 top="0" percent="1" val="10"/></filterColumn>`
	set := grid.Filter{Range: rng("A1:D9"), Columns: columns}
	read := slicesOfTests(columns)
	for _, c := range []struct {
		name       string
		filter     grid.Filter
		tail, want string
		columns    []grid.FilterColumn
	}{
		{"none before", set, `<sheetProtection sheet="1"/><mergeCells count="1"><mergeCell ref="F1:G1"/></mergeCells>`, `<sheetProtection sheet="1"/><autoFilter ref="A1:D9">` + xml + top + `</autoFilter><mergeCells count="1"><mergeCell ref="F1:G1"/></mergeCells>`, read},
		{"some stay", grid.Filter{Range: rng("A1:D9"), Columns: []grid.FilterColumn{{Column: 1, Other: "colorFilter"}, columns[2]}},
			`<autoFilter ref="A1:D9" x="1"><filterColumn colId="0"><filters><filter val="a"/></filters></filterColumn><filterColumn colId="1"><colorFilter dxfId="3"/></filterColumn><filterColumn colId="2" hiddenButton="1"/><sortState ref="A2:D9"/></autoFilter>`,
			`<autoFilter ref="A1:D9" x="1"><filterColumn colId="1"><colorFilter dxfId="3"/></filterColumn><filterColumn colId="2" hiddenButton="1"/>` + top + `<sortState ref="A2:D9"/></autoFilter>`,
			[]grid.FilterColumn{{Column: 1, Other: "colorFilter"}, columns[2]}},
		{"it goes", grid.Filter{None: true}, `<autoFilter ref="A1:D9"/><pageMargins left="1"/>`, `<pageMargins left="1"/>`, nil},
	} {
		s := arranged(t, c.name, LayoutPatch{Filter: &c.filter}, c.tail, c.want)
		if !reflect.DeepEqual(s.Layout.Filters, c.columns) || (s.Layout.AutoFilter == nil) != c.filter.None {
			t.Errorf("%s: read as %+v", c.name, s.Layout.Filters)
		}
	}
}

// slicesOfTests gives criteria as they are read: equal is not written.
func slicesOfTests(list []grid.FilterColumn) (out []grid.FilterColumn) {
	for _, c := range list {
		c.Custom = append([]grid.FilterTest(nil), c.Custom...)
		for i := range c.Custom {
			if c.Custom[i].Operator == "equal" {
				c.Custom[i].Operator = ""
			}
		}
		out = append(out, c)
	}
	return out
}

// TestLibreOfficeLayout has LibreOffice open a workbook with all that stands around cells, save it, and looks for
// what it has understood.
func TestLibreOfficeLayout(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to open what was saved")
	}
	rules := newRules()
	l := LayoutPatch{
		Merges: &[]cell.Range{rng("F1:G2")}, Conditional: &rules, Validations: &[]grid.Validation{list13, whole},
		Hyperlinks: &[]grid.Hyperlink{{Range: rng("A1"), Target: "https://example.org/?a=1&b"}, {Range: rng("A2"), Location: "S!B9"}},
		Comments:   &[]grid.Comment{{Ref: at("B2"), Author: "Ann", Text: "a note"}},
		Filter:     &grid.Filter{Range: rng("A1:B9"), Columns: []grid.FilterColumn{{Column: 0, Values: []string{"1"}}}},
	}
	cells := []CellPatch{text("A2", "link")}
	for i := range 8 {
		cells = append(cells, CellPatch{Ref: cell.Ref{Row: 2 + i}, Value: cell.NumberValue(float64(i)), HasValue: true})
	}
	p := parts(oneCell)
	// LibreOffice finds a filter by its hidden name only.
	p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], "</sheets>", `</sheets><definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="0" hidden="1">S!$A$1:$B$9</definedName></definedNames>`, 1)
	b, _ := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Layout: &l, Cells: cells}}})
	dir := t.TempDir()
	path := filepath.Join(dir, "in", "around.xlsx")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // so that it does not hang for ever
	defer cancel()
	cmd := exec.CommandContext(ctx, soffice, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "xlsx", "--outdir", dir, path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	again, err := os.ReadFile(filepath.Join(dir, "around.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := xlsx.Open(t.Context(), bytes.NewReader(again), int64(len(again)), xlsx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	is := s.Layout
	types := map[string]bool{}
	for _, r := range is.Conditional {
		types[r.Type] = true
	}
	for _, r := range rules {
		if !types[r.Type] {
			t.Errorf("LibreOffice has no rule %s", r.Type)
		}
	}
	if len(is.Merges) != 1 || len(is.Validations) != 2 || len(is.Hyperlinks) != 2 || len(is.Comments) != 1 || is.Comments[0].Text != "a note" || is.AutoFilter == nil || len(is.Filters) != 1 {
		t.Errorf("LibreOffice sees merges %v, validations %+v, links %+v, comments %+v, filter %v %+v", is.Merges, is.Validations, is.Hyperlinks, is.Comments, is.AutoFilter, is.Filters)
	}
}
