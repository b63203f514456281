package graph

import (
	"context"
	"errors"
	"strings"

	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// ErrPartial says that a sheet is not loaded whole: its dependents cannot be known.
var ErrPartial = errors.New("the sheet is not loaded whole")

// Build makes the graph of a workbook. A sheet that is nil, because it has no cells or
// cannot be read, has no formulas and is read as blank. The cost is by formulas, not by
// cells; all processors work on it. The error is that of ctx, or ErrPartial.
func Build(ctx context.Context, sheets []*grid.Sheet, c Compiler) (*Graph, error) {
	return makeGraph(ctx, sheets, c, false)
}

// BuildExact is Build for who wants to know what the formulas say: those that differ in a literal are
// of different templates, whose Relative is what formula.AppendRelative gives. Such a graph is not to be edited.
func BuildExact(ctx context.Context, sheets []*grid.Sheet, c Compiler) (*Graph, error) {
	return makeGraph(ctx, sheets, c, true)
}

func makeGraph(ctx context.Context, sheets []*grid.Sheet, c Compiler, exact bool) (*Graph, error) {
	g := &Graph{sheets: make([]sheet, len(sheets)), base: make(map[templateKey]*Template)}
	for i, s := range sheets {
		g.sheets[i].used = box{{0, -1}, {0, -1}}
		if s == nil {
			continue
		}
		if !s.Complete() {
			return nil, ErrPartial
		}
		if used, ok := s.Used(); ok {
			g.sheets[i].used = boxOf(used)
		}
	}
	pieces, err := scanSheets(ctx, sheets, exact)
	if err != nil {
		return nil, err
	}
	b := builder{g: g, literals: newLiteralWriter(g)}
	for i := range pieces {
		if b.put(&pieces[i]); i&0xf == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	b.endColumn()
	b.literals.finish()
	err = parallel(ctx, len(b.formulas), 16, func() func(int) {
		return func(i int) { b.templates[i].compile(b.formulas[i], len(sheets), c) }
	})
	if err != nil {
		return nil, err
	}
	if err := b.finish(ctx); err != nil {
		return nil, err
	}
	return g, nil
}

// builder puts the pieces of a scan together.
type builder struct {
	g         *Graph
	templates []*Template
	formulas  []Formula // that the templates were first met as
	spans     []span
	literals  *literalWriter

	// The runs of the column being put together, and of the column before it, by row.
	sheet, col int
	here, prev []placed
}

// placed is a run and the span that it is a part of.
type placed struct {
	tpl  *Template
	rows interval
	span int32
}

// put adds a piece. Those of a column come from top to bottom.
func (b *builder) put(p *piece) {
	if p.sheet != b.sheet || p.col != b.col {
		b.endColumn()
		if p.sheet != b.sheet || p.col != b.col+1 {
			b.prev = b.prev[:0]
		}
		b.sheet, b.col = p.sheet, p.col
	}
	for i := range p.runs {
		r := &p.runs[i]
		t := b.template(r.proto)
		b.g.formulas += int64(r.end - r.row + 1)
		if r.varied || !r.proto.literals.Equal(&t.literals) {
			p.cells(r, func(row int32, l *formula.Literals) { b.literals.put(p.sheet, p.col, int(row), l, &t.literals) })
		}
		// A piece ends anywhere: the run may go on one of the piece above.
		if n := len(b.here); n > 0 && b.here[n-1].tpl == t && b.here[n-1].rows.hi == r.row-1 {
			b.here[n-1].rows.hi = r.end
			continue
		}
		b.here = append(b.here, placed{tpl: t, rows: interval{r.row, r.end}})
	}
	for _, r := range p.arrays {
		b.g.formulas++
		b.spans = append(b.spans, span{b.template(r.proto), box{{r.row, r.row}, {int32(p.col), int32(p.col)}}, r.out})
	}
}

// endColumn makes spans of the runs of a column: one that lies beside a run of the same
// formula and of the same rows widens the span of that one.
func (b *builder) endColumn() {
	prev := b.prev
	for i := range b.here {
		r := &b.here[i]
		for len(prev) > 0 && prev[0].rows.lo < r.rows.lo {
			prev = prev[1:]
		}
		if len(prev) > 0 && prev[0].rows == r.rows && prev[0].tpl == r.tpl {
			r.span = prev[0].span
			s := &b.spans[r.span]
			s.area[cols].hi = int32(b.col)
			s.out = s.area
			continue
		}
		r.span = int32(len(b.spans))
		x := box{r.rows, {int32(b.col), int32(b.col)}}
		b.spans = append(b.spans, span{r.tpl, x, x})
	}
	b.prev, b.here = b.here, b.prev[:0]
}

// template makes the template of a proto. It may not keep the texts of the sheet.
func (p *proto) template() *Template {
	t := &Template{Sheet: p.formula.Sheet, Kind: p.formula.Kind, Relative: p.formula.Relative, literals: p.literals}
	for i, s := range t.literals.Texts {
		t.literals.Texts[i] = strings.Clone(s)
	}
	return t
}

// template gives the template of a proto, as one for all scanners.
func (b *builder) template(p *proto) *Template {
	if p.tpl != nil {
		return p.tpl
	}
	key := templateKey{int32(p.formula.Sheet), p.formula.Kind, p.formula.Relative}
	t := b.g.base[key]
	if t == nil {
		t = p.template()
		b.g.base[key] = t
		b.templates, b.formulas = append(b.templates, t), append(b.formulas, p.formula)
	}
	p.tpl = t
	return t
}

// finish makes the indexes. The error is that of ctx.
func (b *builder) finish(ctx context.Context) error {
	g := b.g
	outputs, reads := make([][]entry, len(g.sheets)), make([][]entry, len(g.sheets))
	for i := range b.spans {
		s := &b.spans[i]
		if i&(pageSize-1) == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			g.spans = append(g.spans, new([pageSize]span))
		}
		id := int32(i)
		*g.spans.at(id) = *s
		if s.tpl.restless() {
			g.special = append(g.special, id)
		}
		outputs[s.tpl.Sheet] = append(outputs[s.tpl.Sheet], entry{s.out, id, 0})
		for j := range s.tpl.reads {
			r := &s.tpl.reads[j]
			if x := r.image(s.area); !x.empty() {
				reads[r.sheet] = append(reads[r.sheet], entry{x, id, int32(j)})
				g.reads++
			}
		}
	}
	g.free, g.sweep = -1, recentMax
	for id := g.spans.ids() - 1; id >= len(b.spans); id-- {
		g.spans.at(int32(id)).area[rows].lo = g.free
		g.free = int32(id)
	}
	for i := range g.sheets {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.sheets[i].outputs, g.sheets[i].reads = pack(outputs[i]), pack(reads[i])
	}
	return ctx.Err()
}
