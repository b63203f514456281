package scan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// maxHead and maxTail bound what stands before and after the cells: columns and views;
// merges, validations, conditional formats and the like. The largest that was seen in a
// real sheet, of 60 000 merges, is 1.6 MB.
const (
	maxHead = 16 << 20
	maxTail = 16 << 20
)

// ErrTooLarge is behind an Error whose fault is a size and not a form.
var ErrTooLarge = errors.New("too large")

// Error is a fault in the XML of a sheet or of the shared strings. Offset counts from
// the start of the part.
type Error struct {
	Offset  int64
	Message string

	cause error
}

func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d", e.Message, e.Offset) }

// Unwrap gives the error behind this one, if any.
func (e *Error) Unwrap() error { return e.cause }

// Sheet scans the XML of one worksheet into a grid.Builder. It is used by one goroutine.
type Sheet struct {
	b     *grid.Builder
	limit Limits

	// DateText turns the text of an ISO 8601 cell (t="d") into a date serial, where it is
	// one and the cell's style shows it as one.
	DateText func(text string, style uint32) (serial float64, ok bool)
	// RichError gives the error that stands behind the value metadata (vm) of a cell that holds
	// #VALUE!, where it is another one.
	RichError func(meta int) (code cell.ErrorCode, ok bool)
	// Qualify gives the text of a formula that is written for a cell, in which brackets stand, as it
	// reads elsewhere; nil where the sheet has no tables. The text may be changed in place.
	Qualify func(text []byte, at cell.Ref) []byte

	phase  phase
	base   int64  // offset in the part of the window's first byte
	root   []byte // the root element's start tag
	prefix string // namespace prefix of the spreadsheet elements with its colon, mostly ""
	head   []byte // the XML between the root's start tag and sheetData
	tail   []byte // the XML after sheetData, without the root's end tag

	// Where a row or a column has a format, a cell that says none has the default one.
	rowFormat rowFormat
	formatted []columns // with a format that is not the default one, in any order
	row, col  int       // the next cell, where its reference is left out
	rowWord   uint64    // the digits of the current row number and a quote, as bytes
	rowMask   uint64    // the bytes of rowWord that count
	rowLen    int       // the number of digits
	rowTail   []byte    // what followed the number in the last start tag that fastRow took
	shapes    []shape   // how cells were written, by the column after which they follow, from -1 on

	doctype  bool
	formulas sharedFormulas
	rows     rowSpans
	scratch  []byte

	index      *Index // being made, or nil
	nextMark   int64  // offset from which on a row is marked in the index
	disordered bool   // some row does not lie below the one before it
	lastRow    int    // the scan ends before the first row below this one
}

// Limits bound what a sheet may hold.
type Limits struct {
	Cells int // stored cells; 0 means no bound
}

// doctypeRefused: entities that expand to entities are a way to fill memory.
const doctypeRefused = "it has a document type declaration, which no workbook needs,"

type phase uint8

const (
	inHead phase = iota
	inData
	inTail
	pastRows // the rows that were asked for are complete
)

// NewSheet gives a scanner that fills b.
func NewSheet(b *grid.Builder, limit Limits) *Sheet {
	return &Sheet{b: b, limit: limit, col: -1, formulas: newSharedFormulas(), nextMark: math.MaxInt64, lastRow: cell.MaxRows}
}

// Head gives the XML before the cells as a document of its own: the root element with
// what it holds so far, closed.
func (s *Sheet) Head() []byte { return s.document(s.head) }

// Tail gives the XML after the cells in the same form.
func (s *Sheet) Tail() []byte { return s.document(s.tail) }

// HeadDone reports whether the cells have begun, so that Head is whole.
func (s *Sheet) HeadDone() bool { return s.phase > inHead }

func (s *Sheet) document(content []byte) []byte {
	if len(s.root) == 0 {
		return nil
	}
	name := bytes.TrimRight(s.root[1:], "/>")
	if i := bytes.IndexAny(name, " \t\r\n"); i >= 0 {
		name = name[:i]
	}
	var doc []byte
	doc = append(doc, s.root...)
	doc = append(doc, content...)
	doc = append(doc, "</"...)
	doc = append(doc, name...)
	return append(doc, '>')
}

// Feed scans w, which continues the XML where the last call's consumed bytes ended,
// and gives the number of bytes that it has used up. With final set, w is the end of
// the XML and all of it must make sense.
func (s *Sheet) Feed(w []byte, final bool) (consumed int, err error) {
	defer func() { s.base += int64(consumed) }()
	if s.phase == inHead {
		n, err := s.feedHead(w, final)
		consumed = n
		if err != nil || s.phase == inHead {
			return consumed, err
		}
	}
	if s.phase == inData {
		n, err := s.feedCells(w, consumed, final)
		consumed = n
		if err != nil {
			return consumed, err
		}
	}
	if s.phase == inTail {
		if len(s.tail)+len(w)-consumed > maxTail {
			return consumed, &Error{s.base + int64(consumed), fmt.Sprintf("what follows the cells is larger than %d MiB", maxTail>>20), ErrTooLarge}
		}
		if need := len(s.tail) + len(w) - consumed; need > cap(s.tail) {
			s.tail = append(make([]byte, 0, max(need, 2*cap(s.tail))), s.tail...)
		}
		s.tail = append(s.tail, w[consumed:]...)
		consumed = len(w)
	}
	if final && s.phase != pastRows {
		if s.phase != inTail {
			return consumed, s.fault(consumed, "the sheet ends before its last cell")
		}
		// The root's end tag belongs to document, not to the tail.
		if i := bytes.LastIndex(s.tail, []byte("</")); i >= 0 {
			s.tail = s.tail[:i]
		}
	}
	if past, _ := s.Past(); final || past {
		s.rows.flush(s.b.Layout())
	}
	return consumed, nil
}

