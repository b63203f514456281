package tools

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"strings"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/office/frame"
	"gridflow/internal/office/job"
)

type screenshotSheetIn struct {
	Book
	Sheet     string  `json:"sheet_name" required:"true" doc:"A hidden one too"`
	Range     string  `json:"range" default:"A1:M40"`
	Scale     float64 `json:"scale" default:"1" min:"0.25" max:"4" doc:"2 is twice as large"`
	Headings  bool    `json:"headings" default:"true" doc:"Column letters and row numbers"`
	Gridlines *bool   `json:"gridlines" doc:"As the sheet shows them unless given"`
}

type screenshotSheetOut struct {
	WorkbookID string `json:"workbook_id"`
	Sheet      string `json:"sheet_name"`
	Range      string `json:"range"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Path       string `json:"output_path,omitempty"`
	ClientPath string `json:"client_output_path,omitempty"`
	Bytes      int64  `json:"size_bytes"`
	Millis     int64  `json:"duration_ms"`
	URI        string `json:"resource_uri,omitempty"`

	png []byte // nil where it is too large to be sent
}

// The bounds of pictures: those of clients that look at them, in pixels and bytes.
const (
	pictureSideMax   = 4096
	picturePixelsMax = 12_000_000
	pictureBytesMax  = 4 << 20 // of one that is part of the answer
	tilesMax         = 50
)

// PictureScheme begins the URIs of pictures. No workbook has such a name: those that begin with
// a dot are hidden.
const PictureScheme = "gridflow://.pictures/"

var screenshotSheet = define(Spec{
	Name: "screenshot_sheet", Title: "Picture of a sheet", Toolset: "office", Reach: ReachSheet, Office: OfficeRender,
	Description: "A PNG of a range as a spreadsheet program shows it: formats, charts, pictures, conditional formats. Of a fork with its unsaved edits. Needs LibreOffice on the server. " +
		"For values read them (range_values): that is cheaper and exact.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Summary","range":"A1:H30"}`,
}, func(ctx context.Context, env *Env, in screenshotSheetIn) (*screenshotSheetOut, error) {
	begin := time.Now()
	in.Scale = math.Round(100*in.Scale) / 100 // as exact as workers draw
	var out *screenshotSheetOut
	err := env.document(ctx, in.Workbook, "screenshot_sheet needs", "layout_page shows a sheet as text", func(o *job.Office, d job.Document) error {
		index, err := worksheetNamed(d.Snapshot, in.Sheet)
		if err != nil {
			return err
		}
		name := d.Snapshot.Workbook().Sheets[index].Name
		at, err := oneArea(ctx, d.Snapshot, index, in.Range)
		if err != nil {
			return err
		}
		if at.sheet != index {
			return fail(codeRangeInvalid, "Give a range of the sheet, or the sheet of the range", "%q is not on the sheet %s", clip(in.Range, 64), plain(name))
		}
		sheet, err := d.Snapshot.Sheet(ctx, index)
		if err != nil {
			return err
		}
		area := drawable(sheet, at.rng)
		side, pixels := pictureSideMax, picturePixelsMax
		if in.Headings {
			side -= frame.Margin(in.Scale)
			pixels -= 2 * pictureSideMax * frame.Margin(in.Scale) // at most
		}
		m := measureOf(sheet.Layout, in.Scale)
		tooLarge := func() error { return m.tooLarge(&in, name, area, side, pixels) }
		// By how much our idea of widths may be wrong: LibreOffice has the last word.
		const doubt = 2
		if w, h := m.width(area), m.height(area); w > doubt*float64(side) || h > doubt*float64(side) || w*h > doubt*float64(pixels) {
			return tooLarge()
		}
		p, err := o.Paint(ctx, d, index, area, job.PaintOptions{Scale: in.Scale, Gridlines: in.Gridlines, MaxSide: side, MaxPixels: pixels})
		var theirs *job.Error
		if errors.As(err, &theirs) && theirs.Code == job.CodeTooLarge {
			return tooLarge()
		}
		if err != nil {
			return err
		}
		img := p.Image
		if in.Headings {
			if img, err = frame.Headings(img, p.Cols, p.Rows, area.First, in.Scale); err != nil {
				return err
			}
		}
		out = &screenshotSheetOut{WorkbookID: d.Snapshot.ID, Sheet: name, Range: area.String()}
		return out.keep(ctx, env, img)
	})
	if err != nil {
		return nil, err
	}
	out.Millis = time.Since(begin).Milliseconds()
	return out, nil
})

