package tools

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/whatif"
)

// scenario is a set of inputs with its name.
type scenario struct {
	name   string
	inputs []whatif.Input
}

// trials collects sets of inputs.
type trials struct {
	snap   *book.Snapshot
	sheet  int // of cells that do not say on which one they are; -1: there is none
	sets   []scenario
	places []whatif.Cell // that are inputs, in the order in which they come first
	inputs []string      // their names
}

func newTrials(snap *book.Snapshot, sheet string) (t *trials, err error) {
	t = &trials{snap: snap, sheet: -1}
	if sheet != "" {
		t.sheet, err = sheetNamed(snap, sheet)
		return t, err
	}
	only := 0
	for i, info := range snap.Workbook().Sheets {
		if info.Kind == grid.Worksheet {
			only++
			t.sheet = i
		}
	}
	if only != 1 {
		t.sheet = -1
	}
	return t, nil
}

// cell finds a cell by its address or name.
func (t *trials) cell(ctx context.Context, text string) (whatif.Cell, string, error) {
	sheet := max(t.sheet, 0)
	a, err := oneArea(ctx, t.snap, sheet, text)
	if err != nil {
		return whatif.Cell{}, "", err
	}
	_, bare := cell.ParseRef(strings.ReplaceAll(strings.TrimSpace(text), "$", ""))
	switch {
	case bare && t.sheet < 0:
		return whatif.Cell{}, "", invalid("Give sheet_name, or write it as Sheet1!B2", "%q does not say on which sheet it is", clip(text, 60))
	case a.rng.First != a.rng.Last:
		return whatif.Cell{}, "", fail(codeRangeInvalid, "Name one cell", "%q is %v, and not one cell", clip(text, 60), a.rng)
	}
	return whatif.Cell{Sheet: a.sheet, Ref: a.rng.First}, address(t.snap.Workbook().Sheets[a.sheet].Name, a.rng.First), nil
}

func (t *trials) cells(ctx context.Context, texts []string) (list []whatif.Cell, names []string, err error) {
	for _, text := range texts {
		c, name, err := t.cell(ctx, text)
		if err != nil {
			return nil, nil, err
		}
		list, names = append(list, c), append(names, name)
	}
	return list, names, nil
}

// input notes a cell as one that inputs go to.
func (t *trials) input(ctx context.Context, text string) (whatif.Cell, error) {
	c, name, err := t.cell(ctx, text)
	if err != nil {
		return c, err
	}
	if !slices.Contains(t.places, c) {
		t.places, t.inputs = append(t.places, c), append(t.inputs, name)
	}
	return c, nil
}

// value reads the value of an input. A text that reads as a number, a logical value or a date is one,
// because schemas have values as texts; only in a cell that holds a text it is one, too.
func (t *trials) value(ctx context.Context, at whatif.Cell, n node) (whatif.Input, error) {
	s, problem := scalarOf(n)
	if problem != "" {
		return whatif.Input{}, fail("BAD_INPUT", "Inputs are texts, numbers, booleans or null", "%s: %s", at.Ref, problem)
	}
	guess := false
	if s.Kind == TextScalar {
		sheet, err := t.snap.SheetTo(ctx, at.Sheet, at.Ref.Row)
		if err != nil {
			return whatif.Input{}, err
		}
		now, _ := sheet.At(at.Ref)
		guess = now.Value.Kind() != cell.Text
	}
	e := newEditor(t.snap, at.Sheet, guess, "fail")
	c := book.CellEdit{Ref: at.Ref}
	e.scalar(&c, s, false)
	if c.HasFormula {
		return whatif.Input{}, fail("BAD_INPUT", "Begin it with '= for a text", "%s: an input is a value, and not the formula %s", at.Ref, clip(c.Formula, 40))
	}
	return whatif.Input{Sheet: at.Sheet, Ref: at.Ref, Value: c.Value}, nil
}

