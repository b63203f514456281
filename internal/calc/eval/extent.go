package eval

// extends are the functions that take of their third argument the first cell, and as many cells as the first argument has.
var extends = map[string]bool{"SUMIF": true, "AVERAGEIF": true}

// extend notes that a call of such a function reads more than its third argument names.
func (c *compiler) extend(args []expr) {
	if len(args) < 3 {
		return
	}
	if k, ok := args[2].(*constant); ok && k.v.Ref() == nil {
		return // it is left empty
	}
	c.p.Placed = true
	sheet, from, ok := extentOf(args[2], 0)
	_, of, known := extentOf(args[0], 0)
	if !ok || !known {
		c.p.Dynamic, c.p.Volatile = true, true
		return
	}
	last := from.first
	last.Row += of.last.Row - of.first.Row
	last.Col += of.last.Col - of.first.Col
	if last.Row <= from.last.Row && last.Col <= from.last.Col {
		c.p.Placed = last != from.last
		return
	}
	c.read(Read{Sheet: sheet, First: from.first, Last: last, Through: c.via})
}

// extent is two corners of a range in order, of which the size is the same wherever the formula stands.
type extent struct{ first, last Corner }

// extentOf gives where an expression lies; ok is false where that, or its size, is known only when it is run.
func extentOf(e expr, depth int) (sheet int, x extent, ok bool) {
	switch e := e.(type) {
	case *one:
		return e.sheet, extent{e.at, e.at}, true
	case *area:
		x := extent{e.first, e.end}
		if e.sheet != e.last || x.first.AbsRow != x.last.AbsRow || x.first.AbsCol != x.last.AbsCol {
			return 0, x, false
		}
		x.first.Row, x.last.Row = min(e.first.Row, e.end.Row), max(e.first.Row, e.end.Row)
		x.first.Col, x.last.Col = min(e.first.Col, e.end.Col), max(e.first.Col, e.end.Col)
		return e.sheet, x, true
	case *named:
		if e.body.root != nil && depth < 32 {
			return extentOf(e.body.root, depth+1)
		}
	}
	return 0, extent{}, false
}
