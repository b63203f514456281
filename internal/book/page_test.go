package book

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// drawPage draws an operation on pages, rows and the like of a sheet.
func drawPage(t *rapid.T, sheet string) Arrange {
	a := Arrange{Sheet: sheet}
	n := func(most int) int { return rapid.IntRange(0, most).Draw(t, "n") }
	if n(1) == 0 {
		row := n(5)
		a.Rows = &[]grid.RowSpan{{First: row, Last: row + n(2), Height: float64(n(3)), Custom: n(1) == 0, Hidden: n(1) == 0, Outline: uint8(n(7)), Collapsed: n(1) == 0}}
	}
	if n(2) == 0 {
		a.TabColor = new(rapid.SampledFrom([]string{"", "FF000000", "theme:1"}).Draw(t, "color"))
	}
	if n(2) == 0 {
		a.Margins = &grid.PageMargins{Given: true, Left: float64(n(8)) / 8, Header: 0.5}
	}
	if n(2) == 0 {
		a.Setup = &grid.PageSetup{Orientation: rapid.SampledFrom([]string{"", "portrait"}).Draw(t, "orientation"), Fit: n(1) == 0, Wide: n(3), Tall: n(3), Scale: 50, Paper: n(9)}
	}
	if n(2) == 0 {
		a.Breaks = &grid.PageBreaks{Rows: []int{1 + n(3), 9}}
	}
	if n(2) == 0 {
		a.Edges = &grid.HeaderFooter{OddHeader: rapid.SampledFrom([]string{"", "&Lä"}).Draw(t, "header"), OddEven: n(1) == 0}
	}
	if n(2) == 0 {
		a.Protection = &grid.SheetProtection{On: true, Allow: grid.Allowance(n(int(grid.AllowAll))), Password: grid.Password{Legacy: "AB12"}}
	}
	return a
}

