package scan

import (
	"bytes"
	"slices"
	"sort"

	"gridflow/internal/cell"
)

// Locator finds where some cells stand in the XML of a sheet, or where they belong if they
// are not there. It understands rows and cells as Sheet does: of two that speak of the same
// cell the later counts. It is used by one goroutine.
//
// It is fed like Sheet, from the start of the part on; once Head is known and rows are known
// to ascend it may be moved on with Jump.
type Locator struct {
	Cells []CellSpot // of the cells that are looked for, in their order
	Rows  []RowSpot  // of the rows that they lie in, ascending
	// Orphans are the shared formulas whose master is among the cells and goes, by si. They
	// are complete when the sheet has been fed to its end.
	Orphans []*Orphan

	Prefix    string // of the spreadsheet elements, with its colon
	Dimension Span   // the start tag of the element, if there is one
	DimTag    []byte
	Data      Span // the start tag of sheetData
	DataEmpty bool // it is an empty-element tag
	DataEnd   int64

	// Ascending says that rows are known to ascend and cells to lie in theirs: then the rows
	// between those that are looked for are passed over without a look at their cells.
	Ascending bool
	// ToEnd says that DataEnd is wanted whatever is looked for.
	ToEnd bool

	rowName, cellName []byte // the name in a row's tags, the start of a cell's
	cellRef           []byte // the start of a cell's that says where it is
	passing           bool   // the current row has cells, none of which is looked for
	settled           bool   // the current row's cells from here on may be none that are looked for: restOfRow tells

	cursor
	goes    func(i int) bool
	head    []byte
	between bool // the row has ended
	nextRow int  // the first of Rows that may still lie above the current row
	open    int  // index in Rows of the current row, -1
	inserts int  // the first of the open row's cells whose place is not known
	last    int  // index of the cell scanned last, -1 if it is not looked for
	active  map[int]*Orphan
	earlier map[int][]Span // see Earlier
}

// Earlier gives the elements of the i-th cell that stand before the one that counts.
func (l *Locator) Earlier(i int) []Span { return l.earlier[i] }

// Span is a stretch of the part.
type Span struct{ From, To int64 }

// CellSpot is where a cell stands.
type CellSpot struct {
	Ref  cell.Ref
	Span        // of the element
	XML  []byte // the element
	At   int64  // where it belongs, if it was not found but its row was

	Found bool
	// Pins says that the next cell leaves its reference out and counts on this one.
	Pins bool
}

// RowSpot is where a row stands.
type RowSpot struct {
	Row   int
	Found bool
	Span         // of the start tag
	Tag   []byte // the start tag
	Empty bool   // it is an empty-element tag
	End   int64  // of the cells, where the end tag begins
	At    int64  // where it belongs, if it was not found

	first, past int // its cells in Locator.Cells
	closed      bool
}

// NewLocator gives a Locator of cells that must be in row order, each once. goes says of
// each whether its formula goes, if it has one.
func NewLocator(refs []cell.Ref, goes func(i int) bool) *Locator {
	l := &Locator{goes: goes, Cells: make([]CellSpot, len(refs)), open: -1, last: -1, cursor: atStart(), active: make(map[int]*Orphan), earlier: make(map[int][]Span)}
	rows := 0
	for i, r := range refs {
		if i == 0 || r.Row != refs[i-1].Row {
			rows++
		}
	}
	l.Rows = make([]RowSpot, 0, rows)
	for i, r := range refs {
		if n := len(l.Rows); n == 0 || l.Rows[n-1].Row != r.Row {
			l.Rows = append(l.Rows, RowSpot{Row: r.Row, At: -1, first: i, past: i})
		}
		l.Rows[len(l.Rows)-1].past = i + 1
		l.Cells[i] = CellSpot{Ref: r, At: -1}
	}
	return l
}

// AddRows has rows looked for, which ascend, whether a cell of them is or not. It is called before the first Feed.
func (l *Locator) AddRows(rows []int) {
	if len(rows) == 0 {
		return
	}
	had := l.Rows
	l.Rows = make([]RowSpot, 0, len(had)+len(rows))
	past := 0 // the cells of the rows so far
	put := func(r RowSpot) {
		past = r.past
		l.Rows = append(l.Rows, r)
	}
	for _, row := range rows {
		for len(had) > 0 && had[0].Row < row {
			put(had[0])
			had = had[1:]
		}
		if len(had) > 0 && had[0].Row == row {
			continue
		}
		put(RowSpot{Row: row, At: -1, first: past, past: past})
	}
	for _, r := range had {
		put(r)
	}
}