func (s *Sheet) fault(at int, format string, args ...any) error {
	return &Error{Offset: s.base + int64(at), Message: fmt.Sprintf(format, args...)}
}

// feedHead collects the XML up to the start of sheetData.
func (s *Sheet) feedHead(w []byte, final bool) (consumed int, err error) {
	// Mostly all of it is in the first window; where it is not, the search goes over all
	// of it again, which is a few kilobytes.
	doc := w
	if len(s.head) > 0 {
		s.head = append(s.head, w...)
		doc = s.head
	}
	root, ok := s.findRoot(doc)
	if s.doctype {
		return 0, s.fault(0, doctypeRefused)
	}
	start, end, empty := 0, 0, false
	if ok {
		start, end, empty, ok = findStartTag(doc[root:], s.prefix, "sheetData")
	}
	if ok {
		s.head = bytes.Clone(doc[root : root+start])
		s.findFormatted()
		s.phase = inData
		if empty {
			s.phase = inTail
		}
		return len(w) - (len(doc) - root - end), nil
	}
	switch {
	case !final && len(doc) > maxHead:
		return 0, &Error{s.base, fmt.Sprintf("what precedes the cells is larger than %d MiB", maxHead>>20), ErrTooLarge}
	case !final:
		if len(s.head) == 0 {
			s.head = bytes.Clone(w)
		}
		return len(w), nil
	case s.root == nil:
		return 0, s.fault(0, "no root element")
	}
	// A sheet without sheetData has no cells.
	if i := bytes.LastIndex(doc, []byte("</")); i >= root {
		doc = doc[:i]
	}
	s.head = bytes.Clone(doc[root:])
	s.phase = inTail
	return len(w), nil
}

// findRoot looks for the root's start tag, keeps it, and gives the position behind it.
func (s *Sheet) findRoot(doc []byte) (end int, ok bool) {
	for p := 0; p < len(doc); {
		i := bytes.IndexByte(doc[p:], '<')
		if i < 0 || p+i+1 >= len(doc) {
			return 0, false
		}
		p += i
		if c := doc[p+1]; c == '?' || c == '!' {
			end := skipMarkup(doc, p)
			if end < 0 {
				return 0, false
			}
			s.doctype = s.doctype || bytes.HasPrefix(doc[p:], []byte("<!D"))
			p = end
			continue
		}
		end := tagEnd(doc, p)
		if end < 0 {
			return 0, false
		}
		s.root = bytes.Clone(doc[p:end])
		name := s.root[1:nameEnd(s.root)]
		if n := len(s.root); s.root[n-2] == '/' {
			s.root = append(s.root[:n-2], '>')
		}
		if i := bytes.IndexByte(name, ':'); i >= 0 {
			s.prefix = string(name[:i+1])
		}
		return end, true
	}
	return 0, false
}

// feedCells scans rows and cells from p on and gives where it stopped: at the end of
// sheetData, or before the first tag or cell that w does not hold whole.
func (s *Sheet) feedCells(w []byte, p int, final bool) (int, error) {
	end := len(w)
	fastEnd := end - fastReach
	if len(s.prefix) > maxFastPrefix {
		fastEnd = -1
	}
	for p < end {
		if w[p] != '<' {
			i := bytes.IndexByte(w[p:], '<')
			if i < 0 {
				return end, nil
			}
			p += i
		}
		// The fast path knows one form of cell; it declines everything else, and every
		// cell that might reach past the window.
		if p <= fastEnd {
			q := 0
			switch word := binary.LittleEndian.Uint64(w[p:]); {
			case s.prefix != "":
				q = s.fastPrefixed(w, p)
			case word&(1<<48-1) == cellStart:
				if q = s.likeAbove(w, p, fastEnd); q == p {
					q = s.fastCell(w, p+len(`<c r="`))
				}
			case word&(1<<48-1) == rowEnd:
				q = p + len(`</row>`)
				if binary.LittleEndian.Uint64(w[q:]) == rowStart {
					if next := s.fastRow(w, q, q+len(`<row r="`)); next > 0 {
						q = next
					}
				}
			case word == rowStart:
				q = s.fastRow(w, p, p+len(`<row r="`))
			}
			if q > 0 {
				p = q
				continue
			}
		}
		q, err := s.markup(w, p)
		if err != nil {
			return p, err
		}
		if q < 0 {
			if final {
				return p, s.fault(p, "the sheet ends inside a cell")
			}
			return p, nil
		}
		p = q
		if s.phase != inData {
			return p, nil
		}
	}
	return p, nil
}

