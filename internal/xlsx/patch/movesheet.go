package patch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
)

// errNumbers: a shared formula is cut while nobody knows which numbers are free: the sheet has to be gone through
// beforehand.
var errNumbers = errors.New("the numbers of the shared formulas have to be known beforehand")

// errScattered: so much changes that the part is better written anew.
var errScattered = errors.New("the edits are too many")

// scattered is how many edits are still fewer than a part that is written anew.
const scattered = 20_000

// sheetFilter is what the XML of a sheet goes through when structure changes: rows and cells get other numbers or go,
// formulas and what stands around the cells are rewritten. It is a scan.Visitor, and sees each byte once.
//
// A sheet whose cells move becomes a new stream. Of one whose cells stay, mostly few formulas change: these become edits,
// and the rest of its stream is copied.
type sheetFilter struct {
	c     *course
	own   string // before
	moves bool
	refs  refs
	w     *scan.Walker

	// Where the result goes.
	stream io.Writer // nil where it becomes edits
	out    []byte    // not yet written to it
	edits  []splice.Edit
	at     int64 // in the part

	prefix  string
	formula []byte // how a formula element begins
	columns []int32
	row     int // the current one, afterwards; -1 for one that goes
	digits  []byte
	tail    []byte

	groups   map[int]*sharedGroup // the shared formulas by their numbers in the file
	counted  bool                 // the sheet has been gone through, so that numbers is known
	collects bool                 // it is being gone through, and nothing is written
	numbers  int                  // the first that no shared formula of the file has
	fresh    int                  // the next one in a new stream

	// Of cells that move: see movecells.go.
	qualify   func(text []byte, at cell.Ref) []byte // as [xlsx.File.Qualifier] gives it
	block     bool
	leaves    bool // cells leave the sheet, or go elsewhere in it
	carries   bool // cells come to it
	from, to  cell.Range
	carried   map[int][]carriedCell // by row; carriedAs is the prefix of their elements
	carriedAs string
	rows      []int         // to which they go, and that have not come yet
	rules     []carriedRule // what applies to them, from another sheet
	pending   []carriedCell // of the current row
}

// newSheetFilter gives one for a sheet, by its name before.
func newSheetFilter(c *course, own string) *sheetFilter {
	f := &sheetFilter{c: c, own: own, moves: c.moves(own), row: -1}
	f.refs = refs{c: c, own: own, moves: f.moves}
	if _, f.block = c.block(); f.moves && !f.block {
		f.mapColumns()
	}
	if change, ok := c.block(); ok {
		f.leaves = strings.EqualFold(own, change.Sheet)
		f.from, f.to = change.Range, change.Destination()
	}
	f.groups = make(map[int]*sharedGroup)
	f.w = scan.NewWalker(f)
	return f
}

// keep lets b stay as it is.
func (f *sheetFilter) keep(b []byte) error {
	f.at += int64(len(b))
	if f.stream == nil || f.collects {
		return nil
	}
	f.out = append(f.out, b...)
	return f.flush(256 << 10)
}

// change puts with where b was.
func (f *sheetFilter) change(b, with []byte) error {
	from := f.at
	f.at += int64(len(b))
	switch {
	case f.collects:
		return nil
	case f.stream != nil:
		f.out = append(f.out, with...)
		return f.flush(256 << 10)
	case bytes.Equal(b, with):
		return nil
	case len(f.edits) == scattered:
		return errScattered
	}
	f.edits = append(f.edits, splice.Edit{From: from, To: f.at, New: bytes.Clone(with)})
	return nil
}

// flush writes what is to be written, if it is more than so much.
func (f *sheetFilter) flush(limit int) error {
	if len(f.out) <= limit || f.stream == nil {
		return nil
	}
	_, err := f.stream.Write(f.out)
	f.out = f.out[:0]
	return err
}

