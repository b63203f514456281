package graph

import (
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// TestRegion holds a region to a set of cells, in which it is told which cells are new.
func TestRegion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := box{{7, 7 + rapid.Int32Range(0, 300).Draw(t, "rows")}, {3, 3 + rapid.Int32Range(0, 5).Draw(t, "cols")}}
		var r region
		want := make(map[[2]int32]bool)
		add := func(x box) {
			if x = x.and(frame); x.empty() {
				return
			}
			r.add(frame, x, func(fresh box) {
				if fresh.empty() || !x.holds(fresh) {
					t.Fatalf("%v is new in %v", fresh, x)
				}
				for row := fresh[rows].lo; row <= fresh[rows].hi; row++ {
					for col := fresh[cols].lo; col <= fresh[cols].hi; col++ {
						if want[[2]int32{row, col}] {
							t.Fatalf("%d,%d is new twice", row, col)
						}
						want[[2]int32{row, col}] = true
					}
				}
			})
			for row := x[rows].lo; row <= x[rows].hi; row++ {
				for col := x[cols].lo; col <= x[cols].hi; col++ {
					if !want[[2]int32{row, col}] {
						t.Fatalf("%d,%d was added and is not new", row, col)
					}
				}
			}
			if !r.covers(frame, x) {
				t.Fatalf("%v was added and is not covered", x)
			}
		}
		check := func() {
			n := 0
			for row := frame[rows].lo - 1; row <= frame[rows].hi+1; row++ {
				for col := frame[cols].lo - 1; col <= frame[cols].hi+1; col++ {
					if got := r.has(frame, row, col); got != want[[2]int32{row, col}] {
						t.Fatalf("%d,%d: %v", row, col, got)
					}
				}
			}
			var last box
			for x := range r.boxes(frame) {
				n += int(x.cells())
				if !r.covers(frame, x) || last != (box{}) && (x[cols].lo < last[cols].lo || x[cols] == last[cols] && x[rows].lo <= last[rows].hi+1) {
					t.Fatalf("%v follows %v", x, last)
				}
				last = x
			}
			if n != len(want) || r.cells() != int64(n) {
				t.Fatalf("%d cells in boxes, %d counted, want %d", n, r.cells(), len(want))
			}
			if x := drawBox(t, 300, 9); true {
				all := true
				for row := x[rows].lo; row <= x[rows].hi; row++ {
					for col := x[cols].lo; col <= x[cols].hi; col++ {
						all = all && want[[2]int32{row, col}]
					}
				}
				if r.covers(frame, x) != all {
					t.Fatalf("covers %v: %v", x, !all)
				}
			}
			if r.some != (len(want) > 0) {
				t.Fatalf("%d cells, and it has some: %v", len(want), r.some)
			}
		}
		for range rapid.IntRange(0, 12).Draw(t, "adds") {
			add(drawBox(t, 320, 9))
		}
		check()
		// Every other or third row makes it a bitmap.
		step := rapid.Int32Range(2, 3).Draw(t, "step")
		for row := frame[rows].lo; row <= frame[rows].hi; row += step {
			add(box{{row, row}, drawBox(t, 300, 9)[cols]})
		}
		check()
		for range rapid.IntRange(0, 12).Draw(t, "adds") {
			add(drawBox(t, 320, 9))
		}
		add(box{{0, rapid.Int32Range(0, 320).Draw(t, "to")}, {0, rapid.Int32Range(0, 9).Draw(t, "to")}})
		check()
	})
}

// TestRegionIsBounded: however scattered, a region takes a bit a cell and a little more.
func TestRegionIsBounded(t *testing.T) {
	frame := box{{0, 200_000}, {0, 3}}
	var r region
	for row := int32(0); row < 200_000; row += 2 {
		r.add(frame, box{{row, row}, {row / 2 % 4, row / 2 % 4}}, func(box) {})
	}
	if n, most := r.bytes(), frame.cells()/8+4096; r.cells() != 100_000 || n > most {
		t.Errorf("%d cells take %d bytes, more than %d", r.cells(), n, most)
	}
	x := Region{&r, frame}
	if x.Cells() != 100_000 || x.Contains(cell.Ref{Row: 1}) || !x.Contains(cell.Ref{Row: 2, Col: 1}) || x.Bounds().String() != "A1:D199999" {
		t.Errorf("%d cells in %v", x.Cells(), x.Bounds())
	}
	for range x.Ranges() {
		break
	}
}