// markup scans the markup at b[p], which is '<', and gives the position behind it: a
// row's start tag, a whole cell, an end tag, or anything else, which is skipped. It
// gives -1 where b does not hold all of it.
func (s *Sheet) markup(b []byte, p int) (int, error) {
	end, name, closes := markupAt(b, p, s.prefix)
	switch {
	case closes && name == "sheetData":
		s.phase = inTail
	case closes:
	case name == "row":
		return end, s.startRow(b[p:end], p)
	case name == "c":
		return s.cell(b, p, end)
	}
	return end, nil
}

// beginRow notes the row whose start tag stands at position at, before it is set.
func (s *Sheet) beginRow(row, at int) {
	if row <= s.row && s.rowLen > 0 {
		s.disordered = true
	}
	if offset := s.base + int64(at); offset >= s.nextMark {
		s.mark(row, offset)
	}
}

// setRow makes row the current one.
func (s *Sheet) setRow(row int) {
	s.row, s.col, s.rowFormat = row, -1, noFormat
	w, n := uint64('"'), 0
	for r := row + 1; r > 0; r /= 10 {
		w = w<<8 | uint64('0'+r%10)
		n++
	}
	s.rowLen, s.rowWord = n, w
	s.rowMask = ^uint64(0) >> (56 - 8*n)
}

// startRow reads the attributes of a row's start tag.
func (s *Sheet) startRow(tag []byte, at int) error {
	next := s.row + 1
	if s.rowLen == 0 {
		next = 0
	}
	var span grid.RowSpan
	said := false
	for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
		switch string(a.name) {
		case "r":
			row, ok := cell.ParseRow(string(bytes.TrimSpace(a.value)))
			if !ok {
				return s.fault(at, "row number %q is not between 1 and %d", clip(a.value), cell.MaxRows)
			}
			next = row
		case "ht":
			span.Height, said = parseFloat(a.value), true
		case "hidden":
			span.Hidden = truth(a.value)
			said = said || span.Hidden
		case "customHeight":
			span.Custom = truth(a.value)
			said = said || span.Custom
		case "s":
			span.Style = uint32(parseInt(a.value))
		case "customFormat":
			span.HasStyle = truth(a.value)
			said = said || span.HasStyle
		case "outlineLevel":
			span.Outline = uint8(parseInt(a.value))
			said = said || span.Outline > 0
		case "collapsed":
			span.Collapsed = truth(a.value)
			said = said || span.Collapsed
		}
	}
	if next >= cell.MaxRows {
		return s.fault(at, "there are more than %d rows", cell.MaxRows)
	}
	if !span.HasStyle {
		span.Style = 0
	}
	if s.limit.Cells > 0 && s.b.Cells() > s.limit.Cells {
		return s.fault(at, "the sheet has more than %d cells", s.limit.Cells)
	}
	if next > s.lastRow {
		s.phase = pastRows
		return nil
	}
	s.beginRow(next, at)
	s.setRow(next)
	switch {
	case span.HasStyle && span.Style == 0:
		s.rowFormat = defaultFormat
	case span.HasStyle:
		s.rowFormat = ownFormat
	}
	if said {
		span.First, span.Last = next, next
		s.rows.add(span)
	}
	return nil
}

// rowFormat is what a row says of the format of its cells.
type rowFormat uint8

const (
	noFormat      rowFormat = iota // nothing: that of the column counts
	defaultFormat                  // that of cells without a word
	ownFormat                      // another one
)

// columns are columns first to last.
type columns struct{ first, last int }

// findFormatted finds in the head which columns have a format.
func (s *Sheet) findFormatted() {
	s.formatted = nil
	if !bytes.Contains(s.head, []byte("style")) {
		return
	}
	for p := 0; p < len(s.head); {
		i := bytes.Index(s.head[p:], []byte("<"+s.prefix+"col"))
		if i < 0 {
			return
		}
		p += i
		end := tagEnd(s.head, p)
		if end < 0 {
			return
		}
		tag := s.head[p:end]
		p = end
		if string(tag[1:nameEnd(tag)]) != s.prefix+"col" {
			continue
		}
		var c columns
		style := 0
		for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
			switch string(a.name) {
			case "min":
				c.first = parseInt(a.value) - 1
			case "max":
				c.last = parseInt(a.value) - 1
			case "style":
				style = parseInt(a.value)
			}
		}
		if style > 0 {
			s.formatted = append(s.formatted, c)
		}
	}
}

// plain reports whether a cell of the current row that has neither a value nor a format has to be stored, because it would
// look otherwise if it were not there.
func (s *Sheet) plain(col int) bool {
	if s.rowFormat != noFormat {
		return s.rowFormat == ownFormat
	}
	for _, c := range s.formatted {
		if c.first <= col && col <= c.last {
			return true
		}
	}
	return false
}
