package worker

import (
	"io"

	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
)

// A rectangle is a range as the edges of its columns and rows, in pixels of the sheet.
type rectangle struct{ cols, rows []int }

func (a rectangle) width() int  { return a.cols[len(a.cols)-1] - a.cols[0] }
func (a rectangle) height() int { return a.rows[len(a.rows)-1] - a.rows[0] }

// A picture is painted in bands of whole rows of pixels, and a band in tiles. So there is no
// more than a band in memory, and no tile is wider than what LibreOffice's canvas can be, which
// is 32767. Tiles begin and end at multiples of the zoom's step, because only those are whole
// numbers of twips; what they have more than the rectangle is cut off.
const (
	tileWidth   = 8000      // in pixels, before it is rounded up to the step
	bandPixels  = 4_000_000 // about
	bandsLowest = 16        // rows of pixels
)

// paint writes the pixels of the rectangle to out, row by row.
func (a rectangle) paint(d *lok.Document, zoom lok.Zoom, out io.Writer) error {
	step := zoom.Step()
	left, right := a.cols[0], a.cols[len(a.cols)-1]
	top, bottom := a.rows[0], a.rows[len(a.rows)-1]
	high := roundUp(max(bandPixels/a.width(), bandsLowest), step)
	wide := roundUp(tileWidth, step)

	var tile []byte
	band := make([]byte, 4*a.width()*min(high, a.height()+step))
	for y := top - top%step; y < bottom; y += high {
		h := min(high, roundUp(bottom-y, step))
		first, last := max(y, top), min(y+h, bottom) // the rows of pixels that are wanted
		for x := left - left%step; x < right; x += wide {
			w := min(wide, roundUp(right-x, step))
			if need := 4 * w * h; cap(tile) < need {
				tile = make([]byte, need)
			} else {
				tile = tile[:need]
			}
			for i := range tile { // white, where LibreOffice leaves anything as it is
				tile[i] = 255
			}
			if err := d.Paint(lok.Tile{X: x, Y: y, Width: w, Height: h}, zoom, tile); err != nil {
				return err
			}
			from, to := max(x, left), min(x+w, right)
			for row := first; row < last; row++ {
				copy(band[4*((row-first)*a.width()+from-left):], tile[4*((row-y)*w+from-x):4*((row-y)*w+to-x)])
			}
		}
		if _, err := out.Write(band[:4*a.width()*(last-first)]); err != nil {
			return &failure{wire.NotWritten, err}
		}
	}
	return nil
}

func roundUp(n, step int) int { return (n + step - 1) / step * step }
