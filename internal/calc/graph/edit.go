package graph

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// ErrOutside says that a change is for a cell or a sheet that the workbook does not have.
var ErrOutside = errors.New("the cell is on no sheet of the graph")

// Change is what an edit does to the formula of one cell. Values need no change: the graph
// does not know them.
type Change struct {
	Sheet   int
	At      cell.Ref
	Formula grid.Formula // as Sheet.Formula gives it after the edit; without a Text the cell has none
}

// edit is a graph that is being made out of another. Pages and nodes that it owns are its
// own, all others are shared and copied before they are written to.
type edit struct {
	g       *Graph
	owner   *owner
	pages   map[int]bool
	special bool                      // g.special is the edit's own
	fresh   map[templateKey]*Template // that the graph did not know

	literals *literalWriter
}

// With gives the graph after changes, of which the later counts where two are of one cell.
// The graph itself stays as it is and shares with the new one all that did not change; the
// cost is by the changes and the logarithm of the graph. Templates that the graph knows are
// not compiled again.
//
// What the compiler knows must be as it was, or as it was when Renew gave the graph: where
// sheets changed, the graph is to be built anew.
//
// The error is that of ctx, or ErrOutside.
func (g *Graph) With(ctx context.Context, changes []Change, c Compiler) (*Graph, error) {
	for i := range changes {
		ch := &changes[i]
		if uint(ch.Sheet) >= uint(len(g.sheets)) || !ch.At.Valid() {
			return nil, fmt.Errorf("change %d: sheet %d, cell %v: %w", i, ch.Sheet, ch.At, ErrOutside)
		}
	}
	if len(changes) == 0 {
		return g, nil
	}
	order := make([]int, len(changes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := &changes[i], &changes[j]
		return cmp.Or(cmp.Compare(a.Sheet, b.Sheet), cmp.Compare(a.At.Col, b.At.Col), cmp.Compare(a.At.Row, b.At.Row))
	})
	kept := order[:0]
	for k, i := range order {
		if k+1 < len(order) && changes[i].Sheet == changes[order[k+1]].Sheet && changes[i].At == changes[order[k+1]].At {
			continue
		}
		kept = append(kept, i)
	}
	n := *g
	n.sheets = slices.Clone(g.sheets)
	n.spans = slices.Clone(g.spans)
	e := &edit{g: &n, owner: new(owner), pages: make(map[int]bool), fresh: make(map[templateKey]*Template), literals: newLiteralWriter(&n)}
	e.literals.owned, e.literals.sheets = make(map[*literalColumn]bool), make(map[int]bool)
	// First all cells are cleared, by runs below one another, then the formulas are put.
	for k, looked := 0, 0; k < len(kept); looked++ {
		if looked&0x3ff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		first := &changes[kept[k]]
		end := k + 1
		for ; end < len(kept); end++ {
			if ch := &changes[kept[end]]; ch.Sheet != first.Sheet || ch.At.Col != first.At.Col || ch.At.Row != first.At.Row+end-k {
				break
			}
		}
		e.clear(first.Sheet, box{{int32(first.At.Row), int32(first.At.Row + end - k - 1)}, {int32(first.At.Col), int32(first.At.Col)}})
		k = end
	}
	var s *scanner
	var p piece
	for k, i := range kept {
		if k&0x3ff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		ch := &changes[i]
		if s == nil || s.sheet != ch.Sheet {
			s = newScanner(ch.Sheet)
		}
		if ch.Formula.Text != "" {
			p.put(s, &ch.Formula, ch.At)
		}
		if k+1 < len(kept) && changes[kept[k+1]].Sheet == ch.Sheet && changes[kept[k+1]].At.Col == ch.At.Col {
			continue
		}
		col := interval{int32(ch.At.Col), int32(ch.At.Col)}
		for i := range p.runs {
			if i&0xff == 0xff && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r := &p.runs[i]
			t := e.template(r.proto, c)
			e.put(t, box{{r.row, r.end}, col})
			// Also where they are those of the template: the cells may have had others.
			p.cells(r, func(row int32, l *formula.Literals) { e.literals.put(ch.Sheet, ch.At.Col, int(row), l, &t.literals) })
		}
		for i, r := range p.arrays {
			if i&0xff == 0xff && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			e.insert(span{e.template(r.proto, c), box{{r.row, r.row}, col}, r.out})
		}
		p.runs, p.arrays, p.numbers, p.texts = p.runs[:0], p.arrays[:0], p.numbers[:0], p.texts[:0]
	}
	e.literals.finish()
	e.finish()
	return &n, nil
}

