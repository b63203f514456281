package book

import (
	"encoding/binary"
	"slices"

	"gridflow/internal/grid"
	"gridflow/internal/lock"
	"gridflow/internal/numfmt"
	"gridflow/internal/xf"
)

// styleNeed is a cell format that an edit needs: that of style, with settings in their binary form,
// sorted.
type styleNeed struct {
	style    uint32
	settings string
}

// styleMemo keeps what edits made of a workbook's styles, so that a thousand forks that
// format their cells alike share one style sheet. Any number of goroutines may use it.
type styleMemo struct {
	mu   lock.Mutex[lock.BookStyles]
	made map[styleKey]*styled
}

// styleKey is a workbook and what was needed of it, in order.
type styleKey struct {
	base  *grid.Workbook
	needs string
}

// styled is a workbook with all styles that were needed, and their indices.
type styled struct {
	book *grid.Workbook
	at   map[styleNeed]uint32
}

// maxMemo bounds the entries of a styleMemo; maxMemoKey, in bytes, what is kept at all.
const (
	maxMemo    = 64
	maxMemoKey = 4096
)

// with gives base with the styles that needs ask for, each once.
func (m *styleMemo) with(base *grid.Workbook, needs []styleNeed) *styled {
	var key []byte
	for _, n := range needs {
		key = binary.AppendUvarint(key, uint64(n.style))
		key = appendText(key, n.settings)
	}
	k := styleKey{base, string(key)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.made[k]; s != nil {
		return s
	}
	s := withStyles(base, needs)
	if len(key) <= maxMemoKey {
		if len(m.made) >= maxMemo {
			clear(m.made) // what is in use lives on in its snapshots
		}
		if m.made == nil {
			m.made = make(map[styleKey]*styled)
		}
		m.made[k] = s
	}
	return s
}

// withStyles gives base with the styles that needs ask for. What is there already is not
// made again; where all is, it is base itself.
func withStyles(base *grid.Workbook, needs []styleNeed) *styled {
	s := &styled{book: base, at: make(map[styleNeed]uint32, len(needs))}
	var styles grid.Styles
	if base.Styles != nil {
		styles = *base.Styles
	}
	had := len(styles.Xfs)
	styles.Xfs, styles.Formats, styles.Derived = slices.Clip(styles.Xfs), slices.Clip(styles.Formats), slices.Clip(styles.Derived)
	if had == 0 {
		// Index 0 is what cells without a style have.
		styles.Xfs = append(styles.Xfs, grid.Xf{NumFmt: "General", NamedStyle: -1})
		styles.Formats = append(styles.Formats, numfmt.Compile("General"))
	}
	have := finder{styles: &styles}
	for _, need := range needs {
		d := decoder{b: []byte(need.settings)}
		was := format(&styles, need.style)
		is, changed := xf.Apply(was, styles.Xfs[0], d.settings())
		if !changed && (need.style == 0 || int(need.style) < len(styles.Xfs)) {
			s.at[need] = need.style
			continue
		}
		i, ok := have.find(is, len(needs))
		if !ok {
			i = uint32(len(styles.Xfs))
			if is.NumFmtID == 0 {
				is.NumFmtID = have.numFmtID(is.NumFmt)
			}
			styles.Xfs = append(styles.Xfs, is)
			styles.Formats = append(styles.Formats, numfmt.Compile(is.NumFmt))
			styles.Derived = append(styles.Derived, fromFile(&styles, need.style))
			have.made(i)
		}
		s.at[need] = i
	}
	if len(styles.Xfs) > max(had, 1) {
		book := *base
		book.Styles = &styles
		s.book = &book
	}
	return s
}

// finder finds formats in a style sheet that grows.
type finder struct {
	styles *grid.Styles
	index  map[lookKey]uint32 // the first of each kind, once many are looked for
	ids    map[string]int     // of number formats, once one is needed
}

// lookKey is all that tells two formats of a workbook from each other.
type lookKey struct {
	leaves xf.Leaves
	named  int
}

// manyNeeds is from when on a style sheet is indexed: to look through it some times costs less.
const manyNeeds = 4

// find finds a format that says what x does.
func (f *finder) find(x grid.Xf, needs int) (uint32, bool) {
	key := lookKey{xf.Of(x), x.NamedStyle}
	if needs < manyNeeds {
		for i := range f.styles.Xfs {
			if o := &f.styles.Xfs[i]; o.NamedStyle == x.NamedStyle && o.NumFmt == x.NumFmt && xf.Of(*o) == key.leaves {
				return uint32(i), true
			}
		}
		return 0, false
	}
	if f.index == nil {
		f.index = make(map[lookKey]uint32, len(f.styles.Xfs))
		for i := range f.styles.Xfs {
			f.made(uint32(i))
		}
	}
	i, ok := f.index[key]
	return i, ok
}

// made notes a format.
func (f *finder) made(i uint32) {
	if f.index == nil {
		return
	}
	x := &f.styles.Xfs[i]
	key := lookKey{xf.Of(*x), x.NamedStyle}
	if _, ok := f.index[key]; !ok {
		f.index[key] = i
	}
}

// numFmtID gives the id of a number format code.
func (f *finder) numFmtID(code string) int {
	if f.ids == nil {
		f.ids = make(map[string]int)
		for i := range f.styles.Xfs {
			if x := &f.styles.Xfs[i]; x.NumFmt != "" {
				if _, ok := f.ids[x.NumFmt]; !ok {
					f.ids[x.NumFmt] = x.NumFmtID
				}
			}
		}
	}
	return numFmtID(f.ids, code)
}

// fromFile gives the style of the file that a style is, or was made of.
func fromFile(s *grid.Styles, style uint32) uint32 {
	own := len(s.Xfs) - 1 - len(s.Derived) // the last one was just made
	switch {
	case int(style) >= len(s.Xfs):
		return 0
	case int(style) >= own:
		return s.Derived[int(style)-own]
	}
	return style
}

// firstCustomID is the lowest id of a number format that a file defines itself; builtinIDs
// is the number of those that every program knows.
const (
	firstCustomID = 164
	builtinIDs    = 50
)

// numFmtID gives the id of a code: that which it has, that of a built-in one, or a new one.
// ids are those in use.
func numFmtID(ids map[string]int, code string) int {
	if id, ok := ids[code]; ok {
		return id
	}
	next := firstCustomID
	for _, id := range ids {
		next = max(next, id+1)
	}
	for id := range builtinIDs {
		if builtin, ok := numfmt.Builtin(id); ok && builtin == code {
			next = id
			break
		}
	}
	ids[code] = next
	return next
}
