package fake

import (
	"image/color"
	"math"

	"gridflow/internal/office/wire"
)

// The size of every cell, in pixels at scale 1.
const (
	CellWidth  = 64
	CellHeight = 20
)

// Color is what a cell is painted in: another one for each of 32 sheets, 256 rows and 256
// columns.
func Color(sheet, row, col int) color.RGBA {
	return color.RGBA{R: uint8(col), G: uint8(row), B: uint8(8 * sheet), A: 255}
}

// Edges are those of n columns (or rows) from first that are size pixels wide at scale 1.
func Edges(n, size int, scale float64) []int {
	edges := make([]int, n+1)
	for i := range edges {
		edges[i] = i * max(1, int(math.Round(float64(size)*scale)))
	}
	return edges
}

// picture says how large a picture is.
func picture(g wire.Range, scale float64) *wire.Picture {
	if scale == 0 {
		scale = 1
	}
	p := &wire.Picture{
		Cols: Edges(g.LastCol-g.FirstCol+1, CellWidth, scale),
		Rows: Edges(g.LastRow-g.FirstRow+1, CellHeight, scale),
	}
	p.Width, p.Height = p.Cols[len(p.Cols)-1], p.Rows[len(p.Rows)-1]
	return p
}

// pixels are those of a picture.
func pixels(p *wire.Picture, sheet int, g wire.Range) []byte {
	out := make([]byte, 0, 4*p.Width*p.Height)
	for row := range len(p.Rows) - 1 {
		line := make([]byte, 0, 4*p.Width)
		for col := range len(p.Cols) - 1 {
			c := Color(sheet, g.FirstRow+row, g.FirstCol+col)
			for range p.Cols[col+1] - p.Cols[col] {
				line = append(line, c.R, c.G, c.B, c.A)
			}
		}
		for range p.Rows[row+1] - p.Rows[row] {
			out = append(out, line...)
		}
	}
	return out
}