// keep encodes the picture and puts it where it can be had again.
func (o *screenshotSheetOut) keep(ctx context.Context, env *Env, img *image.NRGBA) error {
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img); err != nil {
		return err
	}
	o.Width, o.Height, o.Bytes = img.Bounds().Dx(), img.Bounds().Dy(), int64(b.Len())
	if b.Len() <= pictureBytesMax || env.Pictures == nil {
		o.png = b.Bytes()
	}
	if env.Pictures == nil {
		return nil
	}
	sum := sha256.Sum256(b.Bytes())
	name := hex.EncodeToString(sum[:16]) + ".png"
	f, err := env.Pictures.Put(ctx, name, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
	if err != nil {
		return fail("STATE_UNWRITABLE", "The operator should look at the disk that holds the state folder", "the picture could not be kept: %v", err)
	}
	f.Close()
	o.Path = "file://" + env.Pictures.Path(name)
	o.ClientPath, o.URI = o.Path, PictureScheme+name
	return nil
}

func (o *screenshotSheetOut) images() []Image {
	if o.png == nil {
		return nil
	}
	return []Image{{MIMEType: "image/png", Data: o.png}}
}

func (o *screenshotSheetOut) links() []ResourceLink {
	if o.URI == "" {
		return nil
	}
	return []ResourceLink{{URI: o.URI, Name: o.Sheet + " " + o.Range + ".png", MIMEType: "image/png"}}
}

func (o *screenshotSheetOut) appendText(b []byte, verbose bool) []byte {
	b = appendEscaped(b, cell.QuoteSheet(o.Sheet)+"!"+o.Range)
	b = fmt.Appendf(b, " of %s: a picture of %d x %d pixels, %d bytes", plain(o.WorkbookID), o.Width, o.Height, o.Bytes)
	if o.URI != "" {
		b = append(append(b, "; "...), o.URI...)
		if verbose {
			b = append(append(b, ", "...), o.Path...)
		}
	}
	b = append(b, '\n')
	if o.png == nil {
		b = append(b, "it is too large to be part of this answer: read the resource, or ask for less\n"...)
	}
	return b
}

// worksheetNamed is sheetNamed for what only sheets with cells have.
func worksheetNamed(snap *book.Snapshot, name string) (int, error) {
	i, err := sheetNamed(snap, name)
	if err != nil {
		return 0, err
	}
	info := &snap.Workbook().Sheets[i]
	switch {
	case info.Kind != grid.Worksheet:
		return 0, fail("NOT_A_WORKSHEET", "Give a sheet with cells", "%s", emptySheet(info))
	case info.Problem != "":
		return 0, fail("SHEET_UNREADABLE", "Give another sheet", "the sheet %s cannot be read: %s", plain(info.Name), info.Problem)
	}
	return i, nil
}

// drawable clips whole columns and rows to where the sheet has something.
func drawable(sheet *grid.Sheet, r cell.Range) cell.Range {
	used, _ := sheet.Used()
	if r.WholeColumns() {
		r.Last.Row = max(used.Last.Row, r.First.Row)
	}
	if r.WholeRows() {
		r.Last.Col = max(used.Last.Col, r.First.Col)
	}
	return r
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

// tiles gives ranges that are drawn one by one to see all of r: each fits, by a margin, unless
// it is a single cell.
func (m measure) tiles(r cell.Range, side, pixels int) (list []cell.Range, more int) {
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
	cols := runs(r.First.Col, r.Last.Col, m.col, most)
	widest := 1.0
	for _, c := range cols {
		widest = max(widest, m.width(cell.Range{First: cell.Ref{Col: c[0]}, Last: cell.Ref{Col: c[1]}}))
	}
	rows := runs(r.First.Row, r.Last.Row, m.row, min(most, float64(pixels)*margin/widest))
	for _, row := range rows {
		for _, col := range cols {
			if len(list) == tilesMax {
				return list, len(rows)*len(cols) - tilesMax
			}
			list = append(list, cell.Range{First: cell.Ref{Row: row[0], Col: col[0]}, Last: cell.Ref{Row: row[1], Col: col[1]}})
		}
	}
	return list, 0
}

// tooLarge says which ranges can be drawn instead.
func (m measure) tooLarge(in *screenshotSheetIn, sheet string, r cell.Range, side, pixels int) error {
	list, more := m.tiles(r, side, pixels)
	var names []string
	for _, t := range list {
		names = append(names, t.String())
	}
	again := *in
	again.Range = names[0]
	hint := fmt.Sprintf("Ask for one of these ranges at a time: %s", strings.Join(names, ", "))
	if more > 0 {
		hint += fmt.Sprintf(" and %d more", more)
	}
	hint += "; first: " + callText("screenshot_sheet", again)
	if len(list) == 1 {
		hint = "Give a smaller scale"
	}
	e := fail(job.CodeTooLarge, hint, "a picture of %s at scale %v would have more than %d pixels on a side or %d in all", rangeOf(sheet, r), in.Scale, pictureSideMax, picturePixelsMax)
	e.Details = map[string]any{"tiles": names}
	return e
}

func rangeOf(sheet string, r cell.Range) string { return cell.QuoteSheet(sheet) + "!" + r.String() }
