package write

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

// Options are what a workbook may have beyond its sheets. The zero value is fine.
type Options struct {
	// SharedStrings puts each text into the file once, in a part of its own, as Excel does.
	// That holds all texts in memory and takes longer; the file is smaller only where long
	// texts repeat far from each other, as compression finds those nearby.
	SharedStrings bool
	// Dates is the date system that the serials of date cells count in.
	Dates numfmt.DateSystem
}

// Writer writes a workbook. It is for one goroutine.
type Writer struct {
	ctx     context.Context
	options Options
	zip     *zipWriter
	styles  styles
	texts   *sharedStrings // nil where texts stand in the cells
	sheets  []string
	open    *Sheet
	err     error
	closed  bool
}

// New gives a Writer of a workbook to w. When ctx is done, it fails.
func New(ctx context.Context, w io.Writer, options Options) *Writer {
	x := &Writer{ctx: ctx, options: options, zip: newZipWriter(ctx, w), styles: newStyles()}
	if options.SharedStrings {
		x.texts = &sharedStrings{index: make(map[string]uint32)}
	}
	return x
}

func invalid(format string, args ...any) error {
	return &xlsx.Error{Code: xlsx.InvalidEdit, Offset: -1, Message: fmt.Sprintf(format, args...)}
}

// errClosed is what a writer gives after Close, and a sheet after the next one has begun.
var errClosed = errors.New("write: it is closed")

// Style gives the style of cells with a number format, the same for the same code.
func (x *Writer) Style(code string) (Style, error) {
	if err := numfmt.Compile(code).Err(); err != nil {
		return 0, invalid("the number format %.64q is not valid: %v", code, err)
	}
	return x.styles.of(code)
}

// Sheet begins a sheet; the one before it is complete. The name must be one that Excel takes.
func (x *Writer) Sheet(name string) (*Sheet, error) {
	if err := x.fail(x.usable()); err != nil {
		return nil, err
	}
	if err := x.checkName(name); err != nil {
		return nil, err
	}
	if err := x.endSheet(); err != nil {
		return nil, err
	}
	x.sheets = append(x.sheets, name)
	part, err := x.zip.create(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(x.sheets)))
	if err != nil {
		return nil, x.fail(err)
	}
	x.open = &Sheet{x: x, out: bufio.NewWriterSize(part, 64<<10), row: -1, name: name}
	x.open.out.WriteString(xmlHead + `<worksheet xmlns="` + mainNS + `"><sheetData>`)
	return x.open, nil
}

func (x *Writer) usable() error {
	if x.closed {
		return cmp.Or(x.err, errClosed)
	}
	return x.err
}

func (x *Writer) fail(err error) error {
	if x.err == nil {
		x.err = err
	}
	return err
}

// maxSheets is far more than any program opens, and bounds the parts that come last.
const maxSheets = 1 << 14

