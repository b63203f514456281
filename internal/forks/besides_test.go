package forks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// besides gives all of a workbook that edits can change besides its cells, and the values of those.
func besides(s *book.Snapshot) (string, error) {
	var b strings.Builder
	wb := s.Workbook()
	say := func(what any) error {
		text, err := json.Marshal(what)
		b.Write(append(text, '\n'))
		return err
	}
	fmt.Fprintf(&b, "%+v %d\n", wb.Protection, wb.ActiveSheet)
	if err := say(append([]grid.Name{}, wb.Names...)); err != nil {
		return "", err
	}
	for i, info := range wb.Sheets {
		sheet, err := s.Sheet(context.Background(), i)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&b, info.Name, info.Visibility)
		// Numbers of formats are not the same in all states, and columns without a width have the usual one in files.
		l := *sheet.Layout
		l.Columns, l.Rows = nil, grid.PutRows(nil, l.Rows)
		for col := range 12 {
			c, _ := sheet.Layout.Column(col)
			if !c.Custom && c.Width == l.UsualWidth() {
				c.Width = 0
			}
			c.First, c.Last, c.Style = col, col, 0
			l.Columns = append(l.Columns, c)
		}
		if err := say(l); err != nil {
			return "", err
		}
		for row := range 17 {
			for col := range 12 {
				at := cell.Ref{Row: row, Col: col}
				if look := xf.Of(wb.Styles.Xfs[sheet.StyleAt(at)]); look[xf.NumberFormat] != "General" || look[xf.FontBold]+look[xf.FillForeground] != "" {
					fmt.Fprintf(&b, "%v %s %s %s; ", at, look[xf.NumberFormat], look[xf.FontBold], look[xf.FillForeground])
				}
			}
		}
		for c := range sheet.Cells(cell.WholeSheet) {
			if c.Ref.Col >= 6 && !c.Empty() { // where this test has formulas
				fmt.Fprint(&b, c.Ref, "=", c.Value, " ")
			}
		}
	}
	return b.String(), nil
}

// someArrangement draws an operation on what is no cell.
func someArrangement(t *rapid.T) book.Op {
	sheet := rapid.SampledFrom(sheetNames).Draw(t, "sheet")
	count := func(most int, what string) int { return rapid.IntRange(0, most).Draw(t, what) }
	if count(7, "of the workbook") == 0 {
		o := book.ArrangeBook{Sheets: []book.SheetShown{{Sheet: sheet, Visibility: grid.Visibility(count(2, "visibility"))}}}
		if o.Sheets[0].Visibility != grid.Visible { // one stays
			for _, other := range sheetNames {
				if other != sheet {
					o.Sheets = append(o.Sheets, book.SheetShown{Sheet: other})
				}
			}
		}
		if rapid.Bool().Draw(t, "protect") {
			o.Protection = &grid.WorkbookProtection{Structure: rapid.Bool().Draw(t, "structure"), Password: grid.Password{Legacy: rapid.SampledFrom([]string{"", "AB12"}).Draw(t, "password")}}
		}
		return o
	}
	switch rapid.IntRange(0, 17).Draw(t, "what") {
	case 3, 4, 5, 6:
		o := book.FormatLines{Sheet: sheet, Rows: rapid.Bool().Draw(t, "rows"), Anew: count(4, "anew") == 0, Spans: []book.Lines{{First: count(8, "first")}}}
		o.Spans[0].Last = o.Spans[0].First + count(3, "more")
		if !o.Rows && count(5, "wide") == 0 {
			o.Spans[0].Last = cell.MaxCols - 1
		}
		o.Settings = rapid.SampledFrom([]xf.Settings{{{Leaf: xf.FontBold, Value: xf.Yes}}, {{Leaf: xf.FontBold, Value: ""}}, {{Leaf: xf.FillPattern, Value: "solid"}, {Leaf: xf.FillForeground, Value: "FF112233"}}}).Draw(t, "look")
		return o
	case 0, 1:
		n := book.NameEdit{Name: rapid.SampledFrom([]string{"One", "Two", "_three"}).Draw(t, "name")}
		if rapid.Bool().Draw(t, "of a sheet") {
			n.Sheet = sheet
		}
		if n.Delete = rapid.IntRange(0, 3).Draw(t, "delete") == 0; !n.Delete {
			n.RefersTo = rapid.SampledFrom([]string{"1", "Data!$A$1", "Data!$A$1:$A$3", "Two+1"}).Draw(t, "refers")
		}
		return book.EditNames{Names: []book.NameEdit{n}}
	case 2:
		list := []grid.ColumnSpan{{First: 1, Last: 2, Width: float64(rapid.IntRange(1, 9).Draw(t, "width")), Custom: true}}
		return book.Arrange{Sheet: sheet, Columns: &list}
	}
	switch count(7, "part") {
	case 0:
		first := count(12, "first")
		rows := []grid.RowSpan{{First: first, Last: first + count(3, "more"), Height: float64(count(2, "height")) * 10.5, Hidden: rapid.Bool().Draw(t, "hide"), Outline: uint8(count(2, "level"))}}
		rows[0].Custom = rows[0].Height > 0
		if rapid.Bool().Draw(t, "another") {
			rows = append(rows, grid.RowSpan{First: 1000 + count(5, "far"), Last: 1005, Collapsed: true})
		}
		return book.Arrange{Sheet: sheet, Rows: &rows}
	case 1:
		return book.Arrange{Sheet: sheet, TabColor: new(rapid.SampledFrom([]string{"", "FF112233", "theme:4:-0.25"}).Draw(t, "color"))}
	case 2:
		return book.Arrange{Sheet: sheet, Margins: &grid.PageMargins{Given: true, Left: float64(count(4, "left")) / 4, Footer: 0.3}}
	case 3:
		setup := grid.PageSetup{Orientation: rapid.SampledFrom([]string{"", "portrait", "landscape"}).Draw(t, "orientation"), Fit: rapid.Bool().Draw(t, "fit"), Wide: count(2, "wide"), Tall: count(2, "tall"), Paper: 9}
		return book.Arrange{Sheet: sheet, Setup: &setup}
	case 4:
		return book.Arrange{Sheet: sheet, Breaks: &grid.PageBreaks{Rows: rapid.SampledFrom([][]int{nil, {1, 5}, {3}}).Draw(t, "breaks")}}
	case 5:
		return book.Arrange{Sheet: sheet, Edges: &grid.HeaderFooter{OddHeader: rapid.SampledFrom([]string{"", " &L<a>", "&C&P"}).Draw(t, "header"), First: rapid.Bool().Draw(t, "first")}}
	case 6:
		p := grid.SheetProtection{On: rapid.Bool().Draw(t, "on")}
		if p.On {
			p.Allow, p.Objects = grid.Allowance(count(int(grid.AllowAll), "allow")), true
			p.Password = rapid.SampledFrom([]grid.Password{{}, {Legacy: "83AF"}, {Algorithm: "SHA-512", Hash: "YWJj", Salt: "YQ==", Spin: 9}}).Draw(t, "password")
		}
		return book.Arrange{Sheet: sheet, Protection: &p}
	}
	return book.Arrange{Sheet: sheet, View: &grid.View{ZoomPercent: rapid.IntRange(10, 400).Draw(t, "zoom")}}
}

