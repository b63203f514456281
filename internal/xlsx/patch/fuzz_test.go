package patch

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

// wellFormed reports whether the standard library takes a document.
func wellFormed(doc []byte) bool {
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		if _, err := d.Token(); err != nil {
			return err == io.EOF
		}
	}
}

// FuzzSheet changes cells of any XML that calls itself a sheet. What our reader can read is
// saved, and then holds what it should, or it is refused with an error that says why.
func FuzzSheet(f *testing.F) {
	f.Add([]byte(oneCell), uint64(1))
	f.Add([]byte(`<x:worksheet xmlns:x="a"><x:dimension ref="A1:B2"/><x:sheetData><x:row r="3"/><x:row><x:c/><x:c t="s"><x:v>0</x:v></x:c></x:row></x:sheetData></x:worksheet>`), uint64(2))
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:B9" si="0">A2+$B$1</f></c><c r="B1"><f t="shared" si="0"/></c></row><row r="2"><c r="A2"><f t="shared" si="0"/><v>1</v></c></row></sheetData></worksheet>`), uint64(3))
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="B1"/><c r="A1"><f t="array" ref="A1:C2">1</f></c></row><row r="1"><c r="A1" t="b"><v>1</v></c></row></sheetData></worksheet>`), uint64(4))
	f.Add([]byte(`<worksheet><sheetData/></worksheet>`), uint64(5))
	f.Fuzz(func(t *testing.T, sheet []byte, seed uint64) {
		b := ziptest.Pack(t, parts(string(sheet)))
		file, err := openBytes(b)
		if err != nil {
			return
		}
		s, err := file.Sheet(context.Background(), 0, cell.MaxRows-1)
		if err != nil {
			return
		}
		old := modelOf(s)
		rnd := rand.New(rand.NewPCG(seed, 0))
		cells := randomCells(rnd, s, old, len(file.Workbook().Styles.Xfs), 1+rnd.IntN(8))
		var out bytes.Buffer
		_, err = Save(context.Background(), file, Patch{Sheets: []SheetPatch{{Cells: cells}}}, &out)
		if err != nil {
			var e *xlsx.Error
			if !errors.As(err, &e) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		if !wellFormed(sheet) {
			return // the reader makes something of it, but nobody can say what is right
		}
		want := make(model)
		for r, c := range old {
			want[r] = c
		}
		want.apply(cells)
		got, _, err := reopened(out.Bytes(), 0)
		if err != nil {
			t.Fatalf("%v\nin %q", err, ziptest.Parts(t, out.Bytes())["xl/worksheets/sheet1.xml"])
		}
		if conforms(sheet) == nil {
			if err := conforms([]byte(ziptest.Parts(t, out.Bytes())["xl/worksheets/sheet1.xml"])); err != nil {
				t.Fatalf("the sheet is damaged: %v\nafter %+v\nin %q", err, cells, ziptest.Parts(t, out.Bytes())["xl/worksheets/sheet1.xml"])
			}
		}
		if err := differences(got, want); err != nil {
			t.Fatalf("%v\nafter %+v\nin %q", err, cells, ziptest.Parts(t, out.Bytes())["xl/worksheets/sheet1.xml"])
		}
	})
}
