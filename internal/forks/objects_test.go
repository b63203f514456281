package forks

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

func chartEdit(values string) book.Edit {
	return book.Edit{Ops: []book.Op{book.ArrangeObjects{Sheet: "Data", Add: []book.NewObject{{ID: "chart-1", Name: "Nets", Anchor: book.ObjectPlace{Cell: "F2", Width: 480 * grid.EMUPerPixel, Height: 288 * grid.EMUPerPixel},
		Chart: &grid.Chart{Types: []string{"column"}, Series: []grid.Series{{NameRef: "Data!$B$1", Categories: "Data!$A$2:$A$3", Values: values}}}}}}}}
}

// A chart in a fork shows what its cells say when it is saved, whatever was edited since it was made; what it is, and a picture
// beside it, is in the journal. Macros and all other parts stay.
func TestChartFollows(t *testing.T) {
	r := newRig(t, Options{})
	was := tableBook(t, 0, "note")
	for _, name := range []string{"t.xlsx", "t.xlsm"} {
		r.put(name, was)
		f := r.create(name)
		r.edit(f.ID, chartEdit("Data!$B$2:$B$3"))
		var dot bytes.Buffer
		if err := png.Encode(&dot, image.NewGray(image.Rect(0, 0, 8, 4))); err != nil {
			t.Fatal(err)
		}
		r.edit(f.ID, book.Edit{Ops: []book.Op{book.ArrangeObjects{Sheet: "Sums", Add: []book.NewObject{{ID: "picture-1", Name: "Dot", Format: "png", Width: 8, Height: 4, Image: dot.Bytes(), Anchor: book.ObjectPlace{Cell: "C3", Width: 1e5, Height: 1e5}}}}}})
		r.restart()
		r.edit(f.ID, book.Edit{Ops: []book.Op{book.SetCells{Sheet: "Data", Cells: []book.CellEdit{{Ref: cell.Ref{Row: 1, Col: 1}, Value: cell.NumberValue(12.5)}, {Ref: cell.Ref{Row: 2}, Value: cell.TextValue("another <item>")}}}}})
		out := "out-" + name
		if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: out}); err != nil {
			t.Fatal(err)
		}
		is, err := os.ReadFile(filepath.Join(r.dir, out))
		if err != nil {
			t.Fatal(err)
		}
		before, after := ziptest.Parts(t, was), ziptest.Parts(t, is)
		chart := after["xl/charts/chart1.xml"]
		for _, want := range []string{"<c:v>12.5</c:v>", "<c:v>another &lt;item&gt;</c:v>", "<c:v>Net</c:v>", "<c:f>Data!$B$2:$B$3</c:f>"} {
			if !strings.Contains(chart, want) {
				t.Errorf("%s: the chart has no %s: %s", name, want, chart)
			}
		}
		if after["xl/media/image1.png"] != dot.String() {
			t.Errorf("%s: the picture is %q", name, after["xl/media/image1.png"])
		}
		for part, text := range before {
			if after[part] != text && !strings.Contains(part, "worksheets/") && part != "[Content_Types].xml" && !strings.Contains(part, "calcChain") && !strings.HasSuffix(part, "workbook.xml") && !strings.HasSuffix(part, "workbook.xml.rels") {
				t.Errorf("%s: %s has changed", name, part)
			}
		}
		// The saved file has it as its own, and a fork of it can take it away again.
		g := r.create(out)
		r.edit(g.ID, book.Edit{Ops: []book.Op{book.ArrangeObjects{Sheet: "Data", Remove: []string{"drawing1.2"}}}})
		if _, err := r.store.Save(t.Context(), g.ID, SaveOptions{Path: "less-" + name}); err != nil {
			t.Fatal(err)
		}
		less, err := os.ReadFile(filepath.Join(r.dir, "less-"+name))
		if err != nil {
			t.Fatal(err)
		}
		for part := range ziptest.Parts(t, less) {
			if strings.Contains(part, "charts/") || part == "xl/drawings/drawing1.xml" {
				t.Errorf("%s: %s is left", name, part)
			}
		}
	}
}

// Of two forks with objects of their own the merged one has those of both, and a merge onto a newer file takes them
// along.
func TestObjectsMerge(t *testing.T) {
	r := newRig(t, Options{})
	r.put("t.xlsx", tableBook(t, 0, "note"))
	a, b := r.create("t.xlsx"), r.create("t.xlsx")
	r.edit(a.ID, chartEdit("Data!$B$2:$B$3"))
	second := chartEdit("Data!$B$2")
	op := second.Ops[0].(book.ArrangeObjects)
	op.Add[0].ID = "chart-2"
	r.edit(b.ID, second)
	if m, err := r.store.Merge(t.Context(), a.ID, b.ID, MergeOptions{}); err != nil || !m.Done {
		t.Fatal(m, err)
	}
	objects := func(id string) (list []grid.Object) {
		err := r.store.View(t.Context(), id, func(s *book.Snapshot) (err error) {
			list, err = s.Objects(t.Context(), 0)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if list := objects(a.ID); len(list) != 2 {
		t.Errorf("merged there are %+v", list)
	}
	r.put("t.xlsx", tableBook(t, 2, "changed"))
	if m, err := r.store.Merge(t.Context(), a.ID, "t.xlsx", MergeOptions{}); err != nil || !m.Done {
		t.Fatal(m, err)
	}
	list := objects(a.ID)
	if len(list) != 2 || list[0].Anchor.From.Row != 3 || list[0].Chart.Series[0].Values != "Data!$B$4:$B$5" {
		t.Errorf("on the newer file there are %+v", list)
	}
}
