package structure

import (
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// Relative gives what becomes of a formula that cells of sheet own have in common, as those of a conditional format, a validation or a
// sparkline do, for those of them that are on sheet onto afterwards, which is called by its name of then. It is written for
// the corner of what bounds the ranges, and so is what comes back for what is left of these: a range from which
// cells move may leave several. What would refer beyond the sheet there wraps around it. Where nothing is left the text is of no account.
func (r *Rewriter) Relative(text, own string, ranges []cell.Range, onto string) string {
	if text == "" || len(ranges) == 0 {
		text, _ = r.Formula(text, own)
		return text
	}
	anchor := cornerOf(ranges)
	var left []cell.Range
	var heir cell.Ref // a cell that the formula is for and that is left
	for _, x := range ranges {
		for _, a := range r.Cover(own, x) {
			if !strings.EqualFold(a.Sheet, onto) {
				continue
			}
			if left == nil {
				heir = r.whence(own, x, a)
			}
			left = append(left, a.Range)
		}
	}
	if left == nil {
		return text
	}
	if sheet, _, ok := r.Locate(own, anchor); ok && strings.EqualFold(sheet, onto) {
		heir = anchor
	}
	text = wrapped(text, anchor, heir)
	text, _ = r.FormulaAt(text, own, heir)
	_, to, _ := r.Locate(own, heir)
	return wrapped(text, to, cornerOf(left))
}

// Covered gives what is left of ranges of sheet own on sheet onto, as [Rewriter.Cover] does.
func (r *Rewriter) Covered(own string, ranges []cell.Range, onto string) (out []cell.Range) {
	for _, x := range ranges {
		for _, a := range r.Cover(own, x) {
			if strings.EqualFold(a.Sheet, onto) {
				out = append(out, a.Range)
			}
		}
	}
	return out
}

// whence gives the first cell of x that comes to lie in part a of what x covers afterwards.
func (r *Rewriter) whence(own string, x cell.Range, a Area) cell.Ref {
	switch b := r.block; {
	case b == nil:
	case b.gap != nil && r.on(own):
		part, ok := b.gap.part(x)
		if _, in := b.gap.part(a.Range); !ok || !in {
			return a.Range.First
		}
		x = part
	default:
		if moved, ok := x.Intersect(b.from); ok && r.on(own) && strings.EqualFold(a.Sheet, r.change.Target()) && a.Range == b.shift(moved) {
			return moved.First
		}
		return a.Range.First
	}
	rows, cols := r.crossing(own, x)
	if rows != nil && rows.deletes && x.First.Row >= rows.at {
		x.First.Row = max(x.First.Row, rows.at+rows.count)
	}
	if cols != nil && cols.deletes && x.First.Col >= cols.at {
		x.First.Col = max(x.First.Col, cols.at+cols.count)
	}
	return x.First
}

// cornerOf gives the upper left corner of what bounds ranges.
func cornerOf(ranges []cell.Range) cell.Ref {
	all := ranges[0]
	for _, x := range ranges[1:] {
		all = all.Union(x)
	}
	return all.First
}

// wrapped is formula.WrapText for a text that may be none.
func wrapped(text string, from, to cell.Ref) string {
	if from == to {
		return text
	}
	if out, err := formula.WrapText(text, from, to); err == nil {
		return out
	}
	return text
}
