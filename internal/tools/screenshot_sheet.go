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
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/office/frame"
	"gridflow/internal/office/job"
	"gridflow/internal/principal"
)

type screenshotSheetIn struct {
	Book
	Sheet     string  `json:"sheet_name" required:"true" doc:"A hidden one too"`
	Range     string  `json:"range" default:"A1:M40"`
	Scale     float64 `json:"scale" default:"1" min:"0.25" max:"4" doc:"2 is twice as large"`
	Headings  bool    `json:"headings" default:"true" doc:"Column letters and row numbers"`
	Gridlines *bool   `json:"gridlines" doc:"As the sheet shows them unless given"`
	Tiles     bool    `json:"tiles" default:"false" doc:"A range that is too large for one picture comes as several"`
	Offset    int     `json:"offset" default:"0" min:"0" doc:"With tiles: which to begin with"`
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
}, func(ctx context.Context, env *Env, in screenshotSheetIn) (out any, err error) {
	begin := time.Now()
	in.Scale = math.Round(100*in.Scale) / 100 // as exact as workers draw
	if in.Offset > 0 && !in.Tiles {
		return nil, invalid("Give tiles too", "an offset is one of tiles")
	}
	err = env.document(ctx, in.Workbook, "screenshot_sheet needs", "layout_page shows a sheet as text", func(o *job.Office, d job.Document) error {
		s := &shot{env: env, in: &in, office: o, doc: d}
		if err := s.find(ctx); err != nil {
			return err
		}
		if in.Offset > 0 {
			out, err = s.drawTiles(ctx, begin)
			return err
		}
		p, err := s.draw(ctx, s.area)
		if e, ok := errors.AsType[*Error](err); ok && e.Code == job.CodeTooLarge && in.Tiles && s.tiling().len() > 1 {
			out, err = s.drawTiles(ctx, begin)
			return err
		}
		if err == nil {
			p.Millis = time.Since(begin).Milliseconds()
			out = p
		}
		return err
	})
	return out, err
})

// A shot is a call of screenshot_sheet, with what it is of.
type shot struct {
	env    *Env
	in     *screenshotSheetIn
	office *job.Office
	doc    job.Document

	index        int // of the sheet
	sheet        string
	area         cell.Range
	measure      measure
	side, pixels int // that cells may have in a picture
}

// find looks what is to be drawn.
func (s *shot) find(ctx context.Context) (err error) {
	snap := s.doc.Snapshot
	if s.index, err = worksheetNamed(snap, s.in.Sheet); err != nil {
		return err
	}
	s.sheet = snap.Workbook().Sheets[s.index].Name
	at, err := oneArea(ctx, snap, s.index, s.in.Range)
	if err != nil {
		return err
	}
	if at.sheet != s.index {
		return fail(codeRangeInvalid, "Give a range of the sheet, or the sheet of the range", "%q is not on the sheet %s", clip(s.in.Range, 64), plain(s.sheet))
	}
	sheet, err := snap.Sheet(ctx, s.index)
	if err != nil {
		return err
	}
	s.area, s.measure = drawable(sheet, at.rng), measureOf(sheet.Layout, s.in.Scale)
	s.side, s.pixels = pictureSideMax, picturePixelsMax
	if s.in.Headings {
		s.side -= frame.Margin(s.in.Scale)
		s.pixels -= 2 * pictureSideMax * frame.Margin(s.in.Scale) // at most
	}
	if s.measure.width(s.area) == 0 || s.measure.height(s.area) == 0 {
		return fail(job.CodeRender, "Give a range with visible rows and columns", "all rows or all columns of %s are hidden, so that there is nothing to see", rangeOf(s.sheet, s.area))
	}
	return nil
}

// draw makes one picture of an area.
func (s *shot) draw(ctx context.Context, area cell.Range) (*screenshotSheetOut, error) {
	// By how much our idea of widths may be wrong: LibreOffice has the last word.
	const doubt = 2
	if w, h := s.measure.width(area), s.measure.height(area); w > doubt*float64(s.side) || h > doubt*float64(s.side) || w*h > doubt*float64(s.pixels) {
		return nil, s.tooLarge(area)
	}
	p, err := s.office.Paint(ctx, s.doc, s.index, area, job.PaintOptions{Scale: s.in.Scale, Gridlines: s.in.Gridlines, MaxSide: s.side, MaxPixels: s.pixels})
	var theirs *job.Error
	if errors.As(err, &theirs) && theirs.Code == job.CodeTooLarge {
		return nil, s.tooLarge(area)
	}
	if err != nil {
		return nil, err
	}
	img := p.Image
	if s.in.Headings {
		if img, err = frame.Headings(img, p.Cols, p.Rows, area.First, s.in.Scale); err != nil {
			return nil, err
		}
	}
	out := &screenshotSheetOut{WorkbookID: s.doc.Snapshot.ID, Sheet: s.sheet, Range: area.String()}
	return out, out.keep(ctx, s.env, img)
}

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
	name := PicturesOf(ctx) + hex.EncodeToString(sum[:16]) + ".png"
	f, err := env.Pictures.Put(ctx, name, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
	if err != nil {
		return fail("STATE_UNWRITABLE", "The operator should look at the disk that holds the state folder", "the picture could not be kept: %v", err)
	}
	f.Close()
	o.Path = "file://" + env.Pictures.Path(name)
	o.ClientPath, o.URI = o.Path, PictureScheme+name
	return nil
}

// PicturesOf begins the names of the pictures that were made for the principal of ctx, with the roots that he sees:
// nobody else is given them, nor he once he sees others. It is "" for the operator, who has them all.
func PicturesOf(ctx context.Context) string {
	p := principal.From(ctx)
	if p == nil {
		return ""
	}
	who := p.Name
	if p.Roots != nil {
		who += "\x00" + strings.Join(slices.Sorted(maps.Keys(p.Roots)), "\x00")
	}
	sum := sha256.Sum256([]byte(who))
	return hex.EncodeToString(sum[:8]) + "-"
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

func rangeOf(sheet string, r cell.Range) string { return cell.QuoteSheet(sheet) + "!" + r.String() }
