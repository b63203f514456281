package patch

import (
	"bytes"
	"context"
	"reflect"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

// FuzzTail: whatever stands behind the cells of a sheet that can be read, what is set there is what is read again, and what was read and is
// set again changes nothing.
func FuzzTail(f *testing.F) {
	for _, s := range []string{
		``, `<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>`,
		`<conditionalFormatting sqref="A1:A5 C1"><cfRule type="cellIs" dxfId="3" priority="2" operator="between"><formula>1&lt;2</formula></cfRule><cfRule type="x"/></conditionalFormatting><conditionalFormatting/>`,
		`<dataValidations count="3"><dataValidation type="list" sqref="A1"><formula1>"a"</formula1></dataValidation><dataValidation/><!-- --></dataValidations><dataValidations/>`,
		`<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice><mergeCells/></mc:Choice></mc:AlternateContent>`,
		`<extLst><ext><a:conditionalFormattings xmlns:a="b"><a:conditionalFormatting><a:cfRule id="1"/><b>A1</b></a:conditionalFormatting></a:conditionalFormattings></ext></extLst>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, tail []byte) {
		before := ziptest.Pack(t, parts(`<worksheet `+main+`><sheetData/>`+string(tail)+`</worksheet>`))
		load := func(b []byte) (*grid.Sheet, error) {
			file, err := openBytes(b)
			if err != nil {
				return nil, err
			}
			return file.Sheet(context.Background(), 0, cell.MaxRows-1)
		}
		was, err := load(before)
		if err != nil {
			return
		}
		save := func(b []byte, l LayoutPatch) []byte {
			file, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if _, err := Save(context.Background(), file, Patch{Sheets: []SheetPatch{{Layout: &l}}}, &out); err != nil {
				return nil // it is refused
			}
			return out.Bytes()
		}
		if same := save(before, LayoutPatch{Conditional: &was.Layout.Conditional, Validations: &was.Layout.Validations}); same != nil && !bytes.Equal(same, before) {
			t.Fatal("what stays has changed the file")
		}
		set := LayoutPatch{Merges: &[]cell.Range{rng("C3:D4")}, Validations: &[]grid.Validation{list13}, Conditional: &[]grid.ConditionalFormat{newRules()[2]}}
		b := save(before, set)
		if b == nil {
			return
		}
		is, err := load(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(is.Layout.Merges, *set.Merges) || !reflect.DeepEqual(is.Layout.Validations, *set.Validations) || !reflect.DeepEqual(is.Layout.Conditional, *set.Conditional) {
			t.Fatalf("%+v is read\nof %s", is.Layout, ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"])
		}
	})
}
