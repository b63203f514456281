package book

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strings"

	"gridflow/internal/cell"
)

// The binary form of an Edit, version 1. Numbers are unsigned varints but where said
// otherwise, and a text is its length in bytes and then its bytes.
//
//	edit      version (byte) · number of operations · operation …
//	operation kind (byte) · length of the body in bytes · body
//	SetCells  sheet (text) · number of cells · cell …
//	GrowTable table (text) · last row
//	SetResults as SetCells
//	FormatCells sheet (text) · Anew (byte 0 or 1) · number of ranges · of each the first row and
//	          column and the last ones · settings
//	Arrange   JSON (text)
//	FormatLines sheet (text) · Rows, Anew, Alone (bytes 0 or 1) · number of spans · of each the first and
//	          the last row or column · settings
//	Restructure JSON (text)
//	EditNames JSON (text)
//	ArrangeTables JSON (text)
//	ArrangeObjects JSON (text) · of each object that is added the bytes of its picture, as a text
//	ArrangeBook JSON (text)
//	GiveValues sheet (text) · number of cells · given …
//	given     kind of value (byte; bit 3: what it fills follows) · row · column · value ·
//	          last row and last column of what it fills
//	settings  number · of each the leaf (byte) · whether it is reset (byte 0 or 1) · unless it is,
//	          the value (text)
//	cell      flags (byte) · row · column · what the flags say, in their order:
//	          value (number: 8 bytes of a float64, little endian; text; logical: byte 0 or 1;
//	          error: byte) · formula (text) · number format (text) · settings
//	flags     bits 0-2 kind of value, of a formula 5 for ArrayNever and 6 for ArrayAlways; bits 3 Clear, 4 Keep, 5 HasFormula, 6 NumFmt, 7 Format
//
// Rows and columns count from 0. Bytes that are left over make an edit wrong.
const editVersion = 1

const (
	flagKind    = 7
	flagNever   = 5 // in place of a kind
	flagAlways  = 6
	flagClear   = 1 << 3
	flagKeep    = 1 << 4
	flagFormula = 1 << 5
	flagNumFmt  = 1 << 6
	flagFormat  = 1 << 7
)

// opKind is the number of a kind of operation in the binary form. It never changes.
type opKind byte

const (
	kindSetCells    opKind = 1
	kindGrowTable   opKind = 2
	kindSetResults  opKind = 3
	kindFormatCells opKind = 4
	kindArrange     opKind = 5
	kindGiveValues  opKind = 6
	kindRestructure opKind = 7
	kindFormatLines opKind = 8
	kindEditNames   opKind = 16
	kindArrangeBook opKind = 17

	// Kinds 20 to 29 are of what lies on sheets: tables, charts, pictures.
	kindArrangeTables  opKind = 20
	kindArrangeObjects opKind = 21
)

// opKinds has the kinds of operation: a new one is a row here, a type, and its methods.
var opKinds = [...]struct {
	name   string
	decode func(*decoder) Op
}{
	kindSetCells:    {"set_cells", decodeSetCells},
	kindGrowTable:   {"grow_table", decodeGrowTable},
	kindSetResults:  {"set_results", decodeSetResults},
	kindFormatCells: {"format_cells", decodeFormatCells},
	kindArrange:     {"arrange", decodeArrange},
	kindGiveValues:  {"give_values", decodeGiveValues},
	kindRestructure: {"restructure", decodeRestructure},
	kindFormatLines: {"format_lines", decodeFormatLines},
	kindEditNames:   {"edit_names", decodeEditNames},
	kindArrangeBook: {"arrange_book", decodeArrangeBook},

	kindArrangeTables:  {"arrange_tables", decodeArrangeTables},
	kindArrangeObjects: {"arrange_objects", decodeArrangeObjects},
}

// AppendTo appends the binary form of e to b.
func (e Edit) AppendTo(b []byte) []byte {
	b = append(b, editVersion)
	b = binary.AppendUvarint(b, uint64(len(e.Ops)))
	var body []byte
	for _, op := range e.Ops {
		body = op.appendTo(body[:0])
		b = append(b, byte(op.kind()))
		b = binary.AppendUvarint(b, uint64(len(body)))
		b = append(b, body...)
	}
	return b
}

// DecodeEdit reads the binary form of an Edit, which must be all of b. What it gives is of
// the right form, but is not checked otherwise: Apply does that. It takes memory in
// proportion to len(b) only, whatever the bytes say, and keeps none of b.
func DecodeEdit(b []byte) (Edit, error) {
	d := &decoder{b: b}
	if v := d.byte(); d.err == nil && v != editVersion {
		return Edit{}, errorf(BadEdit, "A newer gridflow wrote it.", "version %d of an edit is not known", v)
	}
	n := d.count(2)
	var e Edit
	for i := 0; i < n && d.err == nil; i++ {
		kind, size := d.byte(), d.count(1)
		if d.err != nil {
			break
		}
		if int(kind) >= len(opKinds) || opKinds[kind].decode == nil {
			err := errorf(BadEdit, "A newer gridflow wrote it.", "kind %d of an operation is not known", kind)
			err.Op = i
			return Edit{}, err
		}
		body := &decoder{b: d.take(size)}
		op := opKinds[kind].decode(body)
		if body.end(); body.err != nil {
			body.err.Op, body.err.Message = i, opKinds[kind].name+": "+body.err.Message
			return Edit{}, body.err
		}
		e.Ops = append(e.Ops, op)
	}
	if d.end(); d.err != nil {
		return Edit{}, d.err
	}
	return e, nil
}

