package genbook

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"gridflow/internal/cell"
)

// flushSize is how much XML a Writer gathers before it hands it to the
// deflater.
const flushSize = 64 << 10

// Writer writes the rows of one sheet. Rows come top to bottom and the cells of
// a row left to right; anything else is an error, which the Writer keeps and
// Book.Write returns, so that calls need no checks in between. Rows and columns
// count from 0.
type Writer struct {
	out   io.Writer
	book  *Book
	sheet int

	buf   []byte // XML not yet handed on
	cells []byte // cells of the open row
	row   int    // open row, -1 before the first
	col   int    // last column written in it, -1 before the first
	first int    // first column written in it
	opts  RowOptions
	err   error
}

// RowOptions are the settings of one row. Height is in points, 0 for the
// default; Level is the outline level, 0 for none.
type RowOptions struct {
	Height float64
	Hidden bool
	Style  StyleID
	Level  int
}

// Row ends the open row and starts another one.
func (w *Writer) Row(row int) { w.RowWith(row, RowOptions{}) }

// RowWith is Row with settings.
func (w *Writer) RowWith(row int, o RowOptions) {
	w.endRow()
	if row <= w.row || row >= cell.MaxRows {
		w.fail("row %d after row %d", row, w.row)
		return
	}
	w.row, w.col, w.opts = row, -1, o
	w.cells = w.cells[:0]
}

func (w *Writer) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