// TestPages: an arrangement makes the sheet what it says and leaves all else; what became of it between two
// states, done again, gives the later one; and of two that were made apart the merge has what only one has changed.
func TestPages(t *testing.T) {
	base := namesBook(t)
	layout := func(s *Snapshot) *grid.Layout {
		sheet, err := s.Sheet(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return sheet.Layout
	}
	rapid.Check(t, func(rt *rapid.T) {
		draw := func() (*Snapshot, Arrange) {
			var all Arrange
			s := base
			for range rapid.IntRange(1, 3).Draw(rt, "edits") {
				o := drawPage(rt, "sheet1")
				next, _, err := s.Apply(t.Context(), Edit{Ops: []Op{o}})
				if err != nil {
					rt.Fatal(err)
				}
				was, is := layout(s), layout(next)
				for _, p := range []struct{ given, got, want any }{{o.TabColor, is.TabColor, was.TabColor}, {o.Margins, is.Margins, was.Margins}, {o.Setup, is.Setup, was.Setup},
					{o.Breaks, is.Breaks, was.Breaks}, {o.Edges, is.Edges, was.Edges}, {o.Protection, is.Protection, was.Protection}} {
					want := p.want
					if v := reflect.ValueOf(p.given); !v.IsNil() {
						want = v.Elem().Interface()
					}
					if !reflect.DeepEqual(p.got, want) {
						rt.Fatalf("%+v gives %+v and not %+v", o, p.got, want)
					}
				}
				s = next
			}
			all, _ = arranged(layout(base), layout(s))
			return s, all
		}
		ours, mine := draw()
		theirs, their := draw()
		e, err := Between(t.Context(), base, ours)
		if err != nil {
			rt.Fatal(err)
		}
		again, _, err := base.Apply(t.Context(), e)
		if err != nil || !reflect.DeepEqual(layout(again), layout(ours)) {
			rt.Fatalf("%+v: %v\n%+v\nand not\n%+v", e, err, layout(again), layout(ours))
		}
		m, err := Merge(t.Context(), base, ours, theirs)
		if err != nil {
			rt.Fatal(err)
		}
		both, _, err := ours.Apply(t.Context(), m.Edit)
		if err != nil {
			rt.Fatal(err)
		}
		is, l, r := layout(both), layout(ours), layout(theirs)
		if mine.Setup == nil && is.Setup != r.Setup || mine.Setup != nil && is.Setup != l.Setup || mine.TabColor == nil && is.TabColor != r.TabColor || mine.Edges != nil && is.Edges != l.Edges || mine.Protection == nil && is.Protection != r.Protection {
			rt.Fatalf("%+v and %+v give %+v", mine, their, is)
		}
		for row := range 10 {
			was, _ := layout(base).Row(row)
			a, _ := l.Row(row)
			b, _ := r.Row(row)
			got, _ := is.Row(row)
			want := a.Hidden
			if a.Hidden == was.Hidden {
				want = b.Hidden
			}
			if got.Hidden != want {
				rt.Fatalf("row %d is hidden: %v", row+1, got.Hidden)
			}
		}
	})
}

// TestHiddenRows: what leaves hidden rows out is calculated when rows are hidden, and shown.
func TestHiddenRows(t *testing.T) {
	m := newBook(t, "A1=1 A2=2 A3=3 B1==SUBTOTAL(109,A1:A3) B2==SUBTOTAL(9,A1:A3) B3==B1*10")
	base := calculated(t, storedSnapshot("b", "r", m))
	hide := func(s *Snapshot, on bool) *Snapshot {
		next, set := apply(t, s, Edit{Ops: []Op{Arrange{Sheet: "Sheet1", Rows: &[]grid.RowSpan{{First: 1, Last: 1, Hidden: on}}}}})
		if !set.Stale {
			t.Error("nothing is stale")
		}
		next, _, err := next.Refresh(t.Context(), Moment{}, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return next
	}
	values := func(s *Snapshot) (list [3]float64) {
		sheet, err := s.Sheet(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			list[i] = sheet.Value(cell.Ref{Row: i, Col: 1}).Number()
		}
		return list
	}
	hidden := hide(base, true)
	if got, want := values(hidden), [3]float64{4, 6, 40}; got != want {
		t.Errorf("with a hidden row the values are %v, want %v", got, want)
	}
	if got, want := values(hide(hidden, false)), [3]float64{6, 6, 60}; got != want {
		t.Errorf("with no hidden row the values are %v, want %v", got, want)
	}
	if next, set := apply(t, base, Edit{Ops: []Op{Arrange{Sheet: "Sheet1", Rows: &[]grid.RowSpan{{First: 1, Last: 1, Height: 30, Custom: true}}}}}); set.Stale || next.Stale() {
		t.Error("a height makes formulas stale")
	}
}

// TestBadPages: what no sheet can have is refused.
func TestBadPages(t *testing.T) {
	base := namesBook(t)
	rows := func(list ...grid.RowSpan) *[]grid.RowSpan { return &list }
	for _, o := range []Arrange{
		{Rows: rows(grid.RowSpan{First: 3, Last: 2})}, {Rows: rows(grid.RowSpan{Last: cell.MaxRows})}, {Rows: rows(grid.RowSpan{First: 1, Last: 2}, grid.RowSpan{First: 2, Last: 3})}, {Rows: rows(grid.RowSpan{Height: 410})},
		{Rows: rows(grid.RowSpan{Height: math.NaN()})}, {Rows: rows(grid.RowSpan{Outline: 8})}, {Rows: rows(grid.RowSpan{Last: MaxRowEdits})}, {TabColor: new("red")}, {Margins: &grid.PageMargins{Left: -1}}, {Margins: &grid.PageMargins{Top: math.Inf(1)}},
		{Margins: &grid.PageMargins{Top: 49}}, {Setup: &grid.PageSetup{Orientation: "both"}}, {Setup: &grid.PageSetup{Scale: 9}}, {Setup: &grid.PageSetup{Scale: 401}}, {Setup: &grid.PageSetup{Wide: -1}}, {Setup: &grid.PageSetup{Paper: -1}},
		{Breaks: &grid.PageBreaks{Rows: []int{0}}}, {Breaks: &grid.PageBreaks{Rows: []int{2, 2}}}, {Breaks: &grid.PageBreaks{Cols: []int{cell.MaxCols}}}, {Breaks: &grid.PageBreaks{Rows: make([]int, MaxBreaks+1)}},
		{Edges: &grid.HeaderFooter{OddHeader: strings.Repeat("x", 256)}}, {Edges: &grid.HeaderFooter{FirstFooter: "\xff"}}, {Protection: &grid.SheetProtection{Allow: 1 << 20}}, {Protection: &grid.SheetProtection{Password: grid.Password{Hash: "?"}}},
		{Protection: &grid.SheetProtection{Password: grid.Password{Spin: maxSpin + 1}}},
	} {
		o.Sheet = "Sheet1"
		var wrong *Error
		if _, _, err := base.Apply(t.Context(), Edit{Ops: []Op{o}}); !errors.As(err, &wrong) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
