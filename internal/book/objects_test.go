package book

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// drawn is a workbook with two objects of its own on its first sheet.
type drawn struct{ *memSource }

func (d drawn) Objects(_ context.Context, i int) ([]grid.Object, error) {
	if i != 0 {
		return nil, nil
	}
	return []grid.Object{{ID: "drawing1.2", Kind: grid.ChartObject, Name: "Old"}, {ID: "drawing1.3", Kind: grid.ImageObject, Name: "Logo", Grouped: true, Image: &grid.Image{}, Part: "x"}}, nil
}

func (d drawn) Media(context.Context, string, int64) ([]byte, error) { return []byte("bytes"), nil }

func newDrawn(tb testing.TB) *Snapshot {
	return NewSnapshot("b", "r", drawn{newBook(tb, "A1='x B1=1 A2='y B2=2", "A1=1")})
}

func chartOf(id, values string) NewObject {
	return NewObject{ID: id, Name: id, Anchor: ObjectPlace{Cell: "D2", Width: 100, Height: 100}, Chart: &grid.Chart{Types: []string{"line"}, Series: []grid.Series{{Values: values, Categories: "Sheet1!$A$1:$A$2"}}}}
}

func pictureOf(id string, content string) NewObject {
	return NewObject{ID: id, Name: id, Anchor: ObjectPlace{Cell: "D2", Width: 100, Height: 100}, Format: "png", Width: 1, Height: 1, Image: []byte(content)}
}

func showObjects(tb testing.TB, s *Snapshot) string {
	tb.Helper()
	var b strings.Builder
	for i := range s.Workbook().Sheets {
		list, err := s.Objects(tb.Context(), i)
		if err != nil {
			tb.Fatal(err)
		}
		var lines []string
		for _, o := range list {
			n, _ := s.Added(i, o.ID)
			lines = append(lines, fmt.Sprintf("%d %s %s %v %q %v\n", i, o.ID, o.Name, n.Anchor, n.Image, n.Chart != nil))
		}
		slices.Sort(lines) // merged, they may come in another order
		b.WriteString(strings.Join(lines, ""))
	}
	return b.String()
}

// TestObjectsRefused: what cannot be is refused.
func TestObjectsRefused(t *testing.T) {
	base := newDrawn(t)
	with := func(change func(*NewObject)) []NewObject {
		n := chartOf("a", "Sheet1!$B$1:$B$2")
		change(&n)
		return []NewObject{n}
	}
	for name, o := range map[string]ArrangeObjects{
		"no sheet":        {Sheet: "None"},
		"no such object":  {Sheet: "Sheet1", Remove: []string{"drawing1.9"}},
		"of another one":  {Sheet: "Sheet2", Remove: []string{"drawing1.2"}},
		"grouped":         {Sheet: "Sheet1", Remove: []string{"drawing1.3"}},
		"no id":           {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.ID = "" })},
		"no cell":         {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Anchor.Cell = "D" })},
		"no size":         {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Anchor.Width = 0 })},
		"too large":       {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Anchor.Height = 1 << 40 })},
		"neither":         {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart = nil })},
		"both":            {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Image = []byte("x") })},
		"a type":          {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart.Types = []string{"radar"} })},
		"no series":       {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart.Series = nil })},
		"many series":     {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart.Series = make([]grid.Series, MaxSeries+1) })},
		"no values":       {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart.Series[0].Values = "" })},
		"a formula":       {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart.Series[0].Values = "SUM(A1)" })},
		"a bad formula":   {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart.Series[0].Categories = "A1:" })},
		"a table":         {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.Chart.Series[0].Values = "T[x]" })},
		"a format":        {Sheet: "Sheet1", Add: []NewObject{{ID: "p", Anchor: ObjectPlace{Cell: "A1", Width: 1, Height: 1}, Image: []byte("x"), Format: "tiff", Width: 1, Height: 1}}},
		"a taken id":      {Sheet: "Sheet1", Add: with(func(n *NewObject) { n.ID = "drawing1.2" })},
		"a large picture": {Sheet: "Sheet1", Add: []NewObject{pictureOf("p", string(make([]byte, MaxImage+1)))}},
	} {
		if _, _, err := base.Apply(t.Context(), Edit{Ops: []Op{o}}); err == nil {
			t.Errorf("%s is taken", name)
		} else if wrong, ok := err.(*Error); !ok || wrong.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	next, _ := apply(t, base, Edit{Ops: []Op{ArrangeObjects{Sheet: "Sheet1", Add: []NewObject{chartOf("a", "Sheet1!$B$1")}}}})
	if _, _, err := next.Apply(t.Context(), Edit{Ops: []Op{ArrangeObjects{Sheet: "Sheet2", Add: []NewObject{chartOf("a", "Sheet1!$B$1")}}}}); err == nil {
		t.Error("an id is taken on two sheets")
	}
}