// Renewer is a Compiler of which what it knows has changed.
type Renewer interface {
	Compiler
	// Outdated reports whether a template would be compiled otherwise now, and gives its formula.
	Outdated(t *Template) (f Formula, yes bool)
}

func outdated(c Compiler, t *Template) bool {
	r, ok := c.(Renewer)
	if !ok {
		return false
	}
	_, yes := r.Outdated(t)
	return yes
}

// Renew gives the graph with the templates that are outdated compiled again, and the number of spans
// that this changes. It looks at all spans; else the cost is as that of With.
func (g *Graph) Renew(c Renewer) (*Graph, int) {
	old := make(map[*Template]*proto)
	var ids []int32
	for id := range int32(g.spans.ids()) {
		t := g.spans.at(id).tpl
		if t == nil {
			continue
		}
		if old[t] == nil {
			f, yes := c.Outdated(t)
			if !yes {
				continue
			}
			old[t] = &proto{formula: f, literals: t.literals} // from which its cells differ
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return g, 0
	}
	n := *g
	n.sheets = slices.Clone(g.sheets)
	n.spans = slices.Clone(g.spans)
	e := &edit{g: &n, owner: new(owner), pages: make(map[int]bool), fresh: make(map[templateKey]*Template)}
	for _, id := range ids {
		s := *g.spans.at(id)
		e.remove(id)
		s.tpl = e.template(old[s.tpl], c)
		e.insert(s)
	}
	e.finish()
	return &n, len(ids)
}

// clear takes the formulas out of the cells of x. What else their spans have stays, in up
// to four pieces. An array formula goes with its anchor only: the graph is told when the
// other cells of one are changed too.
func (e *edit) clear(sheet int, x box) {
	var hit []int32
	e.g.sheets[sheet].outputs.search(x, func(n *entry) bool {
		if e.g.spans.at(n.span).area.meets(x) {
			hit = append(hit, n.span)
		}
		return true
	})
	for _, id := range hit {
		s := *e.g.spans.at(id)
		e.remove(id)
		if !s.array() {
			s.area.without(x, func(left box) { e.insert(span{s.tpl, left, left}) })
		}
	}
}

// put adds copies of a formula over x, joined with those beside it.
func (e *edit) put(t *Template, x box) {
	for id := e.beside(t, x); id >= 0; id = e.beside(t, x) {
		x = x.hull(e.g.spans.at(id).area)
		e.remove(id)
	}
	e.insert(span{t, x, x})
}

// beside finds a span of t that makes one rectangle with x.
func (e *edit) beside(t *Template, x box) int32 {
	found := int32(-1)
	for _, side := range [...]box{
		{{x[rows].lo - 1, x[rows].lo - 1}, x[cols]}, {{x[rows].hi + 1, x[rows].hi + 1}, x[cols]},
		{x[rows], {x[cols].lo - 1, x[cols].lo - 1}}, {x[rows], {x[cols].hi + 1, x[cols].hi + 1}},
	} {
		e.g.sheets[t.Sheet].outputs.search(side, func(n *entry) bool {
			if s := e.g.spans.at(n.span); s.tpl == t && !s.array() && s.area.joins(x) {
				found = n.span
			}
			return found < 0
		})
		if found >= 0 {
			break
		}
	}
	return found
}

// slot gives the place of a span, to be written to.
func (e *edit) slot(id int32) *span {
	n := int(id >> pageShift)
	if !e.pages[n] {
		page := *e.g.spans[n]
		e.g.spans[n] = &page
		e.pages[n] = true
	}
	return e.g.spans.at(id)
}

func (e *edit) insert(s span) {
	g := e.g
	if g.free < 0 {
		e.pages[len(g.spans)] = true
		g.spans = append(g.spans, new([pageSize]span))
		for id := g.spans.ids() - 1; id >= g.spans.ids()-pageSize; id-- {
			e.release(int32(id))
		}
	}
	id := g.free
	g.free = g.spans.at(id).area[rows].lo
	*e.slot(id) = s
	g.formulas += s.area.cells()
	g.sheets[s.tpl.Sheet].outputs.insert(e.owner, entry{s.out, id, 0})
	for i := range s.tpl.reads {
		r := &s.tpl.reads[i]
		if x := r.image(s.area); !x.empty() {
			g.sheets[r.sheet].reads.insert(e.owner, entry{x, id, int32(i)})
			g.reads++
		}
	}
	e.rest(id, s.tpl, true)
}

func (e *edit) remove(id int32) {
	g := e.g
	s := *g.spans.at(id)
	g.formulas -= s.area.cells()
	g.sheets[s.tpl.Sheet].outputs.remove(e.owner, entry{s.out, id, 0})
	for i := range s.tpl.reads {
		r := &s.tpl.reads[i]
		if x := r.image(s.area); !x.empty() {
			g.sheets[r.sheet].reads.remove(e.owner, entry{x, id, int32(i)})
			g.reads--
		}
	}
	e.release(id)
	e.rest(id, s.tpl, false)
}

// template gives the template of a proto: the one that the graph knows, or a new one.
func (e *edit) template(p *proto, c Compiler) *Template {
	if p.tpl != nil {
		return p.tpl
	}
	g := e.g
	key := templateKey{int32(p.formula.Sheet), p.formula.Kind, p.formula.Relative}
	if p.tpl = g.base[key]; p.tpl != nil && !outdated(c, p.tpl) {
		return p.tpl
	}
	i, ok := slices.BinarySearchFunc(g.recent, key, func(t *Template, key templateKey) int { return compareKeys(t.key(), key) })
	if ok && !outdated(c, g.recent[i]) {
		p.tpl = g.recent[i]
		return p.tpl
	}
	if p.tpl = e.fresh[key]; p.tpl == nil {
		p.tpl = p.template()
		p.tpl.compile(p.formula, len(g.sheets), c)
		e.fresh[key] = p.tpl
	}
	return p.tpl
}

func compareKeys(a, b templateKey) int {
	return cmp.Or(cmp.Compare(a.sheet, b.sheet), cmp.Compare(a.kind, b.kind), cmp.Compare(a.relative, b.relative))
}

// release puts a slot among those that are free.
func (e *edit) release(id int32) {
	*e.slot(id) = span{area: box{{e.g.free, 0}}}
	e.g.free = id
}

// rest keeps the list of spans that are volatile or dynamic.
func (e *edit) rest(id int32, t *Template, there bool) {
	if !t.restless() {
		return
	}
	if !e.special {
		e.g.special, e.special = slices.Clone(e.g.special), true
	}
	i, _ := slices.BinarySearch(e.g.special, id)
	if there {
		e.g.special = slices.Insert(e.g.special, i, id)
	} else {
		e.g.special = slices.Delete(e.g.special, i, i+1)
	}
}

// recentMax is the number of templates of edits from which on it is looked which of them are
// still used, so that a fork that is edited for ever does not remember for ever.
const recentMax = 1 << 10

// finish takes up the templates that are new.
func (e *edit) finish() {
	g := e.g
	if len(e.fresh) == 0 {
		return
	}
	fresh := slices.SortedFunc(maps.Values(e.fresh), func(a, b *Template) int { return compareKeys(a.key(), b.key()) })
	recent := make([]*Template, 0, len(g.recent)+len(fresh))
	left := g.recent
	for _, t := range fresh {
		i, ok := slices.BinarySearchFunc(left, t.key(), func(t *Template, key templateKey) int { return compareKeys(t.key(), key) })
		recent = append(append(recent, left[:i]...), t)
		if left = left[i:]; ok {
			left = left[1:] // outdated
		}
	}
	recent = append(recent, left...)
	if g.recent = recent; len(recent) < g.sweep {
		return
	}
	used := make(map[*Template]bool)
	for _, page := range g.spans {
		for i := range page {
			used[page[i].tpl] = true
		}
	}
	g.recent = slices.Clip(slices.DeleteFunc(recent, func(t *Template) bool { return !used[t] }))
	g.sweep = max(recentMax, 2*len(g.recent))
}