// HeadDone reports whether the cells have begun.
func (l *Locator) HeadDone() bool { return l.phase > inHead }

// Done reports whether all is known: the cells have ended, or rows ascend and those that are
// looked for have been passed. A shared formula that loses its master has to be fed to the end.
func (l *Locator) Done() bool {
	return l.phase == inTail || !l.ToEnd && l.Ascending && l.phase == inData && l.nextRow == len(l.Rows) && l.open < 0 && len(l.Orphans) == 0
}

// Next gives the first row that is not yet passed, or the last that there can be where the end is wanted; ok is
// false where there is none, or the sheet is to be read on to the end.
func (l *Locator) Next() (row int, ok bool) {
	if l.ToEnd && l.nextRow == len(l.Rows) && l.open < 0 && len(l.Orphans) == 0 {
		return cell.MaxRows - 1, true
	}
	if l.nextRow == len(l.Rows) || l.open >= 0 || len(l.Orphans) > 0 {
		return 0, false
	}
	return l.Rows[l.nextRow].Row, true
}

// Jump makes the next Feed begin at offset, the start tag of row.
func (l *Locator) Jump(row int, offset int64) {
	l.base, l.row, l.col, l.inRow, l.last, l.passing, l.settled = offset, row-1, -1, row > 0, -1, false, false
}

// Feed scans w as Sheet.Feed does.
func (l *Locator) Feed(w []byte, final bool) (consumed int, err error) {
	defer func() { l.base += int64(consumed) }()
	p := 0
	if l.phase == inHead {
		doc := w
		if len(l.head) > 0 {
			l.head = append(l.head, w...)
			doc = l.head
		}
		t, err := l.findData(doc, final)
		switch {
		case err != nil:
			return 0, err
		case t.end == 0:
			if len(l.head) == 0 {
				l.head = bytes.Clone(w)
			}
			return len(w), nil
		}
		l.beginData(doc, t)
		p = len(w) - (len(doc) - t.end)
		l.head = nil
	}
	fast := l.Ascending && l.phase == inData && plainCells(w)
	for l.phase == inData && p < len(w) {
		if fast && l.passing && len(l.active) == 0 {
			q := l.rowEnd(w, p)
			if q < 0 {
				p = l.lastCell(w, p)
				break
			}
			p, l.passing = q, false
			continue
		}
		if l.settled {
			l.settled = false
			if fast && len(l.active) == 0 {
				if q := l.restOfRow(w, p); q >= 0 {
					p = q
					continue
				}
			}
		}
		i := bytes.IndexByte(w[p:], '<')
		if i < 0 {
			p = len(w)
			break
		}
		q, err := l.markup(w, p+i)
		if err != nil {
			return p, err
		}
		if p += i; q < 0 {
			break
		}
		p = q
	}
	if l.phase == inTail {
		return len(w), nil
	}
	if final {
		return p, l.fault(p, "the sheet ends before its last cell")
	}
	return p, nil
}

// beginData notes what the head says. It began at the part's first byte.
func (l *Locator) beginData(doc []byte, t dataTag) {
	l.Prefix = t.prefix
	l.Data, l.DataEmpty = Span{int64(t.start), int64(t.end)}, t.empty
	if from, to, _, ok := findStartTag(doc[t.root:t.start], t.prefix, "dimension"); ok {
		l.Dimension = Span{int64(t.root + from), int64(t.root + to)}
		l.DimTag = bytes.Clone(doc[t.root+from : t.root+to])
	}
	l.rowName, l.cellName = []byte(t.prefix+"row"), []byte("<"+t.prefix+"c")
	l.cellRef = []byte("<" + t.prefix + `c r="`)
	if t.empty {
		l.endData(int64(t.end))
	}
}

func (l *Locator) endData(at int64) {
	l.phase, l.DataEnd = inTail, at
	for ; l.nextRow < len(l.Rows); l.nextRow++ {
		if r := &l.Rows[l.nextRow]; r.At < 0 {
			r.At = at
		}
	}
}

