package patch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

func insertRows(sheet string, at, count int) structure.Change {
	return structure.Change{Kind: structure.InsertRows, Sheet: sheet, At: at, Count: count}
}

// TestInsertThenDelete inserts lines and deletes them again, in one save and in two: the cells and names are what they were.
func TestInsertThenDelete(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 5))
	for range 60 {
		before := generated(t, rnd)
		f, err := openBytes(before)
		if err != nil {
			t.Fatal(err)
		}
		want, err := bookModelOf(f)
		if err != nil {
			t.Fatal(err)
		}
		insert := structure.Change{Kind: structure.InsertRows, Sheet: want.names[rnd.IntN(4)], At: rnd.IntN(14), Count: 1 + rnd.IntN(4)}
		remove := insert
		if remove.Kind = structure.DeleteRows; rnd.IntN(2) == 0 {
			insert.Kind, remove.Kind = structure.InsertColumns, structure.DeleteColumns
		}
		once, _, _ := structured(t, before, insert, remove)
		first, _, _ := structured(t, before, insert)
		twice, _, _ := structured(t, first, remove)
		for i, after := range [][]byte{once, twice} {
			f, err := openBytes(after)
			if err != nil {
				t.Fatal(err)
			}
			got, err := bookModelOf(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := got.compare(want); err != nil {
				t.Fatalf("%+v, in %d saves: %v", insert, i+1, err)
			}
		}
	}
}

