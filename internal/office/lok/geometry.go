package lok

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// LibreOffice lays a sheet out on whole pixels: the width of a column in twips (1/1440 inch) is
// scaled and cut to a whole number of pixels, column by column, and at least one where it is not
// hidden. To sum up twips and scale the sum is to be off by half a column at column 100. So the
// edges are found here as LibreOffice finds them, in the same floating-point operations.

// A Geometry is the widths of all columns and the heights of all rows of a sheet.
type Geometry struct {
	Cols, Rows Axis
}

// An Axis is the sizes of columns or rows, as runs of equal ones.
type Axis struct {
	runs []run // ordered by last
}

// A run is the columns or rows after those of the run before it, up to last.
type run struct {
	last  int
	twips int // 0 is hidden
}

// ParseGeometry reads what LibreOffice answers to .uno:SheetGeometryData, with sizes and hidden.
func ParseGeometry(text []byte) (*Geometry, error) {
	type axis struct{ Sizes, Hidden string }
	var raw struct{ Columns, Rows axis }
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, &Error{Op: "geometry", Message: fmt.Sprintf("%.100q: %v", text, err)}
	}
	var g Geometry
	for _, a := range []struct {
		axis
		to *Axis
	}{{raw.Columns, &g.Cols}, {raw.Rows, &g.Rows}} {
		sizes, err := parseSizes(a.Sizes)
		if err != nil {
			return nil, err
		}
		hidden, err := parseHidden(a.Hidden)
		if err != nil {
			return nil, err
		}
		a.to.runs = mask(sizes, hidden)
	}
	return &g, nil
}

// parseSizes reads "1776:0 1443:5": a size in twips and the last column that has it.
func parseSizes(text string) ([]run, error) {
	var runs []run
	for _, field := range strings.Fields(text) {
		size, last, ok := strings.Cut(field, ":")
		twips, err1 := strconv.Atoi(size)
		end, err2 := strconv.Atoi(last)
		if !ok || err1 != nil || err2 != nil || twips < 0 || twips > math.MaxInt32 || end < 0 || len(runs) > 0 && end <= runs[len(runs)-1].last {
			return nil, &Error{Op: "geometry", Message: fmt.Sprintf("the size %.40q makes no sense", field)}
		}
		runs = append(runs, run{end, twips})
	}
	if len(runs) == 0 {
		return nil, &Error{Op: "geometry", Message: "there are no sizes"}
	}
	return runs, nil
}

// parseHidden reads "0:303 304 1048575": whether the first run is hidden, and its last column;
// then the last columns of the runs that follow, each the contrary of the one before. The runs
// have 0 where they are hidden, else 1.
func parseHidden(text string) ([]run, error) {
	var runs []run
	shown := 1
	for i, field := range strings.Fields(text) {
		last := field
		if i == 0 {
			first, rest, ok := strings.Cut(field, ":")
			if !ok || first != "0" && first != "1" {
				return nil, &Error{Op: "geometry", Message: fmt.Sprintf("%.40q does not say whether it is hidden", field)}
			}
			if first == "1" {
				shown = 0
			}
			last = rest
		} else {
			shown = 1 - shown
		}
		end, err := strconv.Atoi(last)
		if err != nil || end < 0 || len(runs) > 0 && end <= runs[len(runs)-1].last {
			return nil, &Error{Op: "geometry", Message: fmt.Sprintf("the hidden run %.40q makes no sense", field)}
		}
		runs = append(runs, run{end, shown})
	}
	return runs, nil
}

// mask gives the sizes with 0 where they are hidden.
func mask(sizes, hidden []run) []run {
	var out []run
	for _, s := range sizes {
		for len(hidden) > 0 && hidden[0].last < s.last {
			out = append(out, run{hidden[0].last, s.twips * hidden[0].twips})
			hidden = hidden[1:]
		}
		if len(hidden) > 0 && hidden[0].twips == 0 {
			s.twips = 0
		}
		out = append(out, s)
	}
	return out
}

// Edges gives the pixels of the edges of the columns or rows from first to last, both within,
// counted from the edge of the sheet: one more than there are columns, never falling.
func (a Axis) Edges(first, last int, z Zoom) []int {
	at := 0 // pixels before next
	next := 0
	i := sort.Search(len(a.runs), func(i int) bool { return a.runs[i].last >= first })
	for _, r := range a.runs[:i] {
		at += (r.last + 1 - next) * z.pixels(r.twips)
		next = r.last + 1
	}
	edges := make([]int, 0, last-first+2)
	for _, r := range a.runs[i:] {
		size := z.pixels(r.twips)
		if next < first {
			at += (first - next) * size
			next = first
		}
		for ; next <= min(r.last, last); next++ {
			edges = append(edges, at)
			at += size
		}
	}
	for next = max(next, first); next <= last; next++ { // beyond what LibreOffice knows of
		edges = append(edges, at)
	}
	return append(edges, at)
}

// A Zoom is a scale in hundredths: at 100 a pixel is 1/96 inch. Hundredths, because the scale
// that LibreOffice paints with is the quotient of the pixels and twips of a tile, and must come
// out the same for every tile.
type Zoom int

// What LibreOffice can be zoomed to.
const (
	ZoomMin Zoom = 20
	ZoomMax Zoom = 400
)

const (
	twipsPerInch  = 1440
	pixelsPerInch = 96
)

// pixels gives what becomes of a width. The order of the operations is LibreOffice's.
func (z Zoom) pixels(twips int) int {
	if twips == 0 {
		return 0
	}
	perTwip := float64(pixelsPerInch) / float64(twipsPerInch) * (float64(z) / 100)
	return max(1, int(float64(twips)*perTwip))
}

// Step is the fewest pixels that are a whole number of twips.
func (z Zoom) Step() int {
	a, b := int(z), twipsPerInch/pixelsPerInch*100
	for b != 0 {
		a, b = b, a%b
	}
	return int(z) / a
}

// twips gives the twips of pixels, which must be a multiple of the step.
func (z Zoom) twips(pixels int) int {
	return pixels * (twipsPerInch / pixelsPerInch * 100) / int(z)
}
