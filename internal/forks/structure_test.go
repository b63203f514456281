package forks

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
	"gridflow/internal/ziptest"
)

func restructured(changes ...structure.Change) (e book.Edit) {
	for _, c := range changes {
		e.Ops = append(e.Ops, book.Restructure{Change: c})
	}
	return e
}

func rows(kind structure.Kind, at, count int) structure.Change {
	return structure.Change{Kind: kind, Sheet: "Data", At: at, Count: count}
}

// savedSame saves a fork and looks whether the file has what it has, and the fork after a restart.
func (r *rig) savedSame(id, path string) {
	r.Helper()
	r.save(id, path)
	want := r.column(id)
	if got := r.column(r.create(path).ID); got != want {
		r.Errorf("the saved file has %s, the fork %s", got, want)
	}
	r.restart()
	if got := r.column(id); got != want {
		r.Errorf("after a restart there is %s, and there was %s", got, want)
	}
}

// An array that spills is cut apart by a row, and loses its own cell: it fills what it did again, or is gone with all that
// it filled, in the saved file too.
func TestStructure_Spill(t *testing.T) {
	r := spilled(t)
	id := r.create("c.xlsx").ID
	r.edit(id, restructured(rows(structure.InsertRows, 1, 1)))
	if got := r.column(id); got != "1|2|3||" {
		t.Errorf("a row was inserted among its cells, and it gives %s", got)
	}
	r.savedSame(id, "in.xlsx")
	r.edit(id, restructured(rows(structure.DeleteRows, 0, 1)))
	if got := r.column(id); got != "||||" {
		t.Errorf("its own cell is gone, and there is %s", got)
	}
	r.savedSame(id, "gone.xlsx")
	if _, err := r.store.Undo(t.Context(), id, 2, Commit{}); err != nil {
		t.Fatal(err)
	}
	if got := r.column(id); got != "1|2|3||" {
		t.Errorf("undone, it gives %s", got)
	}
	r.edit(id, restructured(structure.Change{Kind: structure.MoveCells, Sheet: "Data", Range: cell.RangeOf(cell.Ref{Col: 5}, cell.Ref{Row: 1, Col: 5}), To: cell.Ref{Row: 8, Col: 5}}))
	if got := r.column(id); got != "||||" {
		t.Errorf("its own cell was moved, and it left %s", got)
	}
	r.savedSame(id, "moved.xlsx")
}

