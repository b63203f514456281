package eval

import (
	"slices"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
)

// conditional is a formula that is nothing but one of SUMIFS and its kind over fixed columns.
// Its value depends on the rows that meet all criteria and on no others, so that a change in
// another row need not be calculated.
type conditional struct {
	ranges   []fn.Area // of the criteria
	criteria []expr    // each a constant, a parameter or a single cell
	values   *fn.Area  // what is added up; nil where the rows are only counted
}

// conditionals are the functions, and whether a range of values comes before the criteria.
var conditionals = map[string]bool{"SUMIFS": true, "AVERAGEIFS": true, "MAXIFS": true, "MINIFS": true, "COUNTIFS": false, "COUNTIF": false}

// conditionalOf gives what a program is as a conditional formula, nil where it is none.
func conditionalOf(root expr) *conditional {
	k, ok := root.(*call)
	if !ok {
		return nil
	}
	values, ok := conditionals[k.f.Name]
	if !ok {
		return nil
	}
	c, args := &conditional{}, k.args
	if values {
		a, ok := fixedColumn(args[0])
		if !ok {
			return nil
		}
		c.values, args = &a, args[1:]
	}
	if len(args)%2 != 0 {
		return nil
	}
	for ; len(args) > 0; args = args[2:] {
		a, ok := fixedColumn(args[0])
		if !ok {
			return nil
		}
		switch x := args[1].(type) {
		case *constant:
			if !x.v.IsScalar() {
				return nil
			}
		case *one, *parameter:
		default:
			return nil
		}
		c.ranges, c.criteria = append(c.ranges, a), append(c.criteria, args[1])
	}
	return c
}

func fixedColumn(e expr) (fn.Area, bool) {
	a, ok := e.(*area)
	if !ok || a.fixed == nil || len(a.fixed.Areas) != 1 || a.fixed.Areas[0].Range.Cols() != 1 {
		return fn.Area{}, false
	}
	return a.fixed.Areas[0], true
}

// Place is a cell of a workbook.
type Place struct {
	Sheet int
	At    cell.Ref
}

// Conditional reports whether [Machine.Spared] can say anything of the program.
func (p *Program) Conditional() bool { return p.conditional != nil }

// Spared reports whether a program gives for a cell what it gave before, when nothing that it reads has
// changed but the cells in changed. False says nothing.
func (m *Machine) Spared(p *Program, sheet int, at cell.Ref, changed []Place) bool {
	c := p.conditional
	if c == nil || slices.Contains(changed, Place{sheet, at}) {
		return false
	}
	m.Sheet, m.At, m.Arrays = sheet, at, false
	m.locals, m.stack, m.depth = m.locals[:0], m.stack[:0], 0
	for _, e := range c.criteria {
		if o, ok := e.(*one); ok {
			if r, ok := place(o.at, at, o.wrap); !ok || slices.Contains(changed, Place{o.sheet, r}) {
				return false
			}
		}
	}
	var criteria []*fn.Criterion
	for _, x := range changed {
		for i := -1; i < len(c.ranges); i++ {
			a := c.values
			if i >= 0 {
				a = &c.ranges[i]
			}
			if a == nil || a.Sheet != x.Sheet || !a.Range.Contains(x.At) {
				continue
			}
			if criteria == nil {
				for _, e := range c.criteria {
					criteria = append(criteria, fn.ParseCriterion(e.value(m).Scalar(), m.Dates))
				}
			}
			if c.mayTake(m, criteria, x.At.Row-a.Range.First.Row, changed) {
				return false
			}
		}
	}
	return true
}

// mayTake reports whether the formula takes a row of its ranges, or took it before: as far as
// the cells say that have not changed.
func (c *conditional) mayTake(m *Machine, criteria []*fn.Criterion, row int, changed []Place) bool {
	for i, a := range c.ranges {
		at := cell.Ref{Row: a.Range.First.Row + row, Col: a.Range.First.Col}
		if at.Row > a.Range.Last.Row {
			return true // ranges of several sizes: not for us
		}
		if !slices.Contains(changed, Place{a.Sheet, at}) && !criteria[i].Match(m.Host.Value(a.Sheet, at)) {
			return false
		}
	}
	return true
}
