package graph

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"gridflow/internal/cell"
	"gridflow/internal/crew"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// What a build spends its time on is telling which formulas are copies of which. Three
// things make it short. The members of a shared formula are told by their anchor. A formula
// that is stored as a text for each cell is compared with the open text of those above it
// (formula.Pattern), and its relative form made only where it is none of them. Literals are open
// in both (literal.go). And columns
// are cut into pieces of rows which are scanned on all processors; the pieces are put
// together in their order, so that the result does not depend on who scanned what.

// pieceRows is the number of rows of one piece of work.
const pieceRows = 32 * grid.BandRows

// piece is the formulas of some rows of a column.
type piece struct {
	sheet, col, first, last int

	runs   []run
	arrays []run

	// The literals of the runs in which they are not all those of the proto, row by row.
	numbers []float64
	texts   []string
}

// run is copies of a formula below one another, or one array formula, which fills out.
type run struct {
	proto    *proto
	row, end int32
	out      box

	varied         bool  // the literals of its cells are in the piece
	numbers, texts int32 // where they begin
}

// proto is a template as one scanner met it.
type proto struct {
	formula  Formula
	literals formula.Literals
	tpl      *Template // once the pieces are put together
}

// scanner tells formulas of one sheet apart.
type scanner struct {
	sheet  int
	exact  bool // literals are part of a template
	protos map[protoKey]*proto
	groups map[groupKey]*sharedFormula // shared formulas
	buf    []byte

	// What was met last: the shared formula, and in the column patterns and formulas that had none.
	lastKey groupKey
	last    *sharedFormula
	col     int
	recent  [4]recent
	missed  [4]*proto

	// The literals of the formula that was looked at last; own is nil where they are those of its proto.
	own      *formula.Literals
	literals formula.Literals // room for them
}

// recent is a formula that was met again below itself, and its text with open rows and literals.
type recent struct {
	proto   *proto
	pattern *formula.Pattern
	varied  bool // the literals of the pattern are not those of the proto
}

// sharedFormula is one of the file.
type sharedFormula struct {
	proto    *proto
	literals *formula.Literals // nil where they are those of the proto
}

type protoKey struct {
	kind     grid.FormulaKind
	relative string
}

type groupKey struct {
	anchor cell.Ref
	text   string
}

func newScanner(sheet int) *scanner {
	return &scanner{sheet: sheet, protos: make(map[protoKey]*proto), groups: make(map[groupKey]*sharedFormula)}
}

// proto gives the template of the formula of cell at.
func (s *scanner) proto(f *grid.Formula, at cell.Ref) *proto {
	s.own = nil
	switch f.Kind {
	case grid.SharedFormula:
		key := groupKey{f.Anchor, f.Text}
		if s.last == nil || s.lastKey != key {
			g := s.groups[key]
			if g == nil {
				g = &sharedFormula{proto: s.byText(grid.NormalFormula, f.Text, f.Anchor)}
				if s.own != nil {
					g.literals = &formula.Literals{Numbers: slices.Clone(s.own.Numbers), Texts: slices.Clone(s.own.Texts)}
				}
				s.groups[key] = g
			}
			s.lastKey, s.last = key, g
		}
		s.own = s.last.literals
		return s.last.proto
	case grid.NormalFormula:
		if s.col != at.Col {
			s.col, s.recent, s.missed = at.Col, [4]recent{}, [4]*proto{}
		}
		for i := range s.recent {
			r := &s.recent[i]
			if r.proto == nil {
				break
			}
			same, ok := r.pattern.Match(f.Text, at.Row, &s.literals)
			if !ok || s.exact && !same {
				continue
			}
			p := r.proto
			switch {
			case same && r.varied:
				s.own = r.pattern.Literals()
			case !same && !s.literals.Equal(&p.literals):
				s.own = &s.literals
			}
			if i > 0 {
				x := *r
				copy(s.recent[1:i+1], s.recent[:i])
				s.recent[0] = x
			}
			return p
		}
		p := s.byText(grid.NormalFormula, f.Text, at)
		// A formula that was not met before in this column, or one that is written otherwise: a
		// pattern pays when it comes again.
		if slices.Contains(s.missed[:], p) {
			if pattern, err := formula.NewPattern(f.Text, at); err == nil {
				copy(s.recent[1:], s.recent[:])
				s.recent[0] = recent{p, pattern, s.own != nil}
			}
		}
		copy(s.missed[1:], s.missed[:])
		s.missed[0] = p
		return p
	}
	return s.byText(f.Kind, f.Text, f.Anchor)
}