// checkName refuses what Excel refuses as the name of a sheet.
func (x *Writer) checkName(name string) error {
	n := len(utf16.Encode([]rune(name)))
	switch {
	case len(x.sheets) >= maxSheets:
		return invalid("there are %d sheets already, which is the most there can be", maxSheets)
	case n == 0 || n > 31:
		return invalid("a sheet's name must have 1 to 31 characters, %.64q has %d", name, n)
	case !utf8.ValidString(name) || strings.ContainsAny(name, `[]:*?/\`) || strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0xFFFE || c == 0xFFFF }):
		return invalid(`the sheet's name %q must not contain any of [ ] : * ? / \ and control characters`, name)
	case name[0] == '\'' || name[len(name)-1] == '\'':
		return invalid("the sheet's name %q must not begin or end with an apostrophe", name)
	case strings.EqualFold(name, "History"):
		return invalid("Excel keeps the name %q for itself", name)
	}
	for _, other := range x.sheets {
		if strings.EqualFold(other, name) {
			return invalid("there is a sheet %q already, and case does not tell %q from it", other, name)
		}
	}
	return nil
}

// Cell is one cell of a row.
type Cell struct {
	Col        int
	Style      Style
	Value      cell.Value
	Formula    string // without "="
	HasFormula bool
	HasValue   bool // of a formula: its value is known
}

// Sheet is a sheet being written. It is for the goroutine of its Writer.
type Sheet struct {
	x       *Writer
	out     *bufio.Writer
	name    string
	row     int
	columns [][]byte // letters of the columns seen so far
	number  []byte   // of the row
	buf     []byte
}

// WriteRow writes the cells of a row, which must lie below the one before; their columns must
// ascend. If a cell is refused nothing of the row is written.
func (s *Sheet) WriteRow(row int, cells []Cell) error {
	x := s.x
	if err := x.usable(); err != nil {
		return err
	}
	if x.open != s {
		return errClosed
	}
	if row <= s.row || row >= cell.MaxRows {
		return invalid("sheet %q: row %d cannot follow row %d (counted from 0)", s.name, row, s.row)
	}
	s.number = appendInt(s.number[:0], row+1)
	b := append(s.buf[:0], `<row r="`...)
	b = append(b, s.number...)
	b = append(b, `">`...)
	last := -1
	for i := range cells {
		c := &cells[i]
		if c.Col <= last || c.Col >= cell.MaxCols {
			return invalid("sheet %q: in row %d column %d cannot follow column %d (counted from 0)", s.name, row, c.Col, last)
		}
		last = c.Col
		var err error
		if b, err = s.cell(b, row, c); err != nil {
			return err
		}
	}
	b = append(b, "</row>"...)
	s.buf, s.row = b, row
	_, err := s.out.Write(b)
	return x.fail(err)
}

func (s *Sheet) cell(b []byte, row int, c *Cell) ([]byte, error) {
	if int(c.Style) >= s.x.styles.len() {
		return nil, invalid("cell %v: there is no style %d", cell.Ref{Row: row, Col: c.Col}, c.Style)
	}
	if err := emit.Check(c.Value); err != nil {
		return nil, invalid("cell %v: %v", cell.Ref{Row: row, Col: c.Col}, err)
	}
	for len(s.columns) <= c.Col {
		s.columns = append(s.columns, cell.AppendColumn(nil, len(s.columns)))
	}
	b = append(b, `<c r="`...)
	b = append(b, s.columns[c.Col]...)
	b = append(b, s.number...)
	b = append(b, '"')
	if c.Style != 0 {
		b = append(b, ` s="`...)
		b = appendInt(b, int(c.Style))
		b = append(b, '"')
	}
	if c.HasFormula {
		if err := emit.CheckFormula(c.Formula); err != nil {
			return nil, invalid("cell %v: %v", cell.Ref{Row: row, Col: c.Col}, err)
		}
		v := c.Value
		if !c.HasValue {
			v = cell.Value{}
		}
		b = appendType(b, emit.Type(v, true))
		b = append(b, "><f>"...)
		b = emit.AppendText(b, c.Formula)
		b = append(b, "</f>"...)
		b = emit.AppendValue(b, "", v, true)
		return append(b, "</c>"...), nil
	}
	if t := s.x.texts; t != nil && c.Value.Kind() == cell.Text {
		i, err := t.add(c.Value.Text())
		if err != nil {
			return nil, err
		}
		b = append(b, ` t="s"><v>`...)
		b = appendInt(b, int(i))
		return append(b, "</v></c>"...), nil
	}
	if c.Value.IsBlank() {
		return append(b, "/>"...), nil
	}
	b = appendType(b, emit.Type(c.Value, false))
	b = append(b, '>')
	b = emit.AppendValue(b, "", c.Value, false)
	return append(b, "</c>"...), nil
}

func appendType(b []byte, t string) []byte {
	if t == "" {
		return b
	}
	b = append(b, ` t="`...)
	b = append(b, t...)
	return append(b, '"')
}

func (x *Writer) endSheet() error {
	s := x.open
	if s == nil {
		return nil
	}
	x.open = nil
	s.out.WriteString("</sheetData></worksheet>")
	if err := s.out.Flush(); err != nil {
		return x.fail(err)
	}
	return x.fail(x.zip.end())
}

// Close completes the workbook. It also ends what runs in the background, and so is to be
// called whatever has happened; w stays open.
func (x *Writer) Close() error {
	if x.closed {
		return x.err
	}
	defer x.zip.stop()
	if x.err == nil && len(x.sheets) == 0 {
		x.fail(invalid("a workbook must have a sheet"))
	}
	if x.err == nil {
		x.fail(x.endSheet())
	}
	if x.err == nil {
		x.fail(x.rest())
	}
	x.closed = true
	return x.err
}
