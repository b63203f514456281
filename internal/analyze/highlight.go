package analyze

import (
	"cmp"
	"slices"

	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
)

// summarise counts the nodes of a layer and picks what is worth a look.
func (t *tracer) summarise(l *Layer) error {
	groups := make(map[*graph.Template]*GroupHighlight)
	count := func(sheet int, c *copies) {
		g := groups[c.Template]
		if g == nil {
			g = &GroupHighlight{Sheet: sheet, Fingerprint: fingerprint(c.Template), First: c.cells[0].First}
			groups[c.Template] = g
		}
		g.Count += c.count()
		for _, r := range c.cells {
			for ref := range refsOf(r) {
				if len(g.Samples) == groupSamples {
					return
				}
				g.Samples = append(g.Samples, ref)
			}
		}
	}
	kinds := make([]string, len(t.next))
	errors := make([]bool, len(t.next))
	for i, n := range t.next {
		if err := t.pace.step(8); err != nil {
			return err
		}
		l.Summary.Nodes++
		if n.Sheet < 0 {
			l.Summary.Externals++
			kinds[i] = "external"
			continue
		}
		v, err := t.view(n.Sheet)
		if err != nil {
			return err
		}
		list, err := copiesIn(t.pace, t.graph, n.Sheet, n.Range)
		if err != nil {
			return err
		}
		for k := range list {
			count(n.Sheet, &list[k])
		}
		formulas := len(list) > 0
		for range v.Arrays(n.Range) {
			formulas = true // the cell has what an array formula gives, or its anchor
			break
		}
		c, _ := v.At(n.Range.First)
		large := n.Range.First != n.Range.Last
		switch {
		case formulas:
			l.Summary.Formulas++
			kinds[i] = "formula"
		case large && v.anyStored(n.Range), !large && !c.Empty():
			l.Summary.Values++
			kinds[i] = "literal"
		default:
			l.Summary.Blanks++
			kinds[i] = "blank"
		}
		errors[i] = !large && v.KindOf(c) == Error
	}
	l.Summary.Groups = len(groups)
	for _, g := range groups {
		l.Groups = append(l.Groups, *g)
	}
	slices.SortFunc(l.Groups, func(a, b GroupHighlight) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Sheet, b.Sheet), cmp.Compare(a.First.Row, b.First.Row),
			cmp.Compare(a.First.Col, b.First.Col), cmp.Compare(a.Fingerprint, b.Fingerprint))
	})
	l.Groups = l.Groups[:min(len(l.Groups), topGroups)]
	if err := t.blocks(l); err != nil {
		return err
	}
	t.pickNotable(l, kinds, errors)
	return nil
}

func (v View) anyStored(r cell.Range) bool {
	for range v.Cells(r) {
		return true
	}
	return false
}

// blockCells is how many cells below one another make a block.
const blockCells = 4

// blocks finds the largest blocks among the nodes: large ranges, and cells that follow
// one another in a column, together with the same rows of the columns beside them.
func (t *tracer) blocks(l *Layer) error {
	nodes := slices.Clone(t.next)
	slices.SortFunc(nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(uint(a.Sheet), uint(b.Sheet)), cmp.Compare(a.Range.First.Col, b.Range.First.Col), compareNodes(a, b))
	})
	var blocks []Node
	for _, n := range nodes {
		if n.Sheet < 0 {
			break
		}
		if k := len(blocks); k > 0 && n.Range.Cells() == 1 {
			b := &blocks[k-1]
			if b.Sheet == n.Sheet && b.Range.Cols() == 1 && b.Range.Last.Col == n.Range.First.Col && b.Range.Last.Row+1 == n.Range.First.Row {
				b.Range.Last.Row++
				continue
			}
		}
		blocks = append(blocks, n)
	}
	blocks = joinColumns(slices.DeleteFunc(blocks, func(n Node) bool { return n.Range.Cells() < blockCells }))
	slices.SortStableFunc(blocks, func(a, b Node) int { return cmp.Or(cmp.Compare(b.Range.Cells(), a.Range.Cells()), compareNodes(a, b)) })
	for _, n := range blocks[:min(len(blocks), topRanges)] {
		v, err := t.view(n.Sheet)
		if err != nil {
			return err
		}
		h := RangeHighlight{Node: n, Cells: n.Range.Cells()}
		c, err := v.Count(t.ctx, n.Range)
		if err != nil {
			return err
		}
		h.Formulas, h.Literals = int64(c.Formulas), int64(c.Filled-c.Formulas)
		h.Blanks = h.Cells - int64(c.Filled)
		l.Ranges = append(l.Ranges, h)
	}
	return nil
}

// joinColumns joins blocks, sorted by column, that stand side by side in the same rows.
func joinColumns(blocks []Node) []Node {
	type edge struct{ sheet, first, last, col int }
	open := make(map[edge]int) // by rows and last column: index in out
	var out []Node
	for _, b := range blocks {
		key := edge{b.Sheet, b.Range.First.Row, b.Range.Last.Row, b.Range.First.Col - 1}
		i, ok := open[key]
		if ok {
			delete(open, key)
			out[i].Range.Last.Col = b.Range.Last.Col
		} else {
			i = len(out)
			out = append(out, b)
		}
		key.col = b.Range.Last.Col
		open[key] = i
	}
	return out
}

// pickNotable takes external references, then errors, then formulas, then the rest,
// and leaves out what a block above already tells.
func (t *tracer) pickNotable(l *Layer, kinds []string, errors []bool) {
	rank := func(i int) int {
		switch {
		case kinds[i] == "external":
			return 0
		case errors[i]:
			return 1
		case kinds[i] == "formula":
			return 2
		case kinds[i] == "literal":
			return 3
		}
		return 4
	}
	var best []int
	for want := 0; want <= 4 && len(best) < notableCells; want++ {
		for i, n := range t.next {
			if len(best) == notableCells {
				break
			}
			told := slices.ContainsFunc(l.Ranges, func(h RangeHighlight) bool { return h.Node.Sheet == n.Sheet && h.Node.Range.ContainsRange(n.Range) })
			if rank(i) == want && !(told && want > 1) {
				best = append(best, i)
			}
		}
	}
	for _, i := range best {
		l.Notable = append(l.Notable, Notable{Node: t.next[i], Kind: kinds[i]})
	}
}
