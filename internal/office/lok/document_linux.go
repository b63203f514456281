//go:build (amd64 || arm64) && !nooffice

package lok

import (
	"encoding/json"
	"fmt"
	"math"
	"unsafe"
)

// The functions of a document that are used. paintPartTile (33) would save a call, but its
// arguments are others in 25.2 than in 7.4.
const (
	docDestroy       slot = 1
	docSaveAs        slot = 2
	docType          slot = 3
	docParts         slot = 4
	docSetPart       slot = 7
	docPartName      slot = 8
	docPaintTile     slot = 10
	docTileMode      slot = 11
	docInitRendering slot = 13
	docCommandValues slot = 23
	docPartInfo      slot = 42
)

// A Document is one that LibreOffice has loaded. It must be closed.
type Document struct {
	office *Office
	o      object
	// rendering says that the document has been made ready to be looked at.
	rendering bool
}

// Close gives the document's memory back. The document is not to be used after it.
func (d *Document) Close() error {
	_, err := d.o.call(docDestroy)
	d.o = 0
	return err
}

// Spreadsheet reports whether the document is a workbook, and not a text or a drawing.
func (d *Document) Spreadsheet() (bool, error) {
	const spreadsheet = 1
	r, err := d.o.call(docType)
	return int32(r) == spreadsheet, err
}

// Save writes the document to path, in a format that is named by its extension, with options
// for the format's export filter, if it has any.
func (d *Document) Save(path, format, options string) error {
	r, err := d.o.call(docSaveAs, uintptr(unsafe.Pointer(cString(fileURL(path)))), uintptr(unsafe.Pointer(cString(format))), uintptr(unsafe.Pointer(cStringOrNil(options))))
	switch {
	case err != nil:
		return err
	case int32(r) == 0:
		return d.office.failed("save")
	}
	return nil
}

// Sheets gives the names of all sheets in the order of the workbook, hidden ones too.
func (d *Document) Sheets() ([]string, error) {
	n, err := d.o.call(docParts)
	if err != nil {
		return nil, err
	}
	names := make([]string, max(int32(n), 0))
	for i := range names {
		if names[i], err = d.office.text(d.o, docPartName, uintptr(i)); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// Hidden reports whether a sheet is hidden. To look at such a sheet is to be shown another.
func (d *Document) Hidden(sheet int) (bool, error) {
	text, err := d.office.text(d.o, docPartInfo, uintptr(sheet))
	if err != nil {
		return false, err
	}
	var info struct{ Visible json.RawMessage }
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return false, &Error{Op: "part info", Message: fmt.Sprintf("%.100q: %v", text, err)}
	}
	switch string(info.Visible) {
	case `"1"`, "1", "true":
		return false, nil
	case `"0"`, "0", "false":
		return true, nil
	}
	return false, &Error{Op: "part info", Message: fmt.Sprintf("%.100q does not say whether the sheet is visible", text)}
}

// Show makes a sheet the one that [Document.Geometry] and [Document.Paint] mean.
func (d *Document) Show(sheet int) error {
	if !d.rendering {
		if _, err := d.o.call(docInitRendering, uintptr(unsafe.Pointer(cString("{}")))); err != nil {
			return err
		}
		d.rendering = true
	}
	_, err := d.o.call(docSetPart, uintptr(sheet))
	return err
}

// Geometry gives the widths and heights of the sheet that is shown.
func (d *Document) Geometry() (*Geometry, error) {
	const command = ".uno:SheetGeometryData?columns=true&rows=true&sizes=true&hidden=true"
	text, err := d.office.text(d.o, docCommandValues, uintptr(unsafe.Pointer(cString(command))))
	if err != nil {
		return nil, err
	}
	return ParseGeometry([]byte(text))
}

// A Tile is a rectangle of pixels on a sheet that is shown at a zoom, from its upper left
// corner. Its position and size are multiples of the zoom's [Zoom.Step].
type Tile struct{ X, Y, Width, Height int }

// Paint draws a tile of the sheet that is shown into pixels: rows from the top, four bytes for
// each pixel (red, green, blue, alpha), alpha 255 throughout.
func (d *Document) Paint(t Tile, z Zoom, pixels []byte) error {
	if t.X < 0 || t.Y < 0 || t.Width <= 0 || t.Height <= 0 || len(pixels) != 4*t.Width*t.Height {
		return &Error{Op: "paint", Message: fmt.Sprintf("a tile %+v and %d bytes for it", t, len(pixels))}
	}
	x, y := z.twips(t.X), z.twips(t.Y)
	if x > math.MaxInt32 || y > math.MaxInt32 {
		return &Error{Op: "paint", Message: "so far out on a sheet nothing can be painted"}
	}
	mode, err := d.o.call(docTileMode)
	if err != nil {
		return err
	}
	if _, err := d.o.call(docPaintTile, uintptr(unsafe.Pointer(&pixels[0])), uintptr(t.Width), uintptr(t.Height),
		uintptr(x), uintptr(y), uintptr(z.twips(t.Width)), uintptr(z.twips(t.Height))); err != nil {
		return err
	}
	const bgra = 1
	for p := pixels; len(p) >= 4; p = p[4:] {
		if int32(mode) == bgra {
			p[0], p[2] = p[2], p[0]
		}
		p[3] = 255
	}
	return nil
}