// Head implements scan.Visitor.
func (f *sheetFilter) Head(b []byte) error {
	f.prefix = f.w.Prefix
	f.formula = []byte("<" + f.prefix + "f")
	f.adopt()
	root := rootEnd(b)
	if root < 0 {
		return &scan.Error{Message: "it has no root element"}
	}
	at := 0
	for _, e := range elements(b, root, len(b)) {
		var with []byte
		switch {
		case e.local == "dimension" && f.moves:
			with = f.dimension(e.tag(b))
			with = append(with, b[e.tagEnd:e.to]...)
		case e.local == "cols" && f.moves && !f.block:
			with = f.cols(b, e)
		case e.local == "sheetData" && len(f.rows) > 0: // it is empty
			with = opened(e.tag(b))
			for _, row := range f.rows {
				with = append(with, f.newRow(row)...)
			}
			f.rows = nil
			with = append(with, "</"+f.prefix+"sheetData>"...)
		default:
			if with, _ = f.refs.element(b, e); with == nil {
				continue
			}
		}
		if err := f.keep(b[at:e.from]); err != nil {
			return err
		}
		if err := f.change(b[e.from:e.to], with); err != nil {
			return err
		}
		at = e.to
	}
	return f.keep(b[at:])
}

// dimension rewrites what the sheet says to be used.
func (f *sheetFilter) dimension(tag []byte) []byte {
	used, ok := cell.ParseRange(string(attribute(tag, "ref")))
	if !ok {
		return slices.Clone(tag)
	}
	if f.block {
		if f.carries {
			used = used.Union(f.to)
		}
		return slices.Clone(withAttribute(tag, "ref", corners(used)))
	}
	to, ok := f.c.area(f.own, used)
	if !ok {
		to = cell.Range{}
	}
	return slices.Clone(withAttribute(tag, "ref", corners(to)))
}

// cols rewrites the list of columns.
func (f *sheetFilter) cols(text []byte, e element) []byte {
	out := slices.Clone(e.tag(text))
	n := 0
	for _, c := range elements(text, e.tagEnd, e.inner) {
		tag := c.tag(text)
		first, err1 := strconv.Atoi(string(attribute(tag, "min")))
		last, err2 := strconv.Atoi(string(attribute(tag, "max")))
		if err1 != nil || err2 != nil || first < 1 || last < first || last > cell.MaxCols {
			out, n = append(out, text[c.from:c.to]...), n+1
			continue
		}
		to, ok := f.c.area(f.own, cell.Range{First: cell.Ref{Col: first - 1}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: last - 1}})
		if !ok {
			continue
		}
		tag = withAttribute(tag, "min", strconv.Itoa(to.First.Col+1))
		tag = withAttribute(tag, "max", strconv.Itoa(to.Last.Col+1))
		out, n = append(append(out, tag...), text[c.tagEnd:c.to]...), n+1
	}
	if n == 0 {
		return nil // an empty list is none
	}
	return append(out, text[e.inner:e.to]...)
}

// Row implements scan.Visitor.
func (f *sheetFilter) Row(tag []byte, row int) error {
	if !f.moves {
		f.row = row
		return f.keep(tag)
	}
	to, ok := row, true
	if !f.block {
		to, ok = f.c.line(f.own, row, true)
	}
	if !ok {
		f.row = -1
		return f.change(tag, nil)
	}
	if err := f.missing(to); err != nil {
		return err
	}
	f.row, f.digits = to, strconv.AppendInt(f.digits[:0], int64(to)+1, 10)
	with := withAttribute(tag, "r", string(f.digits))
	if f.block || f.c.columns {
		with = withoutAttribute(with, "spans")
	}
	if len(f.rows) > 0 && f.rows[0] == to {
		f.pending, f.rows = f.carried[to], f.rows[1:]
		if with[len(with)-2] == '/' {
			if err := f.change(tag, opened(with)); err != nil {
				return err
			}
			if err := f.arrivals(cell.MaxCols); err != nil {
				return err
			}
			return f.put([]byte("</" + f.prefix + "row>"))
		}
	}
	return f.change(tag, with)
}

// mapColumns finds out where the columns are afterwards.
func (f *sheetFilter) mapColumns() {
	f.columns = make([]int32, cell.MaxCols)
	for i := range f.columns {
		f.columns[i] = int32(i)
		if !f.c.columns {
			continue
		}
		to, ok := f.c.line(f.own, i, false)
		if !ok {
			to = -1
		}
		f.columns[i] = int32(to)
	}
}

