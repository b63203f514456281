package forks

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// arrayBook has an array formula over F1:F3 of the sheet Data, and one over G1:G2 that gives texts.
// As libraries write it that calculate nothing, their other cells are not there; with filled they are.
func arrayBook(t *testing.T, filled bool) []byte {
	t.Helper()
	const head, main = `<?xml version="1.0"?>`, `http://schemas.openxmlformats.org/spreadsheetml/2006/main`
	const office = `http://schemas.openxmlformats.org/officeDocument/2006/relationships`
	var f1, g1, row2, row3 string
	if filled {
		f1, g1 = `<v>10</v>`, `<v>1t</v>`
		row2 = `<c r="F2"><v>20</v></c><c r="G2" t="str"><v>2t</v></c>`
		row3 = `<c r="F3"><v>30</v></c>`
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range [][2]string{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>`},
		{"_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="` + office + `/officeDocument" Target="xl/workbook.xml"/></Relationships>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="` + office + `/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
		{"xl/workbook.xml", `<workbook xmlns="` + main + `" xmlns:r="` + office + `"><sheets><sheet name="Data" sheetId="1" r:id="r1"/></sheets></workbook>`},
		{"xl/worksheets/sheet1.xml", `<worksheet xmlns="` + main + `"><sheetData>` +
			`<row r="1"><c r="A1"><v>1</v></c><c r="F1"><f t="array" ref="F1:F3">A1:A3*10</f>` + f1 + `</c><c r="G1" t="str"><f t="array" ref="G1:G2">A1:A2&amp;"t"</f>` + g1 + `</c></row>` +
			`<row r="2"><c r="A2"><v>2</v></c>` + row2 + `</row><row r="3"><c r="A3"><v>3</v></c>` + row3 + `</row></sheetData></worksheet>`},
	} {
		w, err := z.Create(part[0])
		if err == nil {
			_, err = w.Write([]byte(head + part[1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Fixed bugs: a save was refused as one of a part of an array where the file had no cells for
// the values of an array formula, and where an array formula had been replaced by a formula that
// fills some of its cells, or gives them the value that they had.
func TestSave_ArrayFormulas(t *testing.T) {
	empty := func(ref string) book.CellEdit {
		at, _ := cell.ParseRef(ref)
		return book.CellEdit{Ref: at}
	}
	for _, c := range []struct {
		name string
		edit book.Edit
		want string // F1 to F4
	}{
		{"beside it", number("C1", 5), "10|20|30||"},
		{"what it reads", number("A2", 7), "10|70|30||"},
		{"replaced by an array", whole("SEQUENCE(3)", empty("F2"), empty("F3")), "1|2|3||"},
		{"replaced by the same", whole("A1:A3*10", empty("F2"), empty("F3")), "10|20|30||"},
		{"replaced by the same values", whole("SEQUENCE(2,,10,10)", empty("F2"), empty("F3")), "10|20|||"},
		{"replaced by one value", whole("5", empty("F2"), empty("F3")), "5||||"},
	} {
		for _, filled := range []bool{false, true} {
			r := newRig(t, Options{})
			r.put("d.xlsx", arrayBook(t, filled))
			id := r.create("d.xlsx").ID
			r.edit(id, c.edit)
			r.save(id, "e.xlsx")
			saved := r.create("e.xlsx").ID
			if got := r.column(saved); got != c.want {
				t.Errorf("%s, filled %v: %s, not %s", c.name, filled, got, c.want)
			}
			kind := func(id string) (s string) {
				if err := r.store.View(context.Background(), id, func(snap *book.Snapshot) error {
					sheet, err := snap.Sheet(context.Background(), 0)
					for a := range sheet.Arrays(cell.WholeSheet) {
						s += a.Kind.String() + a.Range.String() + " "
					}
					return err
				}); err != nil {
					t.Fatal(err)
				}
				return s
			}
			if was, is := kind(id), kind(saved); was != is || !strings.Contains(is, "G1:G2") {
				t.Errorf("%s, filled %v: the saved file has the arrays %s, the fork %s", c.name, filled, is, was)
			}
		}
	}
}

// whole puts a formula into F1 and edits other cells with it.
func whole(formula string, others ...book.CellEdit) book.Edit {
	at, _ := cell.ParseRef("F1")
	return book.Edit{Ops: []book.Op{book.SetCells{Sheet: "Data", Cells: append([]book.CellEdit{{Ref: at, HasFormula: true, Formula: formula}}, others...)}}}
}

// Fixed bug: the values that an array formula gives to other cells were told as set by the edit of
// what it reads.
func TestEdit_ArrayFormulaIsCalculated(t *testing.T) {
	for _, filled := range []bool{false, true} {
		r := newRig(t, Options{})
		r.put("d.xlsx", arrayBook(t, filled))
		id := r.create("d.xlsx").ID
		var got []string
		for c := range r.edit(id, number("A2", 7)).Changeset.Changes() {
			got = append(got, fmt.Sprintf("%v %v %v", c.Ref, c.New.Value, c.Calculated))
		}
		if want := []string{"A2 7 false", "F2 70 true", "G2 7t true"}; !slices.Equal(got, want) {
			t.Errorf("filled %v: %q, not %q", filled, got, want)
		}
	}
}
