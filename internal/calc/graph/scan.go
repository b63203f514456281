package graph

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// What a build spends its time on is telling which formulas are copies of which. Three
// things make it short. The members of a shared formula are told by their anchor. A formula
// that is stored as a text for each cell is compared with the open text of those above it
// (formula.Pattern), and its relative form made only where it is none of them. And columns
// are cut into pieces of rows which are scanned on all processors; the pieces are put
// together in their order, so that the result does not depend on who scanned what.

// pieceRows is the number of rows of one piece of work.
const pieceRows = 32 * grid.BandRows

// piece is the formulas of some rows of a column.
type piece struct {
	sheet, col, first, last int

	runs   []run
	arrays []run
}

// run is copies of a formula below one another, or one array formula, which fills out.
type run struct {
	proto    *proto
	row, end int32
	out      box
}

// proto is a template as one scanner met it.
type proto struct {
	formula Formula
	tpl     *Template // once the pieces are put together
}

// scanner tells formulas of one sheet apart.
type scanner struct {
	sheet  int
	protos map[protoKey]*proto
	groups map[groupKey]*proto // shared formulas
	buf    []byte

	// What was met last: the shared formula, and in the column patterns and formulas that had none.
	lastKey groupKey
	last    *proto
	col     int
	recent  [4]recent
	missed  [4]*proto
}

// recent is a formula that was met again below itself, and its text with open rows.
type recent struct {
	proto   *proto
	pattern *formula.Pattern
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
	return &scanner{sheet: sheet, protos: make(map[protoKey]*proto), groups: make(map[groupKey]*proto)}
}

// proto gives the template of the formula of cell at.
func (s *scanner) proto(f *grid.Formula, at cell.Ref) *proto {
	switch f.Kind {
	case grid.SharedFormula:
		if s.last != nil && s.lastKey.anchor == f.Anchor && s.lastKey.text == f.Text {
			return s.last
		}
		key := groupKey{f.Anchor, f.Text}
		p := s.groups[key]
		if p == nil {
			p = s.byText(grid.NormalFormula, f.Text, f.Anchor)
			s.groups[key] = p
		}
		s.lastKey, s.last = key, p
		return p
	case grid.NormalFormula:
		if s.col != at.Col {
			s.col, s.recent, s.missed = at.Col, [4]recent{}, [4]*proto{}
		}
		for i := range s.recent {
			r := &s.recent[i]
			if r.proto == nil {
				break
			}
			if r.pattern.Matches(f.Text, at.Row) {
				p := r.proto
				if i > 0 {
					x := *r
					copy(s.recent[1:i+1], s.recent[:i])
					s.recent[0] = x
				}
				return p
			}
		}
		p := s.byText(grid.NormalFormula, f.Text, at)
		// A formula that was not met before in this column, or one that is written otherwise: a
		// pattern pays when it comes again.
		if slices.Contains(s.missed[:], p) {
			if pattern, err := formula.NewPattern(f.Text, at); err == nil {
				copy(s.recent[1:], s.recent[:])
				s.recent[0] = recent{p, pattern}
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
	b, err := formula.AppendRelative(s.buf[:0], text, at)
	if s.buf = b; err != nil {
		s.buf = append(b[:0], text...)
	}
	if p := s.protos[protoKey{kind, string(s.buf)}]; p != nil {
		return p
	}
	relative := string(s.buf)
	p := &proto{formula: Formula{Sheet: s.sheet, At: at, Kind: kind, Text: text, Relative: relative}}
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
		p.arrays = append(p.arrays, run{x, row, row, out})
		return
	}
	if n := len(p.runs); n > 0 && p.runs[n-1].proto == x && p.runs[n-1].end == row-1 {
		p.runs[n-1].end = row
		return
	}
	p.runs = append(p.runs, run{proto: x, row: row, end: row})
}

// scanSheets scans all formulas. The pieces come back by sheet, column and row.
func scanSheets(ctx context.Context, sheets []*grid.Sheet) ([]piece, error) {
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
	var wg sync.WaitGroup
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
