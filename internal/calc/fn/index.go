package fn

import (
	"math"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// Index finds things in columns by what was prepared for an earlier search of the same ones.
// Whoever calculates implements it and knows when a column has changed. It never changes a
// result, not even the order in which numbers are added. ok is false wherever it does not serve
// a search; then the cells are to be looked at one by one.
type Index interface {
	// Exact gives the place, counted from 0, of the first (or the last) cell of a column
	// that equals v as a lookup compares, ignoring case and without wildcards. found is -1
	// where there is none.
	Exact(column Area, v cell.Value, last bool) (found int, ok bool)
	// Candidates gives the places, ascending, of cells of a column among which are all that
	// equal v as a criterion compares. They are only to be read, until the next call. exact says
	// that there is no other among them: it may, where v is a text of ASCII.
	Candidates(column Area, v cell.Value) (places []int32, exact, ok bool)
	// Pick makes the lists of r what the cells of a column at these places hold. It always serves.
	Pick(column Area, places []int32, r *Run)
	// Sum gives the sum of the numbers in a column, added from top to bottom, and how many there
	// are; the code is that of the first error.
	Sum(column Area) (total float64, count int, code cell.ErrorCode, ok bool)
}

// A ColumnIndex says which cells of a column hold what. It is immutable once Finish was
// called.
type ColumnIndex struct {
	dates  numfmt.DateSystem
	groups map[uint64]int32 // of numbers, logical values and errors, by numberKey and its like
	texts  map[string]int32 // by FoldText
	folds  bool             // some text outside of ASCII folds into it, as the Kelvin sign does

	starts, places []int32 // the cells of group i are places[starts[i]:starts[i+1]], ascending

	// Until Finish.
	pairs   []pair
	written map[string]int32 // texts with digits: the group of the number that each is taken for, -1 for none
}

// writtenMax bounds the texts of which it is remembered whether they are numbers: columns that are searched
// for texts have the same ones again and again.
const writtenMax = 1 << 12

type pair struct{ group, place int32 }

// NewColumnIndex makes an index of about n cells that holds nothing yet.
func NewColumnIndex(n int, dates numfmt.DateSystem) *ColumnIndex {
	return &ColumnIndex{dates: dates, groups: make(map[uint64]int32, n/4), texts: map[string]int32{}, pairs: make([]pair, 0, n), written: map[string]int32{}}
}

// numberKey is the same for numbers whose first 15 digits are.
func numberKey(f float64) uint64 {
	if f == 0 {
		return 0
	}
	if f != math.Trunc(f) || math.Abs(f) >= 1e15 {
		f = Round15(f)
	}
	return math.Float64bits(f)
}

// Keys of logical values and errors are NaNs, which no number is.
const (
	boolKey  = 0x7FF8_0000_0000_0100
	errorKey = 0x7FF8_0000_0001_0000
)

func keyOf(v cell.Value) uint64 {
	switch v.Kind() {
	case cell.Bool:
		return boolKey + uint64(v.Number())
	case cell.Error:
		return errorKey + uint64(v.Err())
	}
	return numberKey(v.Number())
}

// Add adds a cell at a place; those of a column come from top to bottom.
func (x *ColumnIndex) Add(place int, v cell.Value) {
	switch v.Kind() {
	case cell.Blank:
	case cell.Text:
		s := v.Text()
		folded := FoldText(s)
		x.folds = x.folds || !isASCII(s) && isASCII(folded)
		x.pairs = append(x.pairs, pair{x.text(folded), int32(place)})
		if strings.ContainsAny(s, "0123456789") {
			if g := x.number(s); g >= 0 { // a criterion takes it for the number
				x.pairs = append(x.pairs, pair{g, int32(place)})
			}
		}
	default:
		x.pairs = append(x.pairs, pair{x.group(keyOf(v)), int32(place)})
	}
}

// number gives the group of the number that a text is taken for, -1 if it is for none.
func (x *ColumnIndex) number(s string) int32 {
	g, ok := x.written[s]
	if ok {
		return g
	}
	g = -1
	if f, ok := ParseNumber(s, x.dates); ok {
		g = x.group(numberKey(f))
	}
	if len(x.written) < writtenMax {
		x.written[s] = g
	}
	return g
}

func (x *ColumnIndex) next() int32 { return int32(len(x.groups) + len(x.texts)) }

func (x *ColumnIndex) group(key uint64) int32 {
	g, ok := x.groups[key]
	if !ok {
		g = x.next()
		x.groups[key] = g
	}
	return g
}

func (x *ColumnIndex) text(key string) int32 {
	g, ok := x.texts[key]
	if !ok {
		g = x.next()
		x.texts[key] = g
	}
	return g
}

// Finish sorts what was added.
func (x *ColumnIndex) Finish() {
	x.starts = make([]int32, x.next()+2)
	for _, p := range x.pairs {
		x.starts[p.group+2]++
	}
	for i := 2; i < len(x.starts); i++ {
		x.starts[i] += x.starts[i-1]
	}
	x.places = make([]int32, len(x.pairs))
	for _, p := range x.pairs {
		x.places[x.starts[p.group+1]] = p.place
		x.starts[p.group+1]++
	}
	x.pairs, x.written = nil, nil
}

// Find gives the places, ascending, of cells among which are all that equal v, be it as a
// lookup compares or as a criterion does. The list is only to be read.
func (x *ColumnIndex) Find(v cell.Value) []int32 {
	var g int32
	var ok bool
	switch v.Kind() {
	case cell.Blank:
		return nil
	case cell.Text:
		g, ok = x.texts[FoldText(v.Text())]
	default:
		g, ok = x.groups[keyOf(v)]
	}
	if !ok {
		return nil
	}
	return x.places[x.starts[g]:x.starts[g+1]]
}

// Exact reports whether the cells that [ColumnIndex.Find] gives for v are those that meet a criterion
// which asks for v, and no others.
func (x *ColumnIndex) Exact(v cell.Value) bool {
	return v.Kind() == cell.Text && isASCII(v.Text()) && !x.folds
}

// Bytes is about what the index takes in memory, without the texts.
func (x *ColumnIndex) Bytes() int64 {
	return 200 + 4*int64(len(x.places)+len(x.starts)) + 24*int64(len(x.groups)) + 40*int64(len(x.texts))
}

// SameCell reports whether a lookup for x finds e: of the same kind, texts without regard to
// case, numbers to the last bit.
func SameCell(e, x cell.Value) bool {
	if x.Kind() == cell.Text {
		return e.Kind() == cell.Text && EqualText(e.Text(), x.Text())
	}
	return e == x && !x.IsBlank()
}

// sparse is how much smaller than a column a list of candidates has to be to pay.
const sparse = 8

// picked is the room of a selection by an index: its list, and what is read of one column.
type picked struct {
	list []int32
	run  Run
}

// pickedMax bounds the cells of a room that is kept for the next selection.
const pickedMax = 1 << 14

// few finds the cells of a selection of one column by an index, where one of the criteria asks for
// a value that few cells hold.
func (s *Selection) few(c *Context, criteria []*Criterion, areas []Area) bool {
	if c.Index == nil || s.cols != 1 || s.rows < 64 {
		return false
	}
	room := c.room
	if c.room = nil; room == nil {
		room = &picked{}
	}
	fewest := s.rows/sparse + 1
	met := -1 // the criterion that all of the fewest meet
	among := room.list[:0]
	for i, k := range criteria {
		v, ok := k.Equals()
		if !ok {
			continue
		}
		list, exact, ok := c.Index.Candidates(s.part(areas[i]), v)
		if !ok || len(list) >= fewest {
			continue
		}
		fewest, among, met = len(list), append(among[:0], list...), -1
		if exact {
			met = i
		}
	}
	if fewest > s.rows/sparse {
		c.room = room
		return false
	}
	for i, k := range criteria {
		if i == met {
			continue
		}
		r := &room.run
		c.Index.Pick(s.part(areas[i]), among, r)
		kept := among[:0]
		for j := 0; j < len(r.Kinds); {
			w, n := k.word(r, j)
			for b := range n {
				if w&(1<<b) != 0 {
					kept = append(kept, among[j+b])
				}
			}
			j += n
		}
		among = kept
	}
	room.list = among
	s.room = room
	return true
}

// Done gives the room of a selection that is not used any more to the next one.
func (s *Selection) Done(c *Context) {
	if s.room != nil && cap(s.room.list) <= pickedMax {
		clear(s.room.run.Texts)
		c.room = s.room
	}
	s.room = nil
}
