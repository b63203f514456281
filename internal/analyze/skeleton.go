package analyze

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Skeleton is what the formulas of a sheet say, each of them once. Formulas that are
// copies of one another share a Template, however they are stored: as a shared formula,
// or as a text for each cell. Copies below one another are a Run. It holds no pointer
// into the sheet.
type Skeleton struct {
	Templates []Template // in the order in which they were met, column by column
	Runs      []Run      // by column, then by row; they do not overlap
	Formulas  int        // formula cells
	Left      int        // formula cells that are in no run, because there are too many different formulas

	groups map[cell.Ref]int32 // templates of shared formulas by anchor, while it is made
	byHash map[uint64]int32
}

// Template is one formula in its relative form, which all of its copies have.
type Template struct {
	Hash  uint64   // of the relative form
	At    cell.Ref // the copy that was met first
	Count int32    // copies
	Nodes int32    // nodes of the syntax tree: how complex it is. 0 where it cannot be parsed

	Array, Shared bool
	Names         bool     // it refers to defined names
	Volatile      []string // the volatile functions that it calls, nil for none
	Err           string   // why it cannot be parsed, "" where it can
}

// Run is copies of a template below one another in one column.
type Run struct {
	Col, First, Last int32
	Template         int32
}

// Range gives the cells of the run.
func (r Run) Range() cell.Range {
	return cell.Range{First: cell.Ref{Row: int(r.First), Col: int(r.Col)}, Last: cell.Ref{Row: int(r.Last), Col: int(r.Col)}}
}

// templatesMax bounds the different formulas of one sheet; a sheet that has more gives
// a skeleton that says how many cells were left out.
const templatesMax = 1 << 19

// NewSkeleton reads the formulas of a sheet in one pass. A formula is scanned once for
// each cell (the members of a shared formula once together) and parsed once for each
// template.
func NewSkeleton(ctx context.Context, s *grid.Sheet) (*Skeleton, error) {
	k := &Skeleton{groups: make(map[cell.Ref]int32), byHash: make(map[uint64]int32)}
	used, ok := s.Used()
	if !ok || s.FormulaCells() == 0 {
		return k, nil
	}
	p := newPace(ctx)
	var buf []byte
	for _, col := range s.OccupiedCols(used.First.Row, used.Last.Row) {
		for c := range s.Column(col, used.First.Row, used.Last.Row) {
			if err := p.step(1); err != nil {
				return nil, err
			}
			if !c.HasFormula() {
				continue
			}
			if err := p.step(16); err != nil {
				return nil, err
			}
			f := s.Formula(c)
			if f.Kind == grid.DataTable {
				continue
			}
			k.Formulas++
			var t int32
			if t, buf = k.template(s, c, f, buf); t < 0 {
				k.Left++
				continue
			}
			k.Templates[t].Count++
			if n := len(k.Runs); n > 0 && int(k.Runs[n-1].Col) == col && int(k.Runs[n-1].Last)+1 == c.Ref.Row && k.Runs[n-1].Template == t {
				k.Runs[n-1].Last++
				continue
			}
			k.Runs = append(k.Runs, Run{int32(col), int32(c.Ref.Row), int32(c.Ref.Row), t})
		}
	}
	k.groups, k.byHash = nil, nil
	k.Templates, k.Runs = slices.Clip(k.Templates), slices.Clip(k.Runs)
	return k, nil
}

// template gives the template of a formula, -1 where there is no room for one more.
func (k *Skeleton) template(s *grid.Sheet, c grid.Cell, f grid.Formula, buf []byte) (int32, []byte) {
	shared := f.Kind == grid.SharedFormula
	if shared {
		if t, ok := k.groups[f.Anchor]; ok {
			return t, buf
		}
	}
	buf, err := formula.AppendRelative(buf[:0], f.Text, f.Anchor)
	if err != nil {
		buf = append(buf[:0], f.Text...)
	}
	array := f.Kind == grid.ArrayFormula || f.Kind == grid.DynamicArray
	if array {
		buf = append(buf, 0)
	}
	hash := formula.Hash(buf)
	t, ok := k.byHash[hash]
	if !ok {
		if len(k.Templates) >= templatesMax {
			return -1, buf
		}
		t = int32(len(k.Templates))
		k.byHash[hash] = t
		k.Templates = append(k.Templates, newTemplate(hash, c.Ref, f.Text, array))
	}
	if shared {
		k.groups[f.Anchor] = t
		k.Templates[t].Shared = true
	}
	return t, buf
}

