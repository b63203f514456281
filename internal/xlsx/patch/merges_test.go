package patch

import (
	"slices"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

func rng(a1 string) cell.Range {
	r, ok := cell.ParseRange(a1)
	if !ok {
		panic(a1)
	}
	return r
}

// arranged saves a layout onto a sheet with a tail, in a document with and without a prefix, and holds that the part is
// what was wanted, that it conforms, and gives the sheet as it is read again.
func arranged(t *testing.T, name string, l LayoutPatch, tail, want string) (s *grid.Sheet) {
	t.Helper()
	const data = `<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>`
	for _, cells := range []string{data, `<sheetData/>`} {
		for _, prefix := range []string{"", "x:"} {
			spell := func(tail string) string {
				doc := `<worksheet ` + main + ` xmlns:mc="m" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` + cells + tail + `</worksheet>`
				if prefix != "" { // every element has it
					doc = strings.Replace(tags.ReplaceAllString(doc, "<${1}x:$2"), "xmlns=", "xmlns:x=", 1)
					doc = strings.ReplaceAll(strings.ReplaceAll(doc, "<x:mc:", "<mc:"), "</x:mc:", "</mc:")
				}
				return doc
			}
			b, _ := saved(t, ziptest.Pack(t, parts(spell(tail))), Patch{Sheets: []SheetPatch{{Layout: &l, Cells: []CellPatch{number("B2", 2)}}}})
			got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]
			rest := func(doc string) string {
				i := max(strings.LastIndex(doc, "sheetData>"), strings.LastIndex(doc, "sheetData/>"))
				return doc[i:]
			}
			if rest(got) != strings.Replace(rest(spell(want)), "sheetData/>", "sheetData>", 1) {
				t.Errorf("%s: got\n%s\nwant\n%s", name, rest(got), rest(spell(want)))
			}
			if err := conforms([]byte(got)); err != nil {
				t.Errorf("%s: %v\nin %s", name, err, got)
			}
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			if s, err = f.Sheet(t.Context(), 0, cell.MaxRows-1); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// TestMerges: merged ranges are written in their place, and what else stands behind the cells stays to the byte.
func TestMerges(t *testing.T) {
	merges := []cell.Range{rng("A1:B2"), rng("D4:D9")}
	for _, c := range []struct {
		name       string
		merges     []cell.Range
		tail, want string
	}{
		{"none before", merges, ``, `<mergeCells count="2"><mergeCell ref="A1:B2"/><mergeCell ref="D4:D9"/></mergeCells>`},
		{"among others", merges, `<autoFilter ref="A1:B9"/> <pageMargins left="1"/><!-- c --><drawing/>`,
			`<autoFilter ref="A1:B9"/><mergeCells count="2"><mergeCell ref="A1:B2"/><mergeCell ref="D4:D9"/></mergeCells> <pageMargins left="1"/><!-- c --><drawing/>`},
		{"what is there stays", merges, `<mergeCells count="7" mc:x="1"><mergeCell ref="F1:G1"/><mergeCell ref="D4:D9" mc:y="2"></mergeCell></mergeCells><conditionalFormatting/>`,
			`<mergeCells count="2" mc:x="1"><mergeCell ref="A1:B2"/><mergeCell ref="D4:D9" mc:y="2"></mergeCell></mergeCells><conditionalFormatting/>`},
		{"they go", nil, `<mergeCells count="1"><mergeCell ref="F1:G1"/></mergeCells><conditionalFormatting/>`, `<conditionalFormatting/>`},
		{"behind what others understand", merges, `<mc:AlternateContent><mc:Choice><sheetProtection/></mc:Choice></mc:AlternateContent><hyperlinks/>`,
			`<mc:AlternateContent><mc:Choice><sheetProtection/></mc:Choice></mc:AlternateContent><mergeCells count="2"><mergeCell ref="A1:B2"/><mergeCell ref="D4:D9"/></mergeCells><hyperlinks/>`},
	} {
		if s := arranged(t, c.name, LayoutPatch{Merges: &c.merges}, c.tail, c.want); !slices.Equal(s.Layout.Merges, c.merges) {
			t.Errorf("%s: the merges are read as %v", c.name, s.Layout.Merges)
		}
	}
}

// TestTailOfLargeSheet: what stands behind the cells of a sheet that has an index is found by that.
func TestTailOfLargeSheet(t *testing.T) {
	t.Parallel()
	before := large(t, "W1", 0.1)
	merges := []cell.Range{rng("C1:D2")}
	b, _ := saved(t, before, Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Merges: &merges}, Cells: []CellPatch{number("A3", 7)}}}})
	was, _, err := reopened(before, 0)
	if err != nil {
		t.Fatal(err)
	}
	is, f, err := reopened(b, 0)
	if err != nil {
		t.Fatal(err)
	}
	was.apply([]CellPatch{number("A3", 7)})
	if err := differences(is, was); err != nil {
		t.Error(err)
	}
	if s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1); err != nil || !slices.Equal(s.Layout.Merges, merges) {
		t.Errorf("%v %v", s.Layout.Merges, err)
	}
}

// TestTailParts: the parts stand in the order of the schema, as they must where several come to one place.
func TestTailParts(t *testing.T) {
	last := -1
	for _, p := range tailParts {
		i := slices.Index(tailOrder, p.name)
		if i <= last {
			t.Errorf("%s is out of place", p.name)
		}
		last = i
	}
}
