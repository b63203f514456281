package lok

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseGeometry(t *testing.T) {
	g, err := ParseGeometry([]byte(`{"commandName":".uno:SheetGeometryData","maxtiledcolumn":"1023","columns":{"sizes":"1776:0 1443:5 963:16383 ","hidden":"0:1 3 16383 "},"rows":{"sizes":"300:1048575 ","hidden":"1:0 1048575 "}}`))
	if err != nil {
		t.Fatal(err)
	}
	// 1776 twips are 118 pixels, 1443 are 96, 963 are 64; columns 2 and 3 are hidden.
	if got, want := g.Cols.Edges(0, 6, 100), []int{0, 118, 214, 214, 214, 310, 406, 470}; !slices.Equal(got, want) {
		t.Errorf("columns %v, want %v", got, want)
	}
	if got, want := g.Rows.Edges(0, 2, 200), []int{0, 0, 40, 80}; !slices.Equal(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
	if got, want := g.Cols.Edges(99, 99, 100), []int{118 + 3*96 + 93*64, 118 + 3*96 + 94*64}; !slices.Equal(got, want) {
		t.Errorf("column CV %v, want %v", got, want)
	}
	for _, bad := range []string{
		"", "null", "[]", `{"columns":{"sizes":""},"rows":{"sizes":"1:2"}}`, `{"columns":{"sizes":"1:2 1:2"},"rows":{"sizes":"1:2"}}`,
		`{"columns":{"sizes":"-1:2"},"rows":{"sizes":"1:2"}}`, `{"columns":{"sizes":"1:2","hidden":"2:5"},"rows":{"sizes":"1:2"}}`, `{"columns":{"sizes":"1:2","hidden":"0:5 4"},"rows":{"sizes":"1:2"}}`,
		`{"columns":{"sizes":"99999999999:2"},"rows":{"sizes":"1:2"}}`,
	} {
		if g, err := ParseGeometry([]byte(bad)); err == nil {
			t.Errorf("%s: %+v", bad, g)
		}
	}
}

// Edges by runs are those that are found by adding up column after column.
func TestEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 60).Draw(t, "columns")
		twips := rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 14, 15, 300, 963, 1443}), size, size).Draw(t, "twips")
		hidden := rapid.SliceOfN(rapid.Bool(), size, size).Draw(t, "hidden")
		zoom := Zoom(rapid.IntRange(int(ZoomMin), int(ZoomMax)).Draw(t, "zoom"))
		first := rapid.IntRange(0, size+2).Draw(t, "first")
		last := first + rapid.IntRange(0, size).Draw(t, "more")

		sizes, flags := "", ""
		for i := range size {
			if i+1 == size || twips[i] != twips[i+1] {
				sizes += fmt.Sprintf("%d:%d ", twips[i], i)
			}
			if i+1 == size || hidden[i] != hidden[i+1] {
				if flags == "" {
					flags = map[bool]string{false: "0:", true: "1:"}[hidden[i]]
				}
				flags += fmt.Sprintf("%d ", i)
			}
		}
		g, err := ParseGeometry(fmt.Appendf(nil, `{"columns":{"sizes":%q,"hidden":%q},"rows":{"sizes":"300:9","hidden":"0:9"}}`, sizes, flags))
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		at := 0
		for i := range last + 1 {
			if i >= first {
				want = append(want, at)
			}
			if i < size && !hidden[i] {
				at += zoom.pixels(twips[i])
			}
		}
		want = append(want, at)
		if got := g.Cols.Edges(first, last, zoom); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// A step of pixels is a whole number of twips, in which the zoom is exact, and none is shorter.
func TestStep(t *testing.T) {
	for z := ZoomMin; z <= ZoomMax; z++ {
		step := z.Step()
		if 1500*step%int(z) != 0 || z.twips(3*step)*int(z) != 1500*3*step {
			t.Errorf("zoom %d: a step of %d pixels", z, step)
		}
		for n := 1; n < step; n++ {
			if 1500*n%int(z) == 0 {
				t.Errorf("zoom %d: %d pixels would do, and the step is %d", z, n, step)
			}
		}
	}
}

func FuzzParseGeometry(f *testing.F) {
	f.Add(`{"columns":{"sizes":"1776:0 1443:5","hidden":"0:1 3"},"rows":{"sizes":"300:9","hidden":"0:9"}}`, 3, 4)
	f.Fuzz(func(t *testing.T, text string, first, more int) {
		g, err := ParseGeometry([]byte(text))
		if err != nil || first < 0 || first > 1<<20 || more < 0 || more > 1000 {
			return
		}
		if e := g.Cols.Edges(first, first+more, 100); len(e) != more+2 || !slices.IsSorted(e) {
			t.Errorf("%s: %v", strings.TrimSpace(text), e)
		}
	})
}