// byText gives the template of a text that is written for cell at.
func (s *scanner) byText(kind grid.FormulaKind, text string, at cell.Ref) *proto {
	var b []byte
	var err error
	if kind == grid.NormalFormula && !s.exact {
		b, err = formula.AppendTemplate(s.buf[:0], text, at, &s.literals)
	} else {
		// Of arrays there are few, and the calculation makes new ones of their texts where they spill.
		s.literals = formula.Literals{}
		b, err = formula.AppendRelative(s.buf[:0], text, at)
	}
	if s.buf = b; err != nil {
		s.literals = formula.Literals{}
		s.buf = append(append(b[:0], '='), text...) // no relative form begins like that
	}
	if p := s.protos[protoKey{kind, string(s.buf)}]; p != nil {
		if !s.literals.Equal(&p.literals) {
			s.own = &s.literals
		}
		return p
	}
	relative := string(s.buf)
	p := &proto{formula: Formula{Sheet: s.sheet, At: at, Kind: kind, Text: text, Relative: relative}}
	p.literals = formula.Literals{Numbers: slices.Clone(s.literals.Numbers), Texts: slices.Clone(s.literals.Texts)}
	s.protos[protoKey{kind, relative}] = p
	return p
}

// output gives what an array formula fills, and whether that is more than its cell.
func output(f *grid.Formula, at cell.Ref) (out box, more bool) {
	if f.Kind != grid.ArrayFormula && f.Kind != grid.DynamicArray || f.Range.First != at {
		return box{}, false
	}
	out = boxOf(f.Range).and(wholeSheet)
	return out, out != boxAt(at) && out.holds(boxAt(at))
}

// put adds the formula of a cell to the runs of its column.
func (p *piece) put(s *scanner, f *grid.Formula, at cell.Ref) {
	if f.Kind == grid.DataTable {
		return // its values are constants: what it would calculate, the file does not say here
	}
	x, row := s.proto(f, at), int32(at.Row)
	if out, more := output(f, at); more {
		p.arrays = append(p.arrays, run{proto: x, row: row, end: row, out: out})
		return
	}
	n := len(p.runs)
	if n == 0 || p.runs[n-1].proto != x || p.runs[n-1].end != row-1 {
		p.runs = append(p.runs, run{proto: x, row: row, end: row - 1})
		n++
	}
	r := &p.runs[n-1]
	if s.own != nil && !r.varied {
		r.varied, r.numbers, r.texts = true, int32(len(p.numbers)), int32(len(p.texts))
		for range r.end - r.row + 1 {
			p.literals(&x.literals)
		}
	}
	r.end = row
	switch {
	case s.own != nil:
		p.literals(s.own)
	case r.varied:
		p.literals(&x.literals)
	}
}

// literals adds those of a cell.
func (p *piece) literals(l *formula.Literals) {
	p.numbers, p.texts = append(p.numbers, l.Numbers...), append(p.texts, l.Texts...)
}

// cells calls f for the rows of a run, with the literals of each.
func (p *piece) cells(r *run, f func(row int32, l *formula.Literals)) {
	l := r.proto.literals
	n, m := len(l.Numbers), len(l.Texts)
	for row := r.row; row <= r.end; row++ {
		if r.varied {
			i := int(row - r.row)
			l = formula.Literals{Numbers: p.numbers[int(r.numbers)+i*n:][:n], Texts: p.texts[int(r.texts)+i*m:][:m]}
		}
		f(row, &l)
	}
}

// scanSheets scans all formulas. The pieces come back by sheet, column and row.
func scanSheets(ctx context.Context, sheets []*grid.Sheet, exact bool) ([]piece, error) {
	var pieces []piece
	for i, s := range sheets {
		if s == nil || s.FormulaCells() == 0 {
			continue
		}
		used, _ := s.Used()
		for _, col := range s.OccupiedCols(used.First.Row, used.Last.Row) {
			for row := used.First.Row; row <= used.Last.Row; row += pieceRows {
				pieces = append(pieces, piece{sheet: i, col: col, first: row, last: min(row+pieceRows-1, used.Last.Row)})
			}
		}
	}
	err := parallel(ctx, len(pieces), 1, func() func(int) {
		s := newScanner(-1)
		return func(i int) {
			p := &pieces[i]
			if s.sheet != p.sheet {
				s = newScanner(p.sheet)
				s.exact = exact
			}
			for row, f := range sheets[p.sheet].Formulas(p.col, p.first, p.last) {
				p.put(s, &f, cell.Ref{Row: row, Col: p.col})
			}
		}
	})
	return pieces, err
}

// parallel calls do(i) for i below n on all processors, some at a time, and waits. Each
// goroutine has a function of its own. The error is that of ctx.
func parallel(ctx context.Context, n, atOnce int, worker func() func(i int)) error {
	var next atomic.Int64
	var wg crew.Crew
	for range min(runtime.GOMAXPROCS(0), (n+atOnce-1)/atOnce) {
		wg.Go(func() {
			do := worker()
			for ctx.Err() == nil {
				from := int(next.Add(int64(atOnce))) - atOnce
				if from >= n {
					return
				}
				for i := from; i < min(from+atOnce, n); i++ {
					do(i)
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// compile asks the compiler about the formula of t.
func (t *Template) compile(f Formula, sheets int, c Compiler) {
	// What is kept may not keep the sheet's texts.
	f.Text = strings.Clone(f.Text)
	t.Facts, t.Err = c.Facts(f)
	t.reads = make([]read, 0, len(t.Facts.Reads))
	for _, r := range t.Facts.Reads {
		if uint(r.Sheet) < uint(sheets) {
			t.reads = append(t.reads, newRead(r))
		}
	}
	t.Facts.Reads = nil
}