// TestBesidesCells: whatever is done to what is no cell, every version keeps what it had, after undoing and
// starting anew, in forks of it and in the file that is saved of it.
func TestBesidesCells(t *testing.T) {
	b := smallBook(t, 1)
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, Options{LiveMax: 1})
		defer r.close()
		r.put("a.xlsx", b)
		f := r.create("a.xlsx")
		r.edit(f.ID, set("Data", "G1", book.CellEdit{HasFormula: true, Formula: "One*10"}))
		r.edit(f.ID, set("Data", "G2", book.CellEdit{HasFormula: true, Formula: "SUM(Two)"}))
		look := func(id string) (text string) {
			view := r.store.View
			if !IsFork(id) {
				view = r.ws.View
			}
			if err := view(t.Context(), id, func(s *book.Snapshot) (err error) {
				text, err = besides(s)
				return err
			}); err != nil {
				rt.Fatal(err)
			}
			return text
		}
		versions := map[uint64]string{2: look(f.ID)}
		head := uint64(2)
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				r.restart()
			case 1:
				if head > 2 {
					if res, err := r.store.Undo(t.Context(), f.ID, 1, Commit{}); err == nil {
						head = res.Version
					}
				}
			default:
				head = r.edit(f.ID, book.Edit{Ops: []book.Op{someArrangement(rt), someArrangement(rt)}}).Version
			}
			if was, ok := versions[head]; ok && was != look(f.ID) {
				rt.Fatalf("version %d is\n%s\nand was\n%s", head, look(f.ID), was)
			}
			versions[head] = look(f.ID)
		}
		child := r.create(f.ID)
		r.restart()
		for v, was := range versions {
			if is := look(fmt.Sprintf("%s@%d", f.ID, v)); is != was {
				rt.Fatalf("version %d is\n%s\nand was\n%s", v, is, was)
			}
		}
		if is := look(child.ID); is != versions[head] {
			rt.Fatalf("the fork of it is\n%s\nand not\n%s", is, versions[head])
		}
		if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "out.xlsx", Overwrite: true}); err != nil {
			rt.Fatal(err)
		}
		if is := look("out.xlsx"); is != versions[head] {
			rt.Fatalf("the file has\n%s\nand not\n%s", is, versions[head])
		}
	})
}