func newTemplate(hash uint64, at cell.Ref, text string, array bool) Template {
	t := Template{Hash: hash, At: at, Array: array}
	tree, err := formula.Parse(text)
	if err != nil {
		t.Err = strings.Clone(err.Error())
		return t
	}
	for n := range formula.Nodes(tree.Root) {
		t.Nodes++
		switch {
		case n.Kind == formula.Call && formula.Volatile(n.Text):
			if name := n.Function(); !slices.Contains(t.Volatile, name) {
				t.Volatile = append(t.Volatile, strings.Clone(name))
			}
		case n.Kind == formula.Ref && n.Ref.Kind == formula.NameRef:
			t.Names = true
		}
	}
	return t
}

// Fingerprint gives the template's key as results show it: 16 hexadecimal digits.
func (t *Template) Fingerprint() string { return fmt.Sprintf("%016x", t.Hash) }

func (k *Skeleton) memoryBytes() int64 {
	n := int64(128) + 16*int64(len(k.Runs)) + 112*int64(len(k.Templates))
	for i := range k.Templates {
		n += int64(len(k.Templates[i].Err) + 32*len(k.Templates[i].Volatile))
	}
	return n
}

// run gives the index of the run that holds at, or -1.
func (k *Skeleton) run(at cell.Ref) int {
	i := k.search(at.Col, at.Row)
	if i < len(k.Runs) && int(k.Runs[i].Col) == at.Col && int(k.Runs[i].First) <= at.Row {
		return i
	}
	return -1
}

// search gives the index of the first run that ends at or behind a place.
func (k *Skeleton) search(col, row int) int {
	lo, hi := 0, len(k.Runs)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if r := k.Runs[m]; int(r.Col) < col || int(r.Col) == col && int(r.Last) < row {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// Diagnostics groups the formulas of a sheet that cannot be parsed.
type Diagnostics struct {
	Total  int // formula cells
	Groups []FailureGroup
	Cut    bool // there are more groups
}

// FailureGroup is formulas that fail for the same reason at the same place of their text.
type FailureGroup struct {
	Sheet   string
	Message string
	Preview string // of the first one, at most 80 bytes
	Count   int
	Samples []cell.Ref
}

// The bounds of what Diagnostics shows.
const (
	failureGroups  = 50
	failureSamples = 5
	previewBytes   = 80
)

// Diagnose adds the formulas of a sheet that cannot be parsed.
func (d *Diagnostics) Diagnose(s *grid.Sheet, k *Skeleton) {
	index := make(map[string]int)
	for t := range k.Templates {
		tpl := &k.Templates[t]
		if tpl.Err == "" {
			continue
		}
		d.Total += int(tpl.Count)
		c, _ := s.At(tpl.At)
		text := book.FormulaText(s, c)
		key := withoutPlaces(tpl.Err) + "\x00" + maskRefs(text)
		i, ok := index[key]
		if !ok {
			if len(d.Groups) >= failureGroups {
				d.Cut = true
				continue
			}
			i = len(d.Groups)
			index[key] = i
			d.Groups = append(d.Groups, FailureGroup{Sheet: s.Name, Message: tpl.Err, Preview: clipText(text, previewBytes)})
		}
		g := &d.Groups[i]
		g.Count += int(tpl.Count)
		if i := k.run(tpl.At); i >= 0 {
			for row := int(k.Runs[i].First); row <= int(k.Runs[i].Last) && len(g.Samples) < failureSamples; row++ {
				g.Samples = append(g.Samples, cell.Ref{Row: row, Col: tpl.At.Col})
			}
		}
	}
}

// withoutPlaces replaces the numbers of a message, which say where in the text it went
// wrong, and drops what is quoted from there.
func withoutPlaces(message string) string {
	if i := strings.Index(message, ", near "); i >= 0 {
		message = message[:i]
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '#'
		}
		return r
	}, message)
}

// maskRefs replaces what looks like a cell reference by $REF, in text that need not be
// a formula.
func maskRefs(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && (s[j] == '$' || lowerByte(s[j]) >= 'a' && lowerByte(s[j]) <= 'z' || s[j] >= '0' && s[j] <= '9' || s[j] == '_' || s[j] == '.') {
			j++
		}
		if _, ok := cell.ParseRef(s[i:j]); ok {
			b.WriteString("$REF")
		} else {
			b.WriteString(s[i:j])
		}
		if i = j; i < len(s) {
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// clipText cuts s to at most n bytes and an ellipsis, not inside of a character.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