// withoutAttribute gives a start tag without an attribute.
func withoutAttribute(tag []byte, name string) []byte {
	for _, a := range scan.Attributes(tag) {
		if string(a.Name) != name {
			continue
		}
		from := bytes.LastIndex(tag[:a.From], a.Name)
		for from > 0 && bytes.IndexByte([]byte(" \t\r\n"), tag[from-1]) >= 0 {
			from--
		}
		return slices.Concat(tag[:from], tag[a.To+1:])
	}
	return tag
}

// RowEnd implements scan.Visitor.
func (f *sheetFilter) RowEnd(tag []byte) error {
	if f.row < 0 {
		return f.change(tag, nil)
	}
	if err := f.arrivals(cell.MaxCols); err != nil {
		return err
	}
	return f.keep(tag)
}

// Other implements scan.Visitor.
func (f *sheetFilter) Other(b []byte) error { return f.keep(b) }

// place gives where a cell is afterwards.
func (f *sheetFilter) place(r cell.Ref) (cell.Ref, bool) {
	if !f.moves {
		return r, true
	}
	if f.block {
		return r, !(f.leaves && f.from.Contains(r)) && !(f.carries && f.to.Contains(r))
	}
	if f.row < 0 || f.columns[r.Col] < 0 {
		return cell.Ref{}, false
	}
	return cell.Ref{Row: f.row, Col: int(f.columns[r.Col])}, true
}

// Cell implements scan.Visitor.
func (f *sheetFilter) Cell(xml []byte, r cell.Ref) error {
	to, left := f.place(r)
	if f.block {
		if err := f.arrivals(r.Col); err != nil {
			return err
		}
		if f.collects && f.leaves && f.from.Contains(r) {
			if err := f.pick(xml, r); err != nil {
				return err
			}
		}
	}
	if i := bytes.Index(xml, f.formula); i >= 0 && scan.ParseCell(xml, f.prefix).HasFormula {
		return f.formulaCell(xml, r, to, left)
	}
	if !left {
		return f.change(xml, nil)
	}
	if !f.moves {
		return f.keep(xml)
	}
	return f.moved(xml, to)
}

// moved writes a cell with another reference and all else as it is.
func (f *sheetFilter) moved(xml []byte, to cell.Ref) error {
	f.at += int64(len(xml))
	if f.collects {
		return nil
	}
	out := f.out
	p := 1 + len(f.prefix)
	if len(xml) > p+6 && string(xml[p:p+5]) == `c r="` {
		out = append(out, xml[:p+5]...)
		out = append(cell.AppendColumn(out, to.Col), f.digits...)
		end := p + 5 + bytes.IndexByte(xml[p+5:], '"')
		f.out = append(out, xml[end:]...)
		return f.flush(256 << 10)
	}
	end := scan.TagEnd(xml, 0)
	out = append(out, withAttribute(xml[:end], "r", to.String())...)
	f.out = append(out, xml[end:]...)
	return f.flush(256 << 10)
}

// Tail implements scan.Visitor.
func (f *sheetFilter) Tail(b []byte, final bool) error {
	if f.tail == nil {
		if err := f.missing(cell.MaxRows); err != nil {
			return err
		}
	}
	if f.tail = append(f.tail, b...); len(f.tail) > maxTail {
		return &scan.Error{Offset: f.at, Message: fmt.Sprintf("what follows the cells is larger than %d MiB", maxTail>>20)}
	}
	if !final {
		return nil
	}
	var edits []splice.Edit
	list := elements(f.tail, 0, len(f.tail))
	for _, e := range list {
		if with, goes := f.refs.element(f.tail, e); with != nil || goes {
			edits = append(edits, splice.Edit{From: int64(e.from), To: int64(e.to), New: with})
		}
	}
	if f.collects {
		return nil
	}
	arrived := f.arrived(list)
	edits = slices.DeleteFunc(edits, func(e splice.Edit) bool { // whose list takes in others
		return slices.ContainsFunc(arrived, func(a splice.Edit) bool { return a.From == e.From && a.To == e.To })
	})
	edits = append(arrived, edits...) // so that what is put in before an element comes first
	order(edits)
	at := int64(0)
	for _, e := range edits {
		if err := f.keep(f.tail[at:e.From]); err != nil {
			return err
		}
		if err := f.change(f.tail[e.From:e.To], e.New); err != nil {
			return err
		}
		at = e.To
	}
	if err := f.keep(f.tail[at:]); err != nil {
		return err
	}
	return f.flush(0)
}