func (w *Writer) flush() {
	if w.err == nil {
		_, w.err = w.out.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

func (w *Writer) endRow() {
	if w.row < 0 {
		return
	}
	o := w.opts
	if w.col < 0 && o == (RowOptions{}) {
		return
	}
	b := append(w.buf, `<row r="`...)
	b = strconv.AppendInt(b, int64(w.row)+1, 10)
	if w.col >= 0 {
		b = append(b, `" spans="`...)
		b = strconv.AppendInt(b, int64(w.first)+1, 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(w.col)+1, 10)
	}
	b = append(b, '"')
	if o.Style != 0 {
		b = fmt.Appendf(b, ` s="%d" customFormat="1"`, o.Style)
	}
	if o.Height != 0 {
		b = fmt.Appendf(b, ` ht="%g"`, o.Height)
	}
	if o.Hidden {
		b = append(b, ` hidden="1"`...)
	}
	if o.Height != 0 {
		b = append(b, ` customHeight="1"`...)
	}
	if o.Level != 0 {
		b = fmt.Appendf(b, ` outlineLevel="%d"`, o.Level)
	}
	if w.col < 0 {
		b = append(b, "/>"...)
	} else {
		b = append(b, '>')
		b = append(b, w.cells...)
		b = append(b, "</row>"...)
	}
	w.buf = b
	w.opts, w.col = RowOptions{}, -1
	if len(w.buf) >= flushSize {
		w.flush()
	}
}

// open starts a cell: `<c r="B7" s="3"`, without the closing bracket.
func (w *Writer) open(col int, style StyleID) {
	if w.row < 0 || col <= w.col || col >= cell.MaxCols {
		w.fail("column %d after column %d in row %d", col, w.col, w.row)
		return
	}
	if w.col < 0 {
		w.first = col
	}
	w.col = col
	b := append(w.cells, `<c r="`...)
	b = cell.AppendColumn(b, col)
	b = strconv.AppendInt(b, int64(w.row)+1, 10)
	b = append(b, '"')
	if style != 0 {
		b = append(b, ` s="`...)
		b = strconv.AppendInt(b, int64(style), 10)
		b = append(b, '"')
	}
	w.cells = b
}

// Blank writes a cell that has a style and no value.
func (w *Writer) Blank(col int, style StyleID) {
	w.open(col, style)
	w.cells = append(w.cells, "/>"...)
}

// Int writes a whole number.
func (w *Writer) Int(col int, style StyleID, n int64) {
	w.open(col, style)
	b := append(w.cells, "><v>"...)
	b = strconv.AppendInt(b, n, 10)
	w.cells = append(b, "</v></c>"...)
}

// Number writes f in its shortest form that reads back equal.
func (w *Writer) Number(col int, style StyleID, f float64) {
	w.number(col, style, f, -1)
}

// Number17 writes f with 17 significant digits, trailing zeros cut: the way
// Excel spells the result of a calculation.
func (w *Writer) Number17(col int, style StyleID, f float64) {
	w.number(col, style, f, 17)
}

func (w *Writer) number(col int, style StyleID, f float64, digits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.fail("cell %v: %v is no spreadsheet number", cell.Ref{Row: w.row, Col: col}, f)
		return
	}
	w.open(col, style)
	b := append(w.cells, "><v>"...)
	b = appendNumber(b, f, digits)
	w.cells = append(b, "</v></c>"...)
}

// appendNumber spells f as Excel does in a file: no exponent for the numbers
// that people use, E+20 and E-7 (not e+20, e-07) for the others.
func appendNumber(b []byte, f float64, digits int) []byte {
	if a := math.Abs(f); a == 0 || a >= 1e-4 && a < 1e15 {
		if digits < 0 {
			return strconv.AppendFloat(b, f, 'f', -1, 64)
		}
		return strconv.AppendFloat(b, f, 'g', digits, 64)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'E', max(digits-1, -1), 64)
	mantissa, exponent, _ := strings.Cut(string(b[start:]), "E")
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	b = append(b[:start], mantissa...)
	b = append(b, 'E', exponent[0])
	return append(b, strings.TrimLeft(exponent[1:], "0")...)
}

// Date writes t as a date serial: whole days, and the time of day as their
// fraction. The zone of t is ignored.
func (w *Writer) Date(col int, style StyleID, t time.Time) {
	w.Number17(col, style, w.book.Serial(t))
}

// Serial is the date serial of t in the book's date system, its zone ignored.
// It is right from 1900-03-01 on; before that day Excel counts a 29 February
// 1900 that never was.
func (b *Book) Serial(t time.Time) float64 {
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if b.Date1904 {
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	return t.Sub(base).Seconds() / 86400
}

// Text writes s as a shared string.
func (w *Writer) Text(col int, style StyleID, s string) {
	w.open(col, style)
	b := append(w.cells, ` t="s"><v>`...)
	b = strconv.AppendInt(b, int64(w.book.strings.index(s)), 10)
	w.cells = append(b, "</v></c>"...)
}

// Inline writes s into the cell itself.
func (w *Writer) Inline(col int, style StyleID, s string) {
	w.open(col, style)
	b := append(w.cells, ` t="inlineStr"><is>`...)
	b = appendT(b, s)
	w.cells = append(b, "</is></c>"...)
}

// Bool writes a logical value.
func (w *Writer) Bool(col int, style StyleID, v bool) { w.Value(col, style, cell.BoolValue(v)) }

// Error writes an error value.
func (w *Writer) Error(col int, style StyleID, e cell.ErrorCode) {
	w.Value(col, style, cell.ErrorValue(e))
}

// Value writes v, texts as shared strings.
func (w *Writer) Value(col int, style StyleID, v cell.Value) {
	switch v.Kind() {
	case cell.Blank:
		w.Blank(col, style)
	case cell.Number:
		w.Number(col, style, v.Number())
	case cell.Text:
		w.Text(col, style, v.Text())
	default:
		w.open(col, style)
		w.cached(v, "")
	}
}

// Formula writes a formula, given without its equals sign, and the value that
// Excel would have cached for it.
func (w *Writer) Formula(col int, style StyleID, formula string, cached cell.Value) {
	w.formula(col, style, "<f>"+escape(formula)+"</f>", cached)
}

// SharedFormula writes the first cell of a group of formulas that differ only
// by their place. The others follow with Shared. group is unique in the sheet
// and ref holds all members.
func (w *Writer) SharedFormula(col int, style StyleID, group int, ref cell.Range, formula string, cached cell.Value) {
	w.formula(col, style, fmt.Sprintf(`<f t="shared" ref="%v" si="%d">%s</f>`, ref, group, escape(formula)), cached)
}

// Shared writes a further member of a group of shared formulas.
func (w *Writer) Shared(col int, style StyleID, group int, cached cell.Value) {
	w.formula(col, style, `<f t="shared" si="`+strconv.Itoa(group)+`"/>`, cached)
}

// ArrayFormula writes a formula of the older array kind, entered into ref.
func (w *Writer) ArrayFormula(col int, style StyleID, ref cell.Range, formula string, cached cell.Value) {
	w.formula(col, style, fmt.Sprintf(`<f t="array" ref="%v">%s</f>`, ref, escape(formula)), cached)
}

func (w *Writer) formula(col int, style StyleID, f string, cached cell.Value) {
	w.open(col, style)
	if w.book.CalcChain {
		w.book.chain = append(w.book.chain, chainEntry{w.sheet, cell.Ref{Row: w.row, Col: col}})
	}
	w.cached(cached, f)
}

// cached ends a cell with its type, an optional formula element and a value
// that is no shared string.
func (w *Writer) cached(v cell.Value, f string) {
	b := w.cells
	switch v.Kind() {
	case cell.Blank:
		w.cells = append(append(append(b, '>'), f...), "</c>"...)
		return
	case cell.Number:
		b = append(b, '>')
	case cell.Text:
		b = append(b, ` t="str">`...)
	case cell.Bool:
		b = append(b, ` t="b">`...)
	case cell.Error:
		b = append(b, ` t="e">`...)
	}
	b = append(b, f...)
	b = append(b, "<v>"...)
	switch v.Kind() {
	case cell.Number:
		if math.IsNaN(v.Number()) || math.IsInf(v.Number(), 0) {
			w.fail("formula in row %d, column %d: %v is no spreadsheet number", w.row, w.col, v.Number())
		}
		b = appendNumber(b, v.Number(), 17)
	case cell.Text:
		b = append(b, escape(v.Text())...)
	case cell.Bool:
		b = append(b, '0'+byte(v.Number()))
	case cell.Error:
		b = append(b, v.Err().String()...)
	}
	w.cells = append(b, "</v></c>"...)
}
