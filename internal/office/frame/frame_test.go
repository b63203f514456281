package frame

import (
	"image"
	"image/color"
	"testing"

	"gridflow/internal/cell"
)

// cellsOf is a picture in which each pixel tells where it is.
func cellsOf(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{byte(x), byte(y), byte(x >> 8), 255})
		}
	}
	return img
}

// inked tells how many pixels of a rectangle are neither ground nor line.
func inked(img *image.NRGBA, r image.Rectangle) (n int) {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if c := img.NRGBAAt(x, y); c != Ground && c != Line {
				n++
			}
		}
	}
	return n
}

// TestHeadings: the cells stay as they are to the pixel; each visible row and column has a
// heading beside it and over it, and one that is hidden has none.
func TestHeadings(t *testing.T) {
	for _, scale := range []float64{1, 1.5, 2} {
		px := func(n int) int { return int(float64(n) * scale) }
		cols, rows := []int{0, px(64), px(64), px(67), px(200)}, []int{0, px(20), px(20), px(60)}
		cells := cellsOf(px(200), px(60))
		img, err := Headings(cells, cols, rows, cell.Ref{Row: 98, Col: 25}, scale)
		if err != nil {
			t.Fatal(err)
		}
		left, top := img.Bounds().Dx()-px(200), img.Bounds().Dy()-px(60)
		if m := Margin(scale); left <= 0 || top <= 0 || left > m || top > m {
			t.Fatalf("scale %v: margins of %d and %d pixels, bound %d", scale, left, top, m)
		}
		for y := range px(60) {
			for x := range px(200) {
				if got, want := img.NRGBAAt(left+x, top+y), cells.NRGBAAt(x, y); got != want {
					t.Fatalf("scale %v: the pixel %d,%d of the cells is %v, was %v", scale, x, y, got, want)
				}
			}
		}
		for i := range 4 { // Z, AA hidden, AB too narrow for its name, AC
			r := image.Rect(left+cols[i], 0, left+cols[i+1]-1, top-1)
			if n := inked(img, r); (n > 5) != (i == 0 || i == 3) && i != 2 {
				t.Errorf("scale %v: column %d of the picture has %d pixels of text", scale, i, n)
			}
			if cols[i+1] > cols[i] && img.NRGBAAt(left+cols[i+1]-1, 1) != Line {
				t.Errorf("scale %v: no line ends the heading of column %d", scale, i)
			}
		}
		for i := range 3 { // 99, 100 hidden, 101
			r := image.Rect(0, top+rows[i], left-1, top+rows[i+1]-1)
			if n := inked(img, r); (n > 5) != (i != 1) {
				t.Errorf("scale %v: row %d of the picture has %d pixels of text", scale, i, n)
			}
		}
		if n := inked(img, image.Rect(0, 0, left, top)); n > 0 {
			t.Errorf("scale %v: %d pixels of text in the corner", scale, n)
		}
		if a, b := inked(img, image.Rect(left+cols[3]+1, 1, left+(cols[3]+cols[4])/2-px(20), top-1)), inked(img, image.Rect(left+(cols[3]+cols[4])/2+px(20), 1, left+cols[4]-1, top-1)); a+b > 0 {
			t.Errorf("scale %v: the name of a wide column is not in its middle", scale)
		}
	}
	if img, err := Headings(cellsOf(10, 10), []int{0, 10}, []int{0, 10}, cell.Ref{Row: cell.MaxRows - 1, Col: cell.MaxCols - 1}, 1); err != nil || img.Bounds().Dx()-10 > Margin(1) {
		t.Errorf("the last cell: %v, %v", img.Bounds(), err)
	}
}