// TestRandomObjects: whatever becomes of objects, the edit from the base to it makes the same again, in its
// binary form too; merged onto its base it is the same, and of two lines that have nothing in common both count.
func TestRandomObjects(t *testing.T) {
	base := newDrawn(t)
	ctx := context.Background()
	rapid.Check(t, func(rt *rapid.T) {
		walk := func(from *Snapshot, ids []string) *Snapshot {
			for range rapid.IntRange(0, 6).Draw(rt, "steps") {
				o := ArrangeObjects{Sheet: rapid.SampledFrom([]string{"Sheet1", "Sheet2"}).Draw(rt, "sheet")}
				id := rapid.SampledFrom(ids).Draw(rt, "id")
				switch rapid.IntRange(0, 2).Draw(rt, "kind") {
				case 0:
					o.Remove = []string{id}
				case 1:
					o.Add = []NewObject{chartOf(id, fmt.Sprintf("Sheet1!$B$%d", rapid.IntRange(1, 3).Draw(rt, "row")))}
				default:
					o.Add = []NewObject{pictureOf(id, rapid.StringN(1, 4, 9).Draw(rt, "picture"))}
				}
				if next, _, err := from.Apply(ctx, Edit{Ops: []Op{o}}); err == nil {
					from = next
				}
			}
			return from
		}
		cur := walk(base, []string{"a", "b", "drawing1.2"})
		want := showObjects(t, cur)
		e, err := Between(ctx, base, cur)
		if err != nil {
			rt.Fatal(err)
		}
		back, err := DecodeEdit(e.AppendTo(nil))
		if err != nil || !reflect.DeepEqual(back, e) {
			rt.Fatalf("%+v is read as %+v, %v", e, back, err)
		}
		again, _, err := base.Replay(ctx, back)
		if err != nil {
			rt.Fatal(err)
		}
		if got := showObjects(t, again); got != want {
			rt.Fatalf("made again it is\n%s\nand was\n%s", got, want)
		}
		merged, err := Merge(ctx, base, base, cur)
		if err != nil {
			rt.Fatal(err)
		}
		if again, _, err = base.Replay(ctx, merged.Edit); err != nil {
			rt.Fatal(err)
		}
		if got := showObjects(t, again); got != want {
			rt.Fatalf("merged it is\n%s\nand was\n%s", got, want)
		}
		theirs := walk(base, []string{"c", "d"})
		if merged, err = Merge(ctx, base, cur, theirs); err != nil {
			rt.Fatal(err)
		}
		if again, _, err = cur.Replay(ctx, merged.Edit); err != nil {
			rt.Fatal(err)
		}
		both := strings.Count(want, "\n") + strings.Count(showObjects(t, theirs), "\n") - 2 // it has those of the source, too
		n := strings.Count(showObjects(t, again), "\n")
		if n != both {
			rt.Fatalf("both have %d objects, merged\n%s\nof\n%s\nand\n%s", both, showObjects(t, again), want, showObjects(t, theirs))
		}
	})
}

// TestObjectsRebase: on a newer file in which rows came in above, what a fork has put on a sheet follows its cells.
func TestObjectsRebase(t *testing.T) {
	base := newDrawn(t)
	ours, _ := apply(t, base, Edit{Ops: []Op{ArrangeObjects{Sheet: "Sheet1", Remove: []string{"drawing1.2"}, Add: []NewObject{chartOf("a", "Sheet1!$B$1:$B$2")}}}})
	n := newBook(t, "A1='new A2='rows A3='x B3=1 A4='y B4=2", "A1=1")
	onto := NewSnapshot("b", "r2", drawn{n})
	m, err := Rebase(t.Context(), base, ours, onto)
	if err != nil || len(m.Conflicts) > 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	got, _ := apply(t, onto, m.Edit)
	list, err := got.Objects(t.Context(), 0)
	if err != nil || len(list) != 2 {
		t.Fatalf("there are %+v, %v", list, err)
	}
	if s := list[1].Chart.Series[0]; list[1].Anchor.From.String() != "D4" || s.Values != "Sheet1!$B$3:$B$4" || s.Categories != "Sheet1!$A$3:$A$4" {
		t.Errorf("it is %+v, %+v", list[1].Anchor, s)
	}
	cells, err := got.ChartCells(t.Context(), 0, list[1].Chart)
	if err != nil || len(cells) != 1 || len(cells[0].Values) != 2 || cells[0].Values[1].Value != cell.NumberValue(2) || cells[0].Categories[0].Value != cell.TextValue("x") {
		t.Errorf("its cells are %+v, %v", cells, err)
	}
}

// TestChartAreas: what the formulas of charts name.
func TestChartAreas(t *testing.T) {
	m := newBook(t, "A1=1", "A1=1")
	m.book.Names = []grid.Name{{Name: "Here", Sheet: -1, RefersTo: "Sheet2!$A$1:$A$9"}, {Name: "Round", Sheet: -1, RefersTo: "Round"}, {Name: "Moving", Sheet: -1, RefersTo: "OFFSET(Sheet1!$A$1,1,1)"}}
	s := NewSnapshot("b", "r", m)
	for text, want := range map[string]string{
		"Sheet2!$B$2:$B$9": "[{1 B2:B9}] true", "A1": "[{0 A1}] true", "(Sheet1!A1,Sheet2!B2:B3)": "[{0 A1} {1 B2:B3}] true", "Here": "[{1 A1:A9}] true", "Sheet1!Here": "[{1 A1:A9}] true",
		"Round": "[] false", "Moving": "[] false", "None": "[] false", "[1]Sheet1!A1": "[] false", "None!A1": "[] false", "SUM(A1)": "[] false", "": "[] false", "A1:": "[] false",
	} {
		areas, ok := s.ChartAreas(0, text)
		if !ok {
			areas = nil
		}
		if got := fmt.Sprint(areas, ok); got != want {
			t.Errorf("%q names %s, want %s", text, got, want)
		}
	}
}
