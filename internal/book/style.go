package book

import (
	"encoding/binary"
	"slices"

	"gridflow/internal/grid"
	"gridflow/internal/lock"
	"gridflow/internal/numfmt"
)

// styleNeed is a cell format that an edit needs: that of style, with another number format.
type styleNeed struct {
	style uint32
	code  string
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
		key = appendText(key, n.code)
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
// made again.
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
	index := make(map[grid.Xf]uint32, len(styles.Xfs))
	ids := make(map[string]int)
	for i, xf := range styles.Xfs {
		id := xf.NumFmtID
		if _, ok := ids[xf.NumFmt]; !ok {
			ids[xf.NumFmt] = id
		}
		xf.NumFmtID = 0 // the code says it
		if _, ok := index[xf]; !ok {
			index[xf] = uint32(i)
		}
	}
	for _, need := range needs {
		xf := styles.Xfs[0]
		if int(need.style) < len(styles.Xfs) {
			xf = styles.Xfs[need.style]
		}
		xf.NumFmt, xf.NumFmtID = need.code, 0
		i, ok := index[xf]
		if !ok {
			i = uint32(len(styles.Xfs))
			index[xf] = i
			xf.NumFmtID = numFmtID(ids, need.code)
			styles.Xfs = append(styles.Xfs, xf)
			styles.Formats = append(styles.Formats, numfmt.Compile(need.code))
			styles.Derived = append(styles.Derived, fromFile(&styles, need.style))
		}
		s.at[need] = i
	}
	if len(styles.Xfs) > had {
		book := *base
		book.Styles = &styles
		s.book = &book
	}
	return s
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