// markup does with the markup at b[p] what Sheet.markup does.
func (l *Locator) markup(b []byte, p int) (int, error) {
	end, name, closes := markupAt(b, p, l.Prefix)
	switch {
	case closes && name == "row":
		l.endRow(l.base + int64(p))
	case closes && name == "sheetData":
		if l.open >= 0 {
			return 0, l.fault(p, "a row is not closed")
		}
		l.endData(l.base + int64(p))
	case closes:
	case name == "row":
		return end, l.startRow(b[p:end], p)
	case name == "c":
		return l.cell(b, p, end)
	}
	return end, nil
}

func (l *Locator) startRow(tag []byte, at int) error {
	if l.open >= 0 {
		return l.fault(at, "a row begins inside another")
	}
	if err := l.cursor.startRow(tag, at); err != nil {
		return err
	}
	next := l.row
	l.last, l.between = -1, false
	from := l.base + int64(at)
	for l.nextRow < len(l.Rows) && l.Rows[l.nextRow].Row <= next {
		if r := &l.Rows[l.nextRow]; r.Row < next && r.At < 0 {
			r.At = from
		}
		l.nextRow++
	}
	i := sort.Search(len(l.Rows), func(i int) bool { return l.Rows[i].Row >= next })
	empty := tag[len(tag)-2] == '/'
	if i == len(l.Rows) || l.Rows[i].Row != next {
		l.passing, l.between = !empty, empty
		return nil
	}
	l.open, l.inserts = i, l.Rows[i].first
	if err := l.wholeRow(tag, at); err != nil {
		return err
	}
	if r := &l.Rows[i]; !r.Found {
		r.Found, r.Span, r.Tag, r.Empty = true, Span{from, from + int64(len(tag))}, bytes.Clone(tag), empty
	} else {
		l.inserts = r.past // its cells belong in the first of the two
	}
	l.settled = !empty
	if empty {
		l.endRow(from + int64(len(tag)))
	}
	return nil
}

func (l *Locator) endRow(at int64) {
	l.last, l.passing, l.settled, l.between = -1, false, false, true
	if l.open < 0 {
		return
	}
	r := &l.Rows[l.open]
	for ; l.inserts < r.past; l.inserts++ {
		l.belongs(l.inserts, at)
	}
	if !r.closed {
		r.End, r.closed = at, true
	}
	l.open = -1
}

// belongs notes where a cell belongs that is not there.
func (l *Locator) belongs(i int, at int64) {
	if c := &l.Cells[i]; !c.Found {
		c.At = at
	}
}

func (l *Locator) cell(b []byte, p, end int) (int, error) {
	ref, said, err := l.cellAt(b[p:end], p)
	if err == nil {
		err = l.inPlace(ref, l.between, p)
	}
	if err != nil {
		return 0, err
	}
	next := end
	if b[end-2] != '/' {
		if next = cellEnd(b, end, l.Prefix); next < 0 {
			return -1, nil
		}
	}
	l.col = ref.Col
	if !said && l.last >= 0 {
		l.Cells[l.last].Pins = true
	}
	l.last = -1
	from := l.base + int64(p)
	if l.open >= 0 {
		r := &l.Rows[l.open]
		for ; l.inserts < r.past && l.Cells[l.inserts].Ref.Col < ref.Col; l.inserts++ {
			l.belongs(l.inserts, from)
		}
		i, ok := slices.BinarySearchFunc(l.Cells[r.first:r.past], ref.Col, func(c CellSpot, col int) int { return c.Ref.Col - col })
		if ok {
			l.last = r.first + i
			l.settled = l.last == r.past-1
			c := &l.Cells[l.last]
			if c.Found {
				l.earlier[l.last] = append(l.earlier[l.last], c.Span)
			}
			c.Found, c.Pins, c.Span, c.XML = true, false, Span{from, l.base + int64(next)}, bytes.Clone(b[p:next])
		}
	}
	if l.last >= 0 || len(l.active) > 0 {
		if !l.formula(ref, b[p:next], from) {
			return 0, l.fault(p, "cell %v is not valid XML, as it must be to be changed", ref)
		}
	}
	return next, nil
}

// cellEnd gives the position behind the end tag of the cell whose start tag ends at p.
func cellEnd(b []byte, p int, prefix string) int {
	for {
		at, end := nextTag(b, p)
		if end < 0 {
			return -1
		}
		switch {
		case b[at+1] == '/':
			if localName(b[at+2:end], prefix) == "c" {
				return end
			}
		case b[end-2] != '/' && localName(b[at+1:end], prefix) == "extLst":
			if end = closing(b, end, prefix, "extLst"); end < 0 {
				return -1
			}
		}
		p = end
	}
}
