// Package frame draws the headings of a sheet, column letters and row numbers, around a picture
// of its cells. LibreOffice paints cells only.
//
// The one invariant: not a pixel of the cells is changed; the picture grows by the headings.
//
// Start reading at [Headings].
package frame

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"gridflow/internal/cell"
)

// The colours of headings, which are those that spreadsheet programs have: text on grey.
var (
	Ground = color.NRGBA{0xf0, 0xf0, 0xf0, 0xff}
	Line   = color.NRGBA{0xbf, 0xbf, 0xbf, 0xff}
	Ink    = color.NRGBA{0x33, 0x33, 0x33, 0xff}
)

// The sizes of headings in 1/96 inch.
const (
	height   = 20
	textSize = 11
	padding  = 6
)

// Margin is the most that headings add to each side of a picture at a scale, in pixels.
func Margin(scale float64) int { return int(math.Ceil(80 * max(scale, 1))) }

// Headings gives a picture of cells with headings to the left and above. cols and rows are the
// edges of the columns and rows in it, in pixels, and first is the cell at its upper left corner.
// What has no width, since it is hidden, has no heading.
func Headings(cells *image.NRGBA, cols, rows []int, first cell.Ref, scale float64) (*image.NRGBA, error) {
	parsed, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: textSize * scale, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	defer face.Close()
	scaled := func(n float64) int { return max(int(math.Round(n*scale)), 1) }

	top := scaled(height)
	left := font.MeasureString(face, strconv.Itoa(first.Row+len(rows)-1)).Ceil() + 2*scaled(padding)
	size := cells.Bounds().Size()
	out := image.NewNRGBA(image.Rect(0, 0, left+size.X, top+size.Y))
	draw.Draw(out, out.Bounds(), image.NewUniform(Ground), image.Point{}, draw.Src)
	draw.Draw(out, image.Rect(left, top, left+size.X, top+size.Y), cells, cells.Bounds().Min, draw.Src)

	line := func(r image.Rectangle) { draw.Draw(out, r, image.NewUniform(Line), image.Point{}, draw.Src) }
	label := func(r image.Rectangle, text string) {
		width := font.MeasureString(face, text)
		m := face.Metrics()
		x := fixed.I(r.Min.X) + (fixed.I(r.Dx())-width)/2
		y := fixed.I(r.Min.Y) + (fixed.I(r.Dy())-m.Ascent-m.Descent)/2 + m.Ascent
		// Where it is wider than its column it is cut, evenly on both sides.
		d := font.Drawer{Dst: out.SubImage(r).(*image.NRGBA), Src: image.NewUniform(Ink), Face: face, Dot: fixed.Point26_6{X: x, Y: fixed.I(y.Round())}}
		d.DrawString(text)
	}
	for i := range len(cols) - 1 {
		if r := image.Rect(left+cols[i], 0, left+cols[i+1], top); !r.Empty() {
			label(image.Rect(r.Min.X, 0, r.Max.X-1, top-1), cell.ColumnName(first.Col+i))
			line(image.Rect(r.Max.X-1, 0, r.Max.X, top))
		}
	}
	for i := range len(rows) - 1 {
		if r := image.Rect(0, top+rows[i], left, top+rows[i+1]); !r.Empty() {
			label(image.Rect(0, r.Min.Y, left-1, r.Max.Y-1), strconv.Itoa(first.Row+i+1))
			line(image.Rect(0, r.Max.Y-1, left, r.Max.Y))
		}
	}
	line(image.Rect(left-1, 0, left, out.Bounds().Dy()))
	line(image.Rect(0, top-1, out.Bounds().Dx(), top))
	return out, nil
}