// list reads sets of inputs.
func (t *trials) list(ctx context.Context, in []scenarioIn) error {
	for i, s := range in {
		set := scenario{name: s.Name}
		if set.name == "" {
			set.name = strconv.Itoa(i + 1)
		}
		for k, name := range s.Inputs.names {
			at, err := t.input(ctx, name)
			if err != nil {
				return inOperation(err, i, len(in))
			}
			if slices.ContainsFunc(set.inputs, func(x whatif.Input) bool { return x.Sheet == at.Sheet && x.Ref == at.Ref }) {
				return inOperation(twice(name, at), i, len(in))
			}
			v, err := t.value(ctx, at, s.Inputs.items[k])
			if err != nil {
				return inOperation(err, i, len(in))
			}
			set.inputs = append(set.inputs, v)
		}
		t.sets = append(t.sets, set)
	}
	return nil
}

// twice is the error of a cell that has two values at once.
func twice(name string, at whatif.Cell) error {
	return fail("BAD_INPUT", "Leave one of them out", "two of the inputs are the cell %s: %q is the second", at.Ref, clip(name, 60))
}

// combine makes every combination of lists of values: the last cell's values change first.
func (t *trials) combine(ctx context.Context, n node) error {
	t.sets = []scenario{{}}
	for k, name := range n.names {
		at, err := t.input(ctx, name)
		if err != nil {
			return err
		}
		if len(t.inputs) == k {
			return twice(name, at)
		}
		list := n.items[k]
		if list.kind != arrayNode {
			list = node{kind: arrayNode, items: []node{list}}
		}
		if len(list.items) == 0 {
			return invalid("", "%s has no values", clip(name, 60))
		}
		if len(t.sets)*len(list.items) > combinationsMax {
			return fail("TOO_MANY", "Give fewer values, or the sets that matter as scenarios", "there are more than %d combinations", combinationsMax)
		}
		var sets []scenario
		for _, s := range t.sets {
			for _, item := range list.items {
				v, err := t.value(ctx, at, item)
				if err != nil {
					return err
				}
				sets = append(sets, scenario{inputs: append(slices.Clip(s.inputs), v)})
			}
		}
		t.sets = sets
	}
	for i := range t.sets {
		t.sets[i].name = strconv.Itoa(i + 1)
	}
	return nil
}

// warnings tells of inputs that stand where a formula is.
func (t *trials) warnings(ctx context.Context, o *runScenariosOut) error {
	for i, at := range t.places {
		sheet, err := t.snap.SheetTo(ctx, at.Sheet, at.Ref.Row)
		if err != nil {
			return err
		}
		if c, ok := sheet.At(at.Ref); ok && c.HasFormula() {
			o.Warnings = append(o.Warnings, fmt.Sprintf("WARN_INPUT_FORMULA: %s has a formula, =%s, which the input stands in for", t.inputs[i], clip(book.FormulaText(sheet, c), 60)))
		}
	}
	return nil
}

// node gives the scalar as the JSON value that it was.
func (s Scalar) node() node {
	kinds := map[ScalarKind]nodeKind{NullScalar: nullNode, TextScalar: textNode, NumberScalar: numberNode, BoolScalar: boolNode}
	return node{kind: kinds[s.Kind], text: s.Text}
}

// model gives what the sets are tried on: the workbook as it is now.
func (t *trials) model(ctx context.Context) (*whatif.Model, error) {
	return whatif.NewModel(ctx, t.snap, book.MomentAt(time.Now(), 1), 0)
}

// tryAll calculates n sets of inputs on all processors, gives the values that cells have with
// each set to each, in any order but never two at a time, and reports its progress as doing.
func tryAll(ctx context.Context, m *whatif.Model, n int, doing string, inputs func(i int) []whatif.Input, cells []whatif.Cell, each func(i int, values []cell.Value)) error {
	done := 0
	return m.Run(ctx, n, runtime.GOMAXPROCS(0), inputs, cells, func(i int, values []cell.Value) error {
		each(i, values)
		done++
		ReportProgress(ctx, float64(done), float64(n), doing)
		return nil
	})
}

// tellAll gives values as results show them.
func tellAll(values []cell.Value) []told {
	list := make([]told, len(values))
	for i, v := range values {
		list[i] = told{v}
	}
	return list
}