// TestRunIsEachChange makes many changes in one save, and each in a save of its own: the result is the same to the cell.
func TestRunIsEachChange(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(6, 5))
	for made := 0; made < 40; {
		before := generated(t, rnd)
		f, err := openBytes(before)
		if err != nil {
			t.Fatal(err)
		}
		changes := randomChanges(rnd, f, 4)
		together, refused, err := restructureAndCompare(before, changes...)
		if err != nil {
			t.Fatalf("%+v: %v", changes, err)
		}
		if refused != nil {
			continue
		}
		made++
		alone := before
		for _, c := range changes {
			if alone, refused, err = restructureAndCompare(alone, c); refused != nil || err != nil {
				t.Fatalf("%+v: %v, %v", c, refused, err)
			}
		}
		var models [2]bookModel
		for i, b := range [][]byte{together, alone} {
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			if models[i], err = bookModelOf(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := models[0].compare(models[1]); err != nil {
			t.Fatalf("%+v: %v", changes, err)
		}
	}
}

// TestStructureLeavesOthers: of sheets that do not refer to the one that changes, no byte changes, nor of other parts.
func TestStructureLeavesOthers(t *testing.T) {
	p := sheetList([]string{"A", "B", "C"})
	p["xl/worksheets/sheet2.xml"] = `<worksheet ` + main + `><sheetData><row r="1"><c r="A1"><f>A2+C!A1</f></c></row></sheetData></worksheet>`
	p["xl/worksheets/sheet3.xml"] = `<worksheet ` + main + `><sheetData><row r="5"><c r="A5"><f>SUM(A1:B4)</f></c></row></sheetData></worksheet>`
	for _, c := range []struct {
		change structure.Change
		parts  string
	}{
		{insertRows("A", 0, 1), "xl/worksheets/sheet1.xml"},
		{insertRows("B", 0, 1), "xl/worksheets/sheet2.xml"},
		{insertRows("C", 0, 1), "xl/worksheets/sheet2.xml xl/worksheets/sheet3.xml"},
		{structure.Change{Kind: structure.RenameSheet, Sheet: "A", Name: "X"}, "xl/workbook.xml"},
		{structure.Change{Kind: structure.RenameSheet, Sheet: "C", Name: "X"}, "xl/worksheets/sheet2.xml xl/workbook.xml"},
		{structure.Change{Kind: structure.MoveSheet, Sheet: "C", Position: 0}, "xl/workbook.xml"},
	} {
		_, _, report := structured(t, ziptest.Pack(t, p), c.change) // which compares all other parts
		slices.Sort(report.Parts)
		want := strings.Fields(c.parts)
		slices.Sort(want)
		if !slices.Equal(report.Parts, want) || len(report.Added)+len(report.Dropped) > 0 {
			t.Errorf("%+v: %+v, want changes in %v", c.change, report, want)
		}
	}
}

// TestStructureThenCells changes the structure of large and small workbooks and cells of what results, in one save.
func TestStructureThenCells(t *testing.T) {
	t.Parallel()
	for name, before := range map[string][]byte{"small": ziptest.Pack(t, parts(oneCell)), "W1": large(t, "W1", 0.13), "W4": large(t, "W4", 0.3)} {
		if raceDetector && name != "small" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			f, err := openBytes(before)
			if err != nil {
				t.Fatal(err)
			}
			want, err := bookModelOf(f)
			if err != nil {
				t.Fatal(err)
			}
			sheet := want.names[0]
			changes := []structure.Change{
				insertRows(sheet, 3, 2),
				{Kind: structure.AddSheet, Sheet: "New", Position: 0},
				{Kind: structure.DeleteColumns, Sheet: sheet, At: 1, Count: 1},
			}
			edits := []CellPatch{number("A1", 5), text("C4", "in a new row"), {Ref: at("D4"), HasFormula: true, Formula: "New!A1*2"}, number("A999", 1)}
			after, _ := saved(t, before, Patch{Structure: changes, Sheets: []SheetPatch{
				{Sheet: 0, Cells: []CellPatch{number("A1", 21)}}, {Sheet: 1, Cells: edits}}})
			for _, c := range changes {
				want = want.change(c)
			}
			want.sheets[0].apply([]CellPatch{number("A1", 21)})
			want.sheets[1].apply(edits)
			got, err := openBytes(after)
			if err != nil {
				t.Fatal(err)
			}
			have, err := bookModelOf(got)
			if err != nil {
				t.Fatal(err)
			}
			if err := have.compare(want); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestStructureRefused: what Excel refuses is refused, and nothing is written.
func TestStructureRefused(t *testing.T) {
	p := sheetList([]string{"A", "B"})
	p["xl/worksheets/sheet1.xml"] = `<worksheet ` + main + `><sheetData><row r="2"><c r="A2"><f t="array" ref="A2:B3">1</f></c></row><row r="1048575"><c r="A1048575"><v>1</v></c></row></sheetData></worksheet>`
	p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], `name="B"`, `name="B" state="hidden"`, 1)
	for _, c := range []struct {
		changes []structure.Change
		reason  structure.Reason
		code    xlsx.Code
	}{
		{[]structure.Change{insertRows("A", 2, 1)}, structure.ArrayPart, xlsx.ArrayPart},
		{[]structure.Change{insertRows("A", 0, 2)}, structure.CellsPushed, xlsx.InvalidEdit},
		{[]structure.Change{insertRows("A", 0, 1), insertRows("A", 0, 1)}, structure.CellsPushed, xlsx.InvalidEdit},
		{[]structure.Change{insertRows("A", 0, 1), insertRows("A", 3, 1)}, structure.CellsPushed, xlsx.InvalidEdit},
		{[]structure.Change{{Kind: structure.DeleteRows, Sheet: "A", At: 1048574, Count: 1}, insertRows("A", 0, 1), insertRows("A", 3, 1)}, structure.ArrayPart, xlsx.ArrayPart},
		{[]structure.Change{{Kind: structure.DeleteSheet, Sheet: "A"}}, structure.LastSheet, xlsx.InvalidEdit},
		{[]structure.Change{{Kind: structure.RenameSheet, Sheet: "B", Name: "a"}}, structure.NameTaken, xlsx.InvalidEdit},
		{[]structure.Change{insertRows("Nowhere", 0, 2)}, structure.NoSheet, xlsx.InvalidEdit},
		{[]structure.Change{{Kind: structure.RenameSheet, Sheet: "A", Name: "X"}, insertRows("A", 0, 2)}, structure.NoSheet, xlsx.InvalidEdit},
		{[]structure.Change{{Kind: structure.DeleteSheet, Sheet: "B"}, {Kind: structure.DeleteSheet, Sheet: "A"}}, structure.LastSheet, xlsx.InvalidEdit},
	} {
		f, err := openBytes(ziptest.Pack(t, p))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		_, err = Save(context.Background(), f, Patch{Structure: c.changes}, &out)
		var e *xlsx.Error
		var why *structure.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Hint == "" || !errors.As(err, &why) || why.Reason != c.reason {
			t.Errorf("%+v: %v, want %s", c.changes, err, c.reason)
		}
		if out.Len() > 0 {
			t.Errorf("%+v: %d bytes were written", c.changes, out.Len())
		}
	}
}

// TestStructureEncodings: a sheet in UTF-16 becomes one in UTF-8 where it changes.
func TestStructureEncodings(t *testing.T) {
	sheet := `<worksheet ` + main + `><sheetData><row r="1"><c r="A1" t="str"><f>B!A1&amp;"é"</f><v>é</v></c></row></sheetData></worksheet>`
	head := `<?xml version="1.0" encoding="UTF-16"?>`
	var wide []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + head + sheet)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	p := sheetList([]string{"A", "B"})
	p["xl/worksheets/sheet1.xml"] = string(wide)
	for _, c := range []struct {
		change     structure.Change
		from, with string
	}{
		{insertRows("A", 0, 1), `r="1"><c r="A1"`, `r="2"><c r="A2"`},
		{insertRows("B", 0, 1), "B!A1", "B!A2"},
	} {
		_, after, _ := structured(t, ziptest.Pack(t, p), c.change)
		want := strings.Replace(head, "UTF-16", "UTF-8", 1) + strings.Replace(sheet, c.from, c.with, 1)
		if got := after["xl/worksheets/sheet1.xml"]; got != want {
			t.Errorf("%+v: got %s\nwant %s", c.change, got, want)
		}
	}
}

