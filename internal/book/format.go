package book

import (
	"encoding/binary"
	"iter"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// FormatCells changes how cells look and leaves what they hold. Cells that were not stored are
// then, blank. Where ranges overlap a cell is changed once.
type FormatCells struct {
	Sheet  string // its name; case does not matter
	Ranges []cell.Range
	// Anew lets each cell begin with the workbook's default format, and not with its own.
	Anew     bool
	Settings xf.Settings
}

// MaxFormat is how many cells one FormatCells may name.
const MaxFormat = 2 << 20

func (o FormatCells) kind() opKind { return kindFormatCells }

func (o FormatCells) appendTo(b []byte) []byte {
	b = appendText(b, o.Sheet)
	b = append(b, boolByte(o.Anew))
	b = binary.AppendUvarint(b, uint64(len(o.Ranges)))
	for _, r := range o.Ranges {
		b = appendRange(b, r)
	}
	return appendSettings(b, o.Settings)
}

func boolByte(on bool) byte {
	if on {
		return 1
	}
	return 0
}

func appendRange(b []byte, r cell.Range) []byte {
	for _, n := range [...]int{r.First.Row, r.First.Col, r.Last.Row, r.Last.Col} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// appendSettings appends the number of settings, and of each its leaf and whether it is reset as
// bytes, and then its value if it is not.
func appendSettings(b []byte, s xf.Settings) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	for _, one := range s {
		b = append(b, byte(one.Leaf), boolByte(one.Reset))
		if !one.Reset {
			b = appendText(b, one.Value)
		}
	}
	return b
}

func (d *decoder) rng() (r cell.Range) {
	r.First = cell.Ref{Row: d.below(cell.MaxRows), Col: d.below(cell.MaxCols)}
	r.Last = cell.Ref{Row: d.below(cell.MaxRows), Col: d.below(cell.MaxCols)}
	return r
}

func (d *decoder) bool() bool {
	v := d.byte()
	if v > 1 {
		d.fail("%d is neither yes nor no", v)
	}
	return v == 1
}

func (d *decoder) settings() (s xf.Settings) {
	n := d.count(2)
	for i := 0; i < n && d.err == nil; i++ {
		one := xf.Setting{Leaf: xf.Leaf(d.byte()), Reset: d.bool()}
		if !one.Reset {
			one.Value = d.text()
		}
		s = append(s, one)
	}
	return s
}

func decodeFormatCells(d *decoder) Op {
	o := FormatCells{Sheet: d.text(), Anew: d.bool()}
	n := d.count(4)
	for i := 0; i < n && d.err == nil; i++ {
		o.Ranges = append(o.Ranges, d.rng())
	}
	o.Settings = d.settings()
	return o
}

func (o FormatCells) check(s *Snapshot) *Error {
	if _, err := s.worksheet(o.Sheet); err != nil {
		err.Sheet = o.Sheet
		return err
	}
	var n int64
	for _, r := range o.Ranges {
		if !r.First.Valid() || !r.Last.Valid() || r.First.Row > r.Last.Row || r.First.Col > r.Last.Col {
			return errorf(BadCell, "", "%v is no range of a worksheet", r)
		}
		if n += r.Cells(); n > MaxFormat {
			return errorf(TooMany, "Format the part that has data, or several parts in several calls.", "the ranges have more than %d cells", MaxFormat)
		}
	}
	return checkSettings(o.Settings)
}

func checkSettings(s xf.Settings) *Error {
	if err := s.Check(); err != nil {
		return errorf(BadFormat, "", "%v", err)
	}
	return nil
}

func (o FormatCells) apply(d *draft) error {
	i, sheet, err := d.named(o.Sheet)
	if err != nil {
		return err
	}
	f := reformat{anew: o.Anew, settings: o.Settings}
	ranges := Apart(o.Ranges)
	for _, r := range ranges {
		for _, own := range stylesOf(sheet, r) {
			f.want(own)
			d.edited++
		}
	}
	f.make(d)
	edited, err := d.formatted(sheet, func(yield func(cell.Ref, uint32) bool) {
		for _, r := range ranges {
			for ref, own := range stylesOf(sheet, r) {
				if is := f.of(own); is != own && !yield(ref, is) {
					return
				}
			}
		}
	})
	if err != nil {
		return err
	}
	if edited != sheet {
		d.put(i, sheet, edited)
	}
	return nil
}

// A reformat tells which format becomes of another by some settings. Those that there are to be are found out
// first, by want: they are made all at once.
type reformat struct {
	anew     bool // whatever it was, the workbook's default format is what they are put on
	settings xf.Settings

	key    string // of the settings
	needs  []styleNeed
	needed map[styleNeed]bool
	made   func(styleNeed) uint32
}

func (f *reformat) need(own uint32) styleNeed {
	if f.anew {
		own = 0
	}
	return styleNeed{own, f.key}
}

// want notes that a style is one to be changed.
func (f *reformat) want(own uint32) {
	if f.needed == nil {
		f.key, f.needed = string(appendSettings(nil, f.settings.Sorted())), map[styleNeed]bool{}
	}
	if n := f.need(own); !f.needed[n] {
		f.needed[n] = true
		f.needs = append(f.needs, n)
	}
}

// make makes what is wanted.
func (f *reformat) make(d *draft) { f.made = d.madeStyles(f.needs) }

// of gives what becomes of a style that was wanted, once it is made.
func (f *reformat) of(own uint32) uint32 { return f.made(f.need(own)) }

// formatted gives a sheet of which cells have the styles that are said, of each cell once.
func (d *draft) formatted(sheet *grid.Sheet, styles iter.Seq2[cell.Ref, uint32]) (*grid.Sheet, error) {
	changes := make([]grid.Change, 0, changedAtOnce)
	give := func() (err error) {
		if err = d.ctx.Err(); err == nil {
			sheet, err = sheet.With(changes)
		}
		changes = changes[:0]
		return err
	}
	for ref, style := range styles {
		if len(changes) == changedAtOnce {
			if err := give(); err != nil {
				return nil, err
			}
		}
		changes = append(changes, grid.Change{Ref: ref, Kind: grid.SetStyle, Style: style})
	}
	err := give()
	return sheet, err
}

// stylesOf yields the cells of a range, whether stored or not, with the formats that they have.
func stylesOf(sheet *grid.Sheet, r cell.Range) func(yield func(cell.Ref, uint32) bool) {
	return func(yield func(cell.Ref, uint32) bool) {
		next := r.First
		missing := func(to cell.Ref) bool {
			for next != to {
				if !yield(next, sheet.Layout.LineStyle(next)) {
					return false
				}
				if next.Col++; next.Col > r.Last.Col {
					next = cell.Ref{Row: next.Row + 1, Col: r.First.Col}
				}
			}
			return true
		}
		for c := range sheet.Cells(r) {
			if !missing(c.Ref) || !yield(c.Ref, c.Style) {
				return
			}
			if next.Col++; next.Col > r.Last.Col {
				next = cell.Ref{Row: next.Row + 1, Col: r.First.Col}
			}
		}
		missing(cell.Ref{Row: r.Last.Row + 1, Col: r.First.Col})
	}
}

// Apart gives ranges of which no two meet, with the cells of list; the first stays as it is.
func Apart(list []cell.Range) (out []cell.Range) {
	for _, r := range list {
		out = append(out, less(r, out)...)
	}
	return out
}

// without gives the parts of a that are not in b: above, below, left and right of it.
func without(a, b cell.Range) []cell.Range {
	m, meet := a.Intersect(b)
	if !meet {
		return []cell.Range{a}
	}
	var out []cell.Range
	add := func(r0, c0, r1, c1 int) {
		if r0 <= r1 && c0 <= c1 {
			out = append(out, cell.Range{First: cell.Ref{Row: r0, Col: c0}, Last: cell.Ref{Row: r1, Col: c1}})
		}
	}
	add(a.First.Row, a.First.Col, m.First.Row-1, a.Last.Col)
	add(m.First.Row, a.First.Col, m.Last.Row, m.First.Col-1)
	add(m.First.Row, m.Last.Col+1, m.Last.Row, a.Last.Col)
	add(m.Last.Row+1, a.First.Col, a.Last.Row, a.Last.Col)
	return out
}

// looks gives what the formats of a workbook say, leaf by leaf, each taken apart once.
type looks struct {
	styles *grid.Styles
	seen   map[uint32]*xf.Leaves
}

func (l *looks) of(style uint32) *xf.Leaves {
	if s := l.seen[style]; s != nil {
		return s
	}
	s := xf.Of(format(l.styles, style))
	if l.seen == nil {
		l.seen = make(map[uint32]*xf.Leaves)
	}
	l.seen[style] = &s
	return &s
}

// format gives a cell format of a workbook.
func format(styles *grid.Styles, style uint32) grid.Xf {
	if styles == nil || int(style) >= len(styles.Xfs) {
		return grid.Xf{NumFmt: "General", NamedStyle: -1}
	}
	return styles.Xfs[style]
}

// look lets c change the format of its cell from one to another.
func (c *CellEdit) look(from, to *xf.Leaves) {
	c.NumFmt, c.Format = "", nil
	for _, one := range xf.Difference(from, to) {
		if one.Leaf == xf.NumberFormat {
			c.NumFmt = one.Value
		} else {
			c.Format = append(c.Format, one)
		}
	}
}

// formats reports whether c changes the format of its cell.
func (c *CellEdit) formats() bool { return c.NumFmt != "" || len(c.Format) > 0 }

// settings gives what c does to the format of its cell.
func (c *CellEdit) settings() xf.Settings {
	if c.NumFmt == "" {
		return c.Format
	}
	return append(slices.Clip(c.Format), xf.Setting{Leaf: xf.NumberFormat, Value: c.NumFmt})
}

// Formats gives a cell whose format e changes, as "Sheet1!A1", if there is any.
func (e Edit) Formats() (at string, ok bool) {
	for _, op := range e.Ops {
		switch o := op.(type) {
		case SetCells:
			for i := range o.Cells {
				if c := &o.Cells[i]; c.formats() {
					return cell.QuoteSheet(o.Sheet) + "!" + c.Ref.String(), true
				}
			}
		case FormatCells:
			for _, r := range o.Ranges {
				return cell.QuoteSheet(o.Sheet) + "!" + r.First.String(), true
			}
		case FormatLines:
			for _, l := range o.Spans {
				return cell.QuoteSheet(o.Sheet) + "!" + o.Range(l).String(), true
			}
		}
	}
	return "", false
}
