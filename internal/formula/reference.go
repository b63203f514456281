package formula

import (
	"iter"
	"strings"

	"gridflow/internal/cell"
)

// RefKind says what a [Reference] refers to.
type RefKind uint8

// The kinds of reference.
const (
	CellRef    RefKind = iota // First: one cell, A1
	AreaRef                   // First and Last: A1:B2
	ColumnsRef                // columns of First and Last: A:C
	RowsRef                   // rows of First and Last: 1:5
	NameRef                   // Name: a defined name
	TableRef                  // Name, and the methods Items and Columns: a part of a table
	DeletedRef                // #REF!
)

var refKindNames = [...]string{"cell", "area", "columns", "rows", "name", "table", "deleted"}

// String gives the kind's name in lower case.
func (k RefKind) String() string { return refKindNames[k] }

// Trim says at which ends a reference leaves empty rows and columns away: a dot beside its colon.
type Trim uint8

// The ends, with the numbers that TRIMRANGE has for them.
const (
	TrimLeading  Trim = 1 << iota // A1.:B9
	TrimTrailing                  // A1:.B9
)

// trimNames are the functions that files have for them.
var trimNames = [...]string{TrimLeading: "_TRO_LEADING", TrimTrailing: "_TRO_TRAILING", TrimLeading | TrimTrailing: "_TRO_ALL"}

// colon gives what stands between the corners.
func (t Trim) colon() string { return [...]string{":", ".:", ":.", ".:."}[t] }

// TrimOf gives the ends that a function of files stands for, given as [FunctionName] gives it; 0 for any other.
func TrimOf(function string) Trim {
	for t, name := range trimNames {
		if name != "" && name == function {
			return Trim(t)
		}
	}
	return 0
}

// Corner is one end of a reference: 0-based positions, and whether each has a "$".
// In a tree whose relative parts are offsets (see [Mode]) a position may be negative.
type Corner struct {
	Row, Col       int32
	AbsRow, AbsCol bool
}

// Reference is what one reference of a formula says. It is a value: copy it, change
// the copy, give it back to [Tree.Rewrite]. Two references are the same if they are ==.
type Reference struct {
	Kind        RefKind
	First, Last Corner
	Trim        Trim   // of an area, columns or rows
	Name        string // of a NameRef or TableRef; a TableRef without one is about the table it stands in
	sheets      *sheets
	table       *tablePart
}

// sheets is the part of a reference up to its "!".
type sheets struct {
	raw         string // as written, with the "!"; empty if it is to be composed
	book        string
	first, last string
}

// tablePart is the bracketed part of a table reference.
type tablePart struct {
	raw         string // as written, brackets included; empty if it is to be composed
	items       Items
	first, last string
}

// Items is the set of table parts that a table reference names.
type Items uint8

// The parts of a table. None at all means ItemData.
const (
	ItemAll Items = 1 << iota
	ItemHeaders
	ItemData
	ItemTotals
	ItemThisRow
)

var itemNames = [...]string{"#All", "#Headers", "#Data", "#Totals", "#This Row"}

// Qualified reports whether a sheet or a workbook stands before the reference.
func (r Reference) Qualified() bool { return r.sheets != nil }

// Book is the workbook as the formula names it: "1" for the first external link in
// [1]Sheet1!A1, a file name in '[Book 1.xlsx]Sheet'!A1, empty for this workbook.
func (r Reference) Book() string {
	if r.sheets == nil {
		return ""
	}
	return r.sheets.book
}

// Sheet is the sheet as written, the first one of a 3-D reference, without quotes.
// It is empty where the reference names none. It is "#REF!" where the sheet was deleted.
func (r Reference) Sheet() string {
	if r.sheets == nil {
		return ""
	}
	return r.sheets.first
}

// LastSheet is the other end of a 3-D reference, Jan:Dec!A1, and else empty.
func (r Reference) LastSheet() string {
	if r.sheets == nil {
		return ""
	}
	return r.sheets.last
}

// Items gives the parts of the table that a table reference names.
func (r Reference) Items() Items {
	if r.table == nil {
		return 0
	}
	return r.table.items
}

// Columns gives the first and the last column that a table reference names: both
// empty for all of them, equal for one.
func (r Reference) Columns() (first, last string) {
	if r.table == nil {
		return "", ""
	}
	return r.table.first, r.table.last
}

// WithSheets gives r with other sheet names. Last is empty unless it is a 3-D
// reference; with all three empty the reference is unqualified.
func (r Reference) WithSheets(book, first, last string) Reference {
	r.sheets = nil
	if book != "" || first != "" {
		r.sheets = &sheets{book: book, first: first, last: last}
	}
	return r
}

// WithTable gives r as a reference to other parts or columns of its table.
func (r Reference) WithTable(items Items, first, last string) Reference {
	r.Kind = TableRef
	r.table = &tablePart{items: items, first: first, last: last}
	return r
}

// Range gives the cells that r covers, with the corners in order. ok is false for
// names, tables and what was deleted, and where a corner lies off the sheet.
func (r Reference) Range() (x cell.Range, ok bool) {
	a, b := r.First, r.Last
	switch r.Kind {
	case CellRef:
		b = a
	case AreaRef:
	case ColumnsRef:
		a.Row, b.Row = 0, cell.MaxRows-1
	case RowsRef:
		a.Col, b.Col = 0, cell.MaxCols-1
	default:
		return cell.Range{}, false
	}
	if !a.onSheet() || !b.onSheet() {
		return cell.Range{}, false
	}
	return cell.RangeOf(cell.Ref{Row: int(a.Row), Col: int(a.Col)}, cell.Ref{Row: int(b.Row), Col: int(b.Col)}), true
}