// What is in the way of a change is refused with a code, also where it is in the way in the file alone.
func TestStructure_Refused(t *testing.T) {
	r := newRig(t, Options{})
	r.put("f.xlsx", arrayBook(t, true))
	id := r.create("f.xlsx").ID
	try := func(c structure.Change, want string) {
		t.Helper()
		_, err := r.store.Edit(t.Context(), id, restructured(c), Commit{})
		if code(err) != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
	try(rows(structure.InsertRows, 1, 1), string(structure.ArrayPart))
	try(rows(structure.DeleteRows, 2, 1), string(structure.ArrayPart))
	try(structure.Change{Kind: structure.DeleteSheet, Sheet: "Data"}, string(structure.LastSheet))
	try(structure.Change{Kind: structure.RenameSheet, Sheet: "Data", Name: "a:b"}, string(structure.BadName))
	try(structure.Change{Kind: structure.InsertRows, Sheet: "No", Count: 1}, string(structure.NoSheet))
	try(structure.Change{Kind: "turn", Sheet: "Data"}, string(structure.BadKind))
	gone := book.SetCells{Sheet: "Data"}
	for _, at := range []string{"F1", "F2", "F3", "G1", "G2"} {
		ref, _ := cell.ParseRef(at)
		gone.Cells = append(gone.Cells, book.CellEdit{Ref: ref, Clear: true})
	}
	r.edit(id, book.Edit{Ops: []book.Op{gone}})
	_, err := r.store.Edit(t.Context(), id, restructured(rows(structure.InsertRows, 1, 1)), Commit{})
	if code(err) != string(structure.ArrayPart) || !strings.Contains(err.Error(), "file") {
		t.Errorf("an array that the file has yet: %v", err)
	}
	r.edit(id, restructured(rows(structure.InsertRows, 0, 1)))
	r.savedSame(id, "g.xlsx")
}

// A table that has grown moves with its rows, and gets a column with a name; the file has both.
func TestStructure_Table(t *testing.T) {
	r := newRig(t, Options{})
	r.put("t.xlsx", tableBook(t, 0, "note"))
	id := r.create("t.xlsx").ID
	r.edit(id, appended(4, 5))
	r.edit(id, restructured(rows(structure.InsertRows, 0, 2), rows(structure.DeleteRows, 6, 1),
		structure.Change{Kind: structure.InsertColumns, Sheet: "Data", At: 1, Count: 1}, structure.Change{Kind: structure.RenameSheet, Sheet: "Data", Name: "Dätä"}))
	look := func(id string) {
		t.Helper()
		if got := r.table(id); got != "A3:C6" {
			t.Errorf("the table of %s is in %s", id, got)
		}
		r.shows(id, map[string]string{"Dätä!B3": "Column1", "Dätä!C3": "Net", "Dätä!C6": "40", "Sums!A1": "45=SUM(Sales[Net])"})
	}
	look(id)
	r.restart()
	look(id)
	r.save(id, "out.xlsx")
	look(r.create("out.xlsx").ID)
	child := r.create(id)
	look(child.ID)
}

// Formulas that do not say which table they mean, as XlsxWriter writes those of totals, mean the one
// around their cell: each its own, also where it is no copy of the other's, and still that one when the
// table shrinks or the formula is moved out of it.
func TestStructure_UnnamedTable(t *testing.T) {
	b := &genbook.Book{}
	sheet := &genbook.Sheet{Name: "Data"}
	var g genbook.Grid
	for k, corner := range []cell.Ref{{}, {Col: 3}, {Row: 4}} {
		at := func(row, col int) string { return cell.Ref{Row: corner.Row + row, Col: corner.Col + col}.String() }
		g.Set(at(0, 0), 0, "Item")
		g.Set(at(0, 1), 0, "Net")
		for row := 1; row <= 2; row++ {
			g.Set(at(row, 0), 0, "x")
			g.Set(at(row, 1), 0, float64((k+1)*100+row))
		}
		g.Formula(at(3, 1), 0, "SUBTOTAL(109,[Net])", 0)
		sheet.Tables = append(sheet.Tables, genbook.Table{Name: fmt.Sprintf("T%d", k), Range: cell.RangeOf(corner, cell.Ref{Row: corner.Row + 3, Col: corner.Col + 1}),
			Columns: []genbook.TableColumn{{Name: "Item"}, {Name: "Net", Total: "sum"}}, Totals: true})
	}
	b.AddSheet(g.Fill(sheet))
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{})
	r.put("t.xlsx", file.Bytes())
	id := r.create("t.xlsx").ID
	if _, err := r.store.Recalculate(t.Context(), id, true, Commit{}); err != nil {
		t.Fatal(err)
	}
	r.shows(id, map[string]string{"Data!B4": "203=SUBTOTAL(109,T0[Net])", "Data!E4": "403=SUBTOTAL(109,T1[Net])", "Data!B8": "603=SUBTOTAL(109,T2[Net])"})
	gone := func(row int) structure.Change {
		return structure.Change{Kind: structure.DeleteRows, Sheet: "Data", At: row, Count: 1}
	}
	r.edit(id, restructured(gone(1), structure.Change{Kind: structure.MoveCells, Sheet: "Data", Range: cell.RangeOf(cell.Ref{Row: 2, Col: 4}, cell.Ref{Row: 2, Col: 4}), To: cell.Ref{Row: 6, Col: 5}}))
	after := map[string]string{"Data!B3": "102=SUBTOTAL(109,T0[Net])", "Data!F7": "202=SUBTOTAL(109,T1[Net])", "Data!B7": "603=SUBTOTAL(109,T2[Net])"}
	r.shows(id, after)
	r.save(id, "out.xlsx")
	r.shows(r.create("out.xlsx").ID, after)
	out, err := os.ReadFile(filepath.Join(r.dir, "out.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	if xml := ziptest.Parts(t, out)["xl/worksheets/sheet1.xml"]; !strings.Contains(xml, ">SUBTOTAL(109,T1[Net])<") || !strings.Contains(xml, ">SUBTOTAL(109,[Net])<") {
		t.Errorf("only the formula that was moved has to name its table:\n%s", xml)
	}
}

// What LibreOffice is given of a fork is its file restructured, with what a save would change in that.
func TestStructure_Package(t *testing.T) {
	r := newRig(t, Options{})
	id := r.create("a.xlsx").ID
	r.edit(id, restructured(structure.Change{Kind: structure.AddSheet, Sheet: "New", Position: 0}, rows(structure.InsertRows, 1, 2)))
	r.edit(id, set("New", "B2", book.CellEdit{Value: cell.NumberValue(7)}))
	router := &Router{Workspace: r.ws, Forks: r.store}
	err := router.Package(t.Context(), id, func(p Package) error {
		if len(p.Patch.Structure) > 0 || p.File.Workbook().Sheets[0].Name != "New" {
			t.Errorf("the file has the sheets %v and is to be restructured by %v", p.File.Workbook().Sheets, p.Patch.Structure)
		}
		var out bytes.Buffer
		if _, err := patch.Save(t.Context(), p.File, p.Patch, &out); err != nil {
			return err
		}
		f, err := xlsx.Open(t.Context(), bytes.NewReader(out.Bytes()), int64(out.Len()), xlsx.Limits{})
		if err != nil {
			return err
		}
		is, err := contentsOf(book.NewSnapshot("x", "x", f).Stored())
		if d := is.diff(r.read(id)); d != "" {
			t.Error(d)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What an undo leaves of a change is nothing: the saved file is the one that was forked, byte for byte.
func TestStructure_UndoneLeavesNothing(t *testing.T) {
	r := newRig(t, Options{})
	id := r.create("a.xlsx").ID
	r.edit(id, restructured(rows(structure.InsertRows, 1, 2)))
	if _, err := r.store.Undo(t.Context(), id, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	r.save(id, "out.xlsx")
	was, err := os.ReadFile(filepath.Join(r.dir, "a.xlsx"))
	is, err2 := os.ReadFile(filepath.Join(r.dir, "out.xlsx"))
	if err != nil || err2 != nil || !bytes.Equal(was, is) {
		t.Errorf("%v, %v; the saved file is another one", err, err2)
	}
}

// TestStructure_OldAddresses: a comparison names the place that an edited cell had before rows came above it.
func TestStructure_OldAddresses(t *testing.T) {
	r := newRig(t, Options{})
	id := r.create("a.xlsx").ID
	r.edit(id, number("A2", 99))
	r.edit(id, restructured(rows(structure.InsertRows, 0, 3)))
	var got []string
	err := r.store.View(t.Context(), id, func(now *book.Snapshot) error {
		return r.store.View(t.Context(), id+"@0", func(then *book.Snapshot) error {
			for c, err := range book.Diff(context.Background(), then, now, book.DiffOptions{}) {
				if err != nil {
					return err
				}
				got = append(got, c.Kind.String()+" "+c.Subtype.String()+" "+c.OldRef.String()+" "+c.Ref.String())
			}
			return nil
		})
	})
	want := []string{"rows_inserted  A1 A1", "cell_modified value_edit A2 A5", "cell_modified recalc_result C2 C5", "cell_modified recalc_result A1 A1"}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v; got\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Formulas of which the file has other values than they give keep them while rows move around them: after an undo and a redo, a restart,
// a merge, from a content that stands whole in the journal, and in the saved file.
func TestStructure_Keeps(t *testing.T) {
	var data genbook.Grid
	for row := 1; row <= 6; row++ {
		data.Set(fmt.Sprintf("A%d", row), 0, float64(row))
		data.Formula(fmt.Sprintf("B%d", row), 0, fmt.Sprintf("A%d*3", row), float64(1000+row)) // whatever gave that
	}
	data.Formula("C1", 0, "SUM(A1:A3)", 2000.0)
	data.Formula("C2", 0, "SUM(A4:A6)", 3000.0)
	data.Formula("C3", 0, "C2*2", 4000.0)
	b := &genbook.Book{}
	b.AddSheet(data.Fill(&genbook.Sheet{Name: "Data"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{})
	r.put("k.xlsx", out.Bytes())
	id := r.create("k.xlsx").ID
	look := func(id, when, want string) {
		t.Helper()
		is := r.read(id)
		var list []string
		for _, at := range strings.Fields("B1 B2 B3 B4 B5 B6 B7 B8 B9 C1 C2 C3 C4") {
			if s := is["Data!"+at].String(); s != "" {
				list = append(list, strings.Split(s, "=")[0])
			}
		}
		if got := strings.Join(list, " "); got != want {
			t.Errorf("%s there is %s, want %s", when, got, want)
		}
	}
	const moved, edited = "1001 1002 1003 1004 1005 1006 6 3000 4000", "1001 1002 1003 1004 1005 21 6 16 32"
	did := r.edit(id, restructured(rows(structure.InsertRows, 1, 1)))
	if c := did.Changeset.Calculation; c == nil || c.Calculated != 1 {
		t.Errorf("%+v was calculated, and only C1 reads another range", c)
	}
	all := func(want string) {
		t.Helper()
		look(id, "now", want)
		r.restart()
		look(id, "after a restart", want)
	}
	all("1001 1002 1003 1004 1005 1006 6 3000 4000")
	if _, err := r.store.Undo(t.Context(), id, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	all("1001 1002 1003 1004 1005 1006 2000 3000 4000")
	if _, err := r.store.Redo(t.Context(), id, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	all(moved)
	r.edit(id, set("Data", "A7", book.CellEdit{Value: cell.NumberValue(7)}))
	all(edited)
	other := r.create("k.xlsx").ID
	r.edit(other, set("Data", "D9", book.CellEdit{Value: cell.NumberValue(1)}))
	if m, err := r.store.Merge(t.Context(), other, id, MergeOptions{}); err != nil || !m.Done {
		t.Fatalf("%+v, %v", m, err)
	}
	look(other, "merged", edited)
	r.save(id, "kept.xlsx")
	look(r.create("kept.xlsx").ID, "saved", edited)
}

// A column that an edit has called otherwise, and a table that an edit has made, are known by these names when an end of what formulas
// name of them is deleted.
func TestStructure_NamedByEdits(t *testing.T) {
	b := &genbook.Book{}
	var g genbook.Grid
	for col, name := range []string{"a", "b", "c"} {
		for _, at := range []int{0, 4} {
			g.Set(cell.Ref{Col: col + at}.String(), 0, name)
			g.Set(cell.Ref{Row: 1, Col: col + at}.String(), 0, float64(col+1))
		}
	}
	g.Formula("A5", 0, "SUM(T[[a]:[c]])", 6.0)
	columns := []genbook.TableColumn{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	b.AddSheet(g.Fill(&genbook.Sheet{Name: "Data", Tables: []genbook.Table{{Name: "T", Range: cell.RangeOf(cell.Ref{}, cell.Ref{Row: 1, Col: 2}), Columns: columns}}}))
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{})
	r.put("t.xlsx", file.Bytes())
	id := r.create("t.xlsx").ID
	r.edit(id, book.Edit{Ops: []book.Op{book.ArrangeTables{Tables: []book.TableChange{
		{Of: "T", To: &book.TableForm{Name: "T", Sheet: "Data", Range: "A1:C2", Header: true, Columns: []book.TableFormColumn{{Name: "first", Was: "a"}, {Name: "b", Was: "b"}, {Name: "c", Was: "c"}}}},
		{To: &book.TableForm{Name: "Made", Sheet: "Data", Range: "E1:G2", Header: true, Columns: []book.TableFormColumn{{Name: "a"}, {Name: "b"}, {Name: "c"}}}},
	}}}})
	r.edit(id, set("Data", "A6", book.CellEdit{HasFormula: true, Formula: "SUM(Made[[a]:[c]])"}))
	r.edit(id, restructured(structure.Change{Kind: structure.DeleteColumns, Sheet: "Data", At: 6, Count: 1}, structure.Change{Kind: structure.DeleteColumns, Sheet: "Data", At: 2, Count: 1}))
	look := func(id string) {
		t.Helper()
		r.shows(id, map[string]string{"Data!A5": "3=SUM(T[[first]:[b]])", "Data!A6": "3=SUM(Made[[a]:[b]])"})
	}
	look(id)
	r.save(id, "out.xlsx")
	look(r.create("out.xlsx").ID)
	r.restart()
	look(id)
}

// Cells that one fork has merged are not cut apart by what the other has moved when the two are merged, whichever way.
func TestStructure_MergedInTheWay(t *testing.T) {
	r := newRig(t, Options{})
	for _, moves := range []bool{false, true} {
		into, from := r.create("a.xlsx").ID, r.create("a.xlsx").ID
		edits := []book.Edit{
			{Ops: []book.Op{book.Arrange{Sheet: "Data", Merges: &book.Ranges{cell.RangeOf(cell.Ref{Row: 4}, cell.Ref{Row: 5})}}}},
			restructured(structure.Change{Kind: structure.MoveCells, Sheet: "Data", Range: cell.RangeOf(cell.Ref{Row: 3}, cell.Ref{Row: 4, Col: 1}), To: cell.Ref{Row: 8}}),
		}
		if moves {
			edits[0], edits[1] = edits[1], edits[0]
		}
		r.edit(into, edits[0])
		r.edit(from, edits[1])
		if m, err := r.store.Merge(t.Context(), into, from, MergeOptions{}); code(err) != string(structure.MergedPart) {
			t.Errorf("into the fork that has moved: %v: %+v, %v", moves, m, err)
		}
	}
}
