package tools

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/office/job"
)

// screenshotTilesOut is what screenshot_sheet gives of a range that is too large for one picture.
type screenshotTilesOut struct {
	Cut
	WorkbookID string        `json:"workbook_id"`
	Sheet      string        `json:"sheet_name"`
	Range      string        `json:"range"`
	Count      int           `json:"tile_count"`
	Tiles      []pictureTile `json:"tiles"`
	NextOffset int           `json:"next_offset,omitempty"`
	Millis     int64         `json:"duration_ms"`

	pictures []*screenshotSheetOut
}

// pictureTile is one of the pictures.
type pictureTile struct {
	Range  string `json:"range"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Path   string `json:"output_path,omitempty"`
	Bytes  int64  `json:"size_bytes"`
	URI    string `json:"resource_uri,omitempty"`
}

// tilesAtOnce is how many pictures one call draws. Those that are part of the answer have together no
// more bytes than one may have that is; the others are links only.
const tilesAtOnce = 4

// tiling cuts the range that is asked for into tiles, the same ones in each call.
func (s *shot) tiling() tiling { return s.measure.tiling(s.area, s.side, s.pixels) }

// drawTiles draws the tiles from in.Offset on, as many as a call gives.
func (s *shot) drawTiles(ctx context.Context, begin time.Time) (*screenshotTilesOut, error) {
	t := s.tiling()
	out := &screenshotTilesOut{WorkbookID: s.doc.Snapshot.ID, Sheet: s.sheet, Range: s.area.String(), Count: t.len(), Tiles: []pictureTile{}}
	if s.in.Offset >= t.len() {
		return nil, fail(codeRangeInvalid, fmt.Sprintf("Give an offset from 0 to %d", t.len()-1), "%s has %d tiles, and none after %d", rangeOf(s.sheet, s.area), t.len(), s.in.Offset)
	}
	bytes := 0
	next := min(s.in.Offset+tilesAtOnce, t.len())
	for i := s.in.Offset; i < next; i++ {
		p, err := s.draw(ctx, t.at(i))
		if err != nil {
			return nil, err
		}
		if bytes+len(p.png) > pictureBytesMax && p.URI != "" {
			p.png = nil
		}
		bytes += len(p.png)
		out.Tiles = append(out.Tiles, pictureTile{p.Range, p.Width, p.Height, p.Path, p.Bytes, p.URI})
		out.pictures = append(out.pictures, p)
	}
	again := *s.in
	onward(&out.Cut, &out.NextOffset, portion{"tiles", len(out.Tiles), t.len(), false}, "screenshot_sheet", &again, &again.Offset)
	out.Millis = time.Since(begin).Milliseconds()
	return out, nil
}

func (o *screenshotTilesOut) images() (list []Image) {
	for _, p := range o.pictures {
		list = append(list, p.images()...)
	}
	return list
}

func (o *screenshotTilesOut) links() (list []ResourceLink) {
	for _, p := range o.pictures {
		list = append(list, p.links()...)
	}
	return list
}

func (o *screenshotTilesOut) appendText(b []byte, verbose bool) []byte {
	for _, p := range o.pictures {
		b = p.appendText(b, verbose)
	}
	return b
}

// tooLarge says which ranges can be drawn instead.
func (s *shot) tooLarge(r cell.Range) error {
	t := s.measure.tiling(r, s.side, s.pixels)
	var names []string
	for i := range min(t.len(), tilesMax) {
		names = append(names, t.at(i).String())
	}
	again, all := *s.in, *s.in
	again.Range, again.Tiles, again.Offset = names[0], false, 0
	all.Range, all.Tiles, all.Offset = r.String(), true, 0
	hint := fmt.Sprintf("Ask for several pictures: %s; or for one of these ranges at a time: %s", callText("screenshot_sheet", all), strings.Join(names, ", "))
	if more := t.len() - len(names); more > 0 {
		hint += fmt.Sprintf(" and %d more", more)
	}
	hint += "; first: " + callText("screenshot_sheet", again)
	if t.len() == 1 {
		hint = "Give a smaller scale"
	}
	e := fail(job.CodeTooLarge, hint, "a picture of %s at scale %v would have more than %d pixels on a side or %d in all", rangeOf(s.sheet, r), s.in.Scale, pictureSideMax, picturePixelsMax)
	e.Details = map[string]any{"tiles": names}
	return e
}

// measure estimates how large cells are drawn.
type measure struct {
	layout *grid.Layout
	scale  float64
}

func measureOf(l *grid.Layout, scale float64) measure { return measure{l, scale} }

// col is the width of a column in pixels: of its characters, each as wide as a digit of the
// standard font, 7 pixels, and 5 pixels of padding (ECMA-376 part 1, 18.3.1.13).
func (m measure) col(i int) float64 {
	chars := m.layout.DefaultColumnWidth
	if s, ok := m.layout.Column(i); ok {
		if s.Hidden {
			return 0
		}
		if s.Width > 0 {
			chars = s.Width
		}
	}
	if chars == 0 {
		return 64 * m.scale
	}
	return math.Floor(chars*7+5) * m.scale
}

// row is the height of a row in pixels, of which there are 4 for 3 points.
func (m measure) row(i int) float64 {
	points := m.layout.DefaultRowHeight
	if s, ok := m.layout.Row(i); ok {
		if s.Hidden {
			return 0
		}
		if s.Height > 0 {
			points = s.Height
		}
	}
	if points == 0 {
		points = 15
	}
	return points / 3 * 4 * m.scale
}

func (m measure) width(r cell.Range) (w float64) {
	for i := r.First.Col; i <= r.Last.Col; i++ {
		w += m.col(i)
	}
	return w
}

func (m measure) height(r cell.Range) (h float64) {
	for i := r.First.Row; i <= r.Last.Row; i++ {
		h += m.row(i)
	}
	return h
}

// A tiling is a range cut into tiles, row by row from the upper left one, each of which fits into a
// picture by a margin, unless it is a single cell.
type tiling struct{ cols, rows [][2]int }

// tiling cuts r into tiles of at most side pixels on a side and pixels in all.
func (m measure) tiling(r cell.Range, side, pixels int) tiling {
	const margin = 0.8
	most := float64(side) * margin
	runs := func(first, last int, size func(int) float64, most float64) (runs [][2]int) {
		begin, sum := first, 0.0
		for i := first; i <= last; i++ {
			if n := size(i); sum+n > most && i > begin {
				runs = append(runs, [2]int{begin, i - 1})
				begin, sum = i, n
			} else {
				sum += n
			}
		}
		return append(runs, [2]int{begin, last})
	}
	t := tiling{cols: runs(r.First.Col, r.Last.Col, m.col, most)}
	widest := 1.0
	for _, c := range t.cols {
		widest = max(widest, m.width(cell.Range{First: cell.Ref{Col: c[0]}, Last: cell.Ref{Col: c[1]}}))
	}
	t.rows = runs(r.First.Row, r.Last.Row, m.row, min(most, float64(pixels)*margin/widest))
	return t
}

func (t tiling) len() int { return len(t.cols) * len(t.rows) }

// at gives the tile i.
func (t tiling) at(i int) cell.Range {
	row, col := t.rows[i/len(t.cols)], t.cols[i%len(t.cols)]
	return cell.Range{First: cell.Ref{Row: row[0], Col: col[0]}, Last: cell.Ref{Row: row[1], Col: col[1]}}
}