func (c Corner) onSheet() bool { return uint32(c.Row) < cell.MaxRows && uint32(c.Col) < cell.MaxCols }

// trims reports whether the reference may have dots beside its colon, and has none.
func (r *Reference) trims() bool { return r.Kind >= AreaRef && r.Kind <= RowsRef && r.Trim == 0 }

// References walks every reference under n, in the order in which they are written.
// Names that LET and LAMBDA bind are not among them, names of called functions are
// not either: see [Functions].
func References(n *Node) iter.Seq[Reference] {
	return func(yield func(Reference) bool) {
		for m := range Nodes(n) {
			if m.Kind == Ref && !yield(*m.Ref) {
				return
			}
		}
	}
}

// Nodes walks n and everything under it, each node before its operands.
func Nodes(n *Node) iter.Seq[*Node] {
	return func(yield func(*Node) bool) { walk(n, yield) }
}

func walk(n *Node, yield func(*Node) bool) bool {
	if n == nil {
		return true
	}
	if !yield(n) {
		return false
	}
	for _, k := range n.Kids {
		if !walk(k, yield) {
			return false
		}
	}
	return true
}

// Rewrite gives the tree in which every reference r is replaced by f(r). Nodes
// without a changed reference are shared with t, and t itself comes back if nothing
// changed. The sheet prefix of a called function (Book.xlsm!Macro(1)) is also passed
// to f, as a NameRef.
func (t *Tree) Rewrite(f func(Reference) Reference) *Tree {
	root := rewrite(t.Root, f)
	if root == t.Root {
		return t
	}
	return &Tree{Root: root, src: t.src, mode: t.mode, changed: true}
}

func rewrite(n *Node, f func(Reference) Reference) *Node {
	var ref *Reference
	if n.Ref != nil {
		if r := f(*n.Ref); r != *n.Ref {
			ref = &r
		}
	}
	var kids []*Node
	for i, k := range n.Kids {
		if m := rewrite(k, f); m != k {
			if kids == nil {
				kids = append(make([]*Node, 0, len(n.Kids)), n.Kids...)
			}
			kids[i] = m
		}
	}
	if ref == nil && kids == nil {
		return n
	}
	m := *n
	if ref != nil {
		m.Ref = ref
		if n.Kind == Call {
			m.Text = ref.Name
		}
	}
	if kids != nil {
		m.Kids = kids
	}
	return &m
}

// decodeSheets reads a sheet prefix as it is written, "!" included.
func decodeSheets(raw string) *sheets {
	s := &sheets{raw: raw}
	if strings.EqualFold(raw, deletedText) {
		s.first = deletedText
		return s
	}
	body := raw[:len(raw)-1]
	if strings.HasPrefix(body, "'") && strings.HasSuffix(body, "'") && len(body) > 1 {
		body = body[1 : len(body)-1]
	}
	if open := strings.LastIndexByte(body, '['); open >= 0 {
		if length := strings.IndexByte(body[open:], ']'); length > 0 {
			// A path before the bracket is a part of the workbook's name.
			s.book = body[:open] + body[open+1:open+length]
			body = strings.TrimPrefix(body[open+length+1:], "'")
			body = strings.TrimSuffix(body, "'")
		}
	}
	if s.first = body; strings.ContainsAny(body, `/\`) {
		// 'C:\data\Book.xlsx'!Name: no sheet has such a name.
		s.book, s.first = body, ""
	} else if first, last, ok := strings.Cut(body, ":"); ok {
		// 'Jan':'Dec' is what some writers make of 'Jan:Dec', and people type Jan:'Dec 26'. No name begins or ends with a quote.
		s.first, s.last = strings.Trim(first, "'"), strings.Trim(last, "'")
	}
	if strings.Contains(raw, "''") {
		s.book, s.first, s.last = unquote(s.book), unquote(s.first), unquote(s.last)
	}
	return s
}

func unquote(s string) string { return strings.ReplaceAll(s, "''", "'") }

// append writes the prefix, quoted where Excel needs it.
func (s *sheets) append(b []byte) []byte {
	if s.raw != "" {
		return append(b, s.raw...)
	}
	if s.first == deletedText {
		return append(b, deletedText...)
	}
	quote := false
	for _, name := range [...]string{s.first, s.last} {
		quote = quote || name != "" && cell.QuoteSheet(name) != name
	}
	folder, file := "", s.book
	if i := strings.LastIndexAny(s.book, `/\`); i >= 0 {
		folder, file = s.book[:i+1], s.book[i+1:]
	}
	for i := 0; i < len(s.book); i++ {
		quote = quote || class[s.book[i]]&isName == 0
	}
	from := len(b)
	b = append(b, folder...)
	if s.book != "" {
		b = append(append(append(b, '['), file...), ']')
	}
	b = append(b, s.first...)
	if s.last != "" {
		b = append(append(b, ':'), s.last...)
	}
	if quote {
		quoted := "'" + strings.ReplaceAll(string(b[from:]), "'", "''") + "'"
		b = append(b[:from], quoted...)
	}
	return append(b, '!')
}