func (o SetCells) kind() opKind { return kindSetCells }

func (o SetCells) appendTo(b []byte) []byte {
	b = appendText(b, o.Sheet)
	b = binary.AppendUvarint(b, uint64(len(o.Cells)))
	for i := range o.Cells {
		b = o.Cells[i].appendTo(b)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (c *CellEdit) appendTo(b []byte) []byte {
	flags := byte(c.Value.Kind())
	if c.Array != ArrayAsTyped {
		flags = flagNever - byte(ArrayNever) + byte(c.Array)
	}
	if c.Clear {
		flags |= flagClear
	}
	if c.Keep {
		flags |= flagKeep
	}
	if c.HasFormula {
		flags |= flagFormula
	}
	if c.NumFmt != "" {
		flags |= flagNumFmt
	}
	if len(c.Format) > 0 {
		flags |= flagFormat
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(c.Ref.Row))
	b = binary.AppendUvarint(b, uint64(c.Ref.Col))
	b = appendValue(b, c.Value)
	if c.HasFormula {
		b = appendText(b, c.Formula)
	}
	if c.NumFmt != "" {
		b = appendText(b, c.NumFmt)
	}
	if len(c.Format) > 0 {
		b = appendSettings(b, c.Format)
	}
	return b
}

// appendValue appends a value without its kind.
func appendValue(b []byte, v cell.Value) []byte {
	switch v.Kind() {
	case cell.Number:
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Number()))
	case cell.Text:
		b = appendText(b, v.Text())
	case cell.Bool:
		b = append(b, byte(v.Number()))
	case cell.Error:
		b = append(b, byte(v.Err()))
	}
	return b
}

func decodeSetCells(d *decoder) Op {
	o := SetCells{Sheet: d.text()}
	n := d.count(3)
	for i := 0; i < n && d.err == nil; i++ {
		o.Cells = append(o.Cells, decodeCell(d))
	}
	return o
}

func decodeCell(d *decoder) (c CellEdit) {
	flags := d.byte()
	c.Ref = cell.Ref{Row: d.below(cell.MaxRows), Col: d.below(cell.MaxCols)}
	if kind := flags & flagKind; flags&flagFormula != 0 && (kind == flagNever || kind == flagAlways) {
		c.Array = ArrayNever + Arrayness(kind-flagNever)
	} else {
		c.Value = d.value(cell.Kind(kind))
	}
	if d.err != nil {
		return c
	}
	c.Clear, c.Keep, c.HasFormula = flags&flagClear != 0, flags&flagKeep != 0, flags&flagFormula != 0
	if c.HasFormula {
		c.Formula = d.text()
	}
	if flags&flagNumFmt != 0 {
		if c.NumFmt = d.text(); c.NumFmt == "" {
			d.fail("a number format is empty")
		}
	}
	if flags&flagFormat != 0 {
		if c.Format = d.settings(); len(c.Format) == 0 {
			d.fail("a cell has no settings where it should")
		}
	}
	return c
}

// value reads a value of a kind.
func (d *decoder) value(kind cell.Kind) (v cell.Value) {
	switch kind {
	case cell.Blank:
	case cell.Number:
		if b := d.take(8); b != nil {
			v = cell.NumberValue(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		}
	case cell.Text:
		v = cell.TextValue(d.text())
	case cell.Bool:
		b := d.byte()
		if b > 1 {
			d.fail("%d is no logical value", b)
		}
		v = cell.BoolValue(b == 1)
	case cell.Error:
		e := cell.ErrorCode(d.byte())
		if !knownError(e) {
			d.fail("%d is no error value", e)
		}
		v = cell.ErrorValue(e)
	default:
		d.fail("kind %d of a value is not known", kind)
	}
	return v
}

// decoder reads values off bytes; after the first fault it gives zeros.
type decoder struct {
	b   []byte
	err *Error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = errorf(BadEdit, "The bytes are damaged.", format, args...)
	}
	d.b = nil
}

func (d *decoder) take(n int) []byte {
	if d.err != nil || n > len(d.b) {
		d.fail("an edit ends too early")
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("an edit has a broken number")
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads a number of things that take at least size bytes each.
func (d *decoder) count(size int) int {
	v := d.uvarint()
	if v > uint64(len(d.b)/size) {
		d.fail("an edit ends too early")
		return 0
	}
	return int(v)
}

// below reads a number that must be smaller than limit.
func (d *decoder) below(limit int) int {
	v := d.uvarint()
	if v >= uint64(limit) {
		d.fail("%d is outside of a worksheet", v)
		return 0
	}
	return int(v)
}

func (d *decoder) text() string { return string(d.take(d.count(1))) }

// json reads a text of JSON.
func (d *decoder) json(into any) {
	text := d.text()
	if d.err != nil {
		return
	}
	r := json.NewDecoder(strings.NewReader(text))
	r.DisallowUnknownFields() // a newer gridflow meant something by them
	if err := r.Decode(into); err != nil || r.More() {
		d.fail("it is not what it should be: %v", err)
	}
}

// end fails where bytes are left.
func (d *decoder) end() {
	if len(d.b) > 0 {
		d.fail("%d bytes follow an edit", len(d.b))
	}
}