// TestStructureExcelize opens changed workbooks with another library: it sees the same sheets and formulas as our reader.
func TestStructureExcelize(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("excelize is slow, and not what is under test")
	}
	t.Parallel()
	files, err := filepath.Glob("../../../examples/*.xlsx")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no examples", err)
	}
	rnd := rand.New(rand.NewPCG(8, 8))
	var books [][]byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		books = append(books, b)
	}
	for range 12 {
		books = append(books, generated(t, rnd))
	}
	for i, before := range books {
		f, err := openBytes(before)
		if err != nil {
			t.Fatal(err)
		}
		changes := randomChanges(rnd, f, 2)
		after, refused, err := restructureAndCompare(before, changes...)
		if err != nil {
			t.Fatalf("%+v: %v", changes, err)
		}
		if refused != nil {
			continue
		}
		x, err := excelize.OpenReader(bytes.NewReader(after))
		if err != nil {
			t.Fatalf("%d, %+v: %v", i, changes, err)
		}
		f, err = openBytes(after)
		if err != nil {
			t.Fatal(err)
		}
		m, err := bookModelOf(f)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(x.GetSheetList()) != fmt.Sprint(m.names) {
			t.Errorf("%d, %+v: excelize sees the sheets %q, we %q", i, changes, x.GetSheetList(), m.names)
		}
		n := 0
		for k, name := range m.names {
			sheet, err := f.Sheet(context.Background(), k, cell.MaxRows-1)
			if err != nil {
				t.Fatal(err)
			}
			for c := range sheet.Cells(cell.WholeSheet) {
				want := m.sheets[k][c.Ref].formula
				// It reads shared formulas only as far as they refer to their own sheet.
				if n++; n > 400 || !c.HasFormula() || sheet.Formula(c).Kind == grid.SharedFormula && strings.Contains(want, "!") {
					continue
				}
				if got, err := x.GetCellFormula(name, c.Ref.String()); err != nil || got != want {
					t.Errorf("%d, %+v: excelize sees %s in %s!%v, we %s (%v)", i, changes, got, name, c.Ref, want, err)
				}
			}
		}
		x.Close()
	}
}

// TestStructureCancelled: whoever gives up gets the reason of the context.
func TestStructureCancelled(t *testing.T) {
	f, err := openBytes(large(t, "W1", 0.13))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Sheet(context.Background(), 0, cell.MaxRows-1); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	reason := errors.New("enough")
	cancel(reason)
	_, err = Save(ctx, f, Patch{Structure: []structure.Change{insertRows(f.Workbook().Sheets[0].Name, 0, 1)}}, &bytes.Buffer{})
	if !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
