package tools

import (
	"context"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

type transformOp struct {
	Kind string `json:"kind" required:"true" enum:"clear_range|fill_range|replace_in_range|write_matrix"`
	OpTarget
	ClearValues   bool     `json:"clear_values" default:"true" doc:"clear_range"`
	ClearFormulas bool     `json:"clear_formulas" default:"false" doc:"clear_range: cells with formulas stay unless set"`
	Value         *Scalars `json:"value" doc:"fill_range: a JSON value"`
	IsFormula     bool     `json:"is_formula" default:"false" doc:"fill_range: value is the formula of the first cell; references move along"`
	Overwrite     bool     `json:"overwrite_formulas" default:"false" doc:"fill_range, write_matrix: cells with formulas stay unless set"`
	Find          string   `json:"find" doc:"replace_in_range"`
	Replace       string   `json:"replace" doc:"replace_in_range"`
	Match         string   `json:"match_mode" enum:"exact|contains" default:"exact" doc:"replace_in_range: the whole value, or any part of a text"`
	CaseSensitive bool     `json:"case_sensitive" default:"true" doc:"replace_in_range"`
	InFormulas    bool     `json:"include_formulas" default:"false" doc:"replace_in_range: in the text of formulas, too"`
	Anchor        string   `json:"anchor" doc:"write_matrix: the cell of its first value"`
	Rows          *Rows    `json:"rows" doc:"write_matrix: rows of values, {\"v\":value}, {\"f\":\"formula\"}, or null to leave a cell"`
}

type transformBatchIn struct {
	ForkArg
	Ops     []transformOp `json:"ops" required:"true" min:"1" max:"1000"`
	Formula string        `json:"formula_parse_policy" enum:"fail|warn|off" doc:"warn leaves formulas out that do not parse, and tells; fail unless given"`
	EditMode
	Guard
}

var transformBatch = define(Spec{
	Name: "transform_batch", Title: "Clear, fill, replace, write", Toolset: "edit", Writes: true, Reach: ReachSheet,
	Description: "Changes ranges of a fork by rules, one after the other: clear them, fill them with a value or a formula, replace values or parts of texts, write a matrix. All of it or nothing.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"fill_range","sheet_name":"Sheet1","target":{"kind":"range","range":"D2:D99"},"value":"B2*C2","is_formula":true},{"kind":"replace_in_range","sheet_name":"Sheet1","range":"A:A","find":"n/a","replace":""},{"kind":"write_matrix","sheet_name":"Sheet1","anchor":"F1","rows":[["total",{"f":"SUM(D2:D99)"}]]}]}`,
}, func(ctx context.Context, env *Env, in transformBatchIn) (*batchOut, error) {
	return env.batch(ctx, in.Fork, "transform_batch", env.batchPolicy(in.Formula), in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		return b.transform(&in.Ops[i])
	})
})

// filledMax is how many cells an operation may write.
const filledMax = 1 << 20

func (b *batch) transform(op *transformOp) error {
	b.begin(op.Kind)
	if op.Kind == "write_matrix" {
		return b.matrix(op)
	}
	if op.Anchor != "" || op.Rows != nil {
		return invalid("Leave them out, or give kind write_matrix", "%s takes no anchor and no rows", op.Kind)
	}
	index, ranges, err := b.cells(op.OpTarget)
	if err != nil {
		return err
	}
	ranges = book.Apart(ranges)
	var n int64
	for _, r := range ranges {
		if n += r.Cells(); n > filledMax && op.Kind == "fill_range" {
			return fail(codeRangeInvalid, "Fill the part that is needed", "the target has more than %d cells", filledMax)
		}
	}
	sheet, err := b.snap.Sheet(b.ctx, index)
	if err != nil {
		return err
	}
	e := b.editor(index)
	e.typed = true
	switch op.Kind {
	case "clear_range":
		b.clear(e, index, sheet, ranges, op)
	case "fill_range":
		err = b.fill(e, index, sheet, ranges, op)
	case "replace_in_range":
		err = b.replace(e, index, sheet, ranges, op)
	}
	if err != nil {
		return err
	}
	if b.only {
		return b.end(e)
	}
	return b.take(e)
}

// clear empties cells; their formats stay.
func (b *batch) clear(e *editor, index int, sheet *grid.Sheet, ranges []cell.Range, op *transformOp) {
	for _, r := range ranges {
		if op.ClearValues {
			e.expect(index, min(r.Cells(), int64(sheet.FilledCells())))
		}
		for c := range until.Done(b.ctx, sheet.Cells(r)) {
			if c.Empty() {
				continue
			}
			b.counts["cells_touched"]++
			switch has := c.HasFormula(); {
			case has && !op.ClearFormulas:
				b.counts["cells_skipped_keep_formulas"]++
				continue
			case has:
				b.counts["cells_formula_cleared"]++
			case !op.ClearValues:
				continue
			default:
				b.counts["cells_value_cleared"]++
			}
			e.set(index, book.CellEdit{Ref: c.Ref, Clear: true})
		}
	}
}

func (b *batch) fill(e *editor, index int, sheet *grid.Sheet, ranges []cell.Range, op *transformOp) error {
	if op.Value == nil || len(*op.Value) != 1 {
		return invalid(`Example: "value":0`, "fill_range needs one value")
	}
	first := ranges[0].First
	model := book.CellEdit{Ref: first}
	e.scalar(&model, (*op.Value)[0], op.IsFormula)
	fill, err := newFiller(e, index, model)
	if err != nil || fill == nil {
		return err
	}
	for _, r := range ranges {
		e.expect(index, r.Cells())
		for ref := range until.Done(b.ctx, refsOf(r)) {
			b.counts["cells_touched"]++
			if x, ok := sheet.At(ref); ok && x.HasFormula() && !op.Overwrite {
				b.counts["cells_skipped_keep_formulas"]++
				continue
			}
			c, err := fill.at(ref)
			if err != nil {
				return err
			}
			if c.HasFormula {
				b.counts["cells_formula_set"]++
			} else {
				b.counts["cells_value_set"]++
				e.dated(sheet, &c)
			}
			e.set(index, c)
		}
	}
	return nil
}

// refsOf yields the cells of a range, row by row.
func refsOf(r cell.Range) func(func(cell.Ref) bool) {
	return func(yield func(cell.Ref) bool) {
		for row := r.First.Row; row <= r.Last.Row; row++ {
			for col := r.First.Col; col <= r.Last.Col; col++ {
				if !yield(cell.Ref{Row: row, Col: col}) {
					return
				}
			}
		}
	}
}

// filler gives a cell the content of another one, as copying it there would.
type filler struct {
	model book.CellEdit
	tree  *formula.Tree // nil where it has no formula, or one that does not parse
}

// newFiller checks the formula of model. It is nil where that does not parse and is left out.
func newFiller(e *editor, sheet int, model book.CellEdit) (*filler, error) {
	f := &filler{model: model}
	if !model.HasFormula {
		return f, nil
	}
	f.model.Formula = e.formula(strings.TrimPrefix(strings.TrimSpace(model.Formula), "="), model.Ref)
	if ok, err := e.parses(sheet, f.model); !ok {
		return nil, err
	}
	f.tree, _ = formula.Parse(f.model.Formula)
	return f, nil
}

func (f *filler) at(ref cell.Ref) (book.CellEdit, error) {
	c := f.model
	c.Ref = ref
	if f.tree != nil {
		c.Formula = f.tree.Shift(ref.Row-f.model.Ref.Row, ref.Col-f.model.Ref.Col).String()
	}
	return c, nil
}

func (b *batch) replace(e *editor, index int, sheet *grid.Sheet, ranges []cell.Range, op *transformOp) error {
	if op.Find == "" {
		return invalid("", "replace_in_range needs find")
	}
	words := valuesOf(b.snap)
	same := func(s string) bool {
		if op.CaseSensitive {
			return s == op.Find
		}
		return strings.EqualFold(s, op.Find)
	}
	inText := func(s string) (string, bool) {
		if op.Match == "exact" {
			return op.Replace, same(s)
		}
		out := replaceAll(s, op.Find, op.Replace, op.CaseSensitive)
		return out, out != s
	}
	var shown []byte
	for _, r := range ranges {
		for c := range until.Done(b.ctx, sheet.Cells(r)) {
			if c.Empty() {
				continue
			}
			b.counts["cells_touched"]++
			if c.HasFormula() {
				if !op.InFormulas {
					continue
				}
				text, ok := inText(book.FormulaText(sheet, c))
				if !ok {
					continue
				}
				edit := book.CellEdit{Ref: c.Ref, HasFormula: true, Formula: strings.TrimPrefix(text, "=")}
				if ok, err := e.parses(index, edit); err != nil {
					return err
				} else if ok {
					b.counts["cells_formula_replaced"]++
					e.set(index, edit)
				}
				continue
			}
			var text string
			ok := false
			if c.Value.Kind() == cell.Text {
				text, ok = inText(c.Value.Text())
			} else if op.Match == "exact" {
				shown = words.appendPlain(shown[:0], c)
				text, ok = op.Replace, same(string(shown))
			}
			if !ok {
				continue
			}
			edit := book.CellEdit{Ref: c.Ref}
			if c.Value.Kind() == cell.Text && !e.guess {
				if text == "" {
					edit.Clear = true
				} else {
					edit.Value = cell.TextValue(text)
				}
			} else {
				e.guessed(&edit, text) // a number that is replaced becomes a number again
				e.dated(sheet, &edit)
			}
			b.counts["cells_value_replaced"]++
			e.set(index, edit)
		}
	}
	return nil
}

// replaceAll replaces each find in s, whatever its case unless that counts.
func replaceAll(s, find, with string, caseSensitive bool) string {
	if caseSensitive {
		return strings.ReplaceAll(s, find, with)
	}
	var out strings.Builder
	for at := 0; at < len(s); {
		n := foldedPrefix(s[at:], find)
		if n == 0 {
			out.WriteByte(s[at])
			at++
			continue
		}
		out.WriteString(with)
		at += n
	}
	return out.String()
}

// foldedPrefix gives the length of what s begins with that is find in another case, 0 where it does not.
func foldedPrefix(s, find string) int {
	n := 0
	for i := range s {
		if n == len([]rune(find)) {
			if strings.EqualFold(s[:i], find) {
				return i
			}
			return 0
		}
		n++
	}
	if strings.EqualFold(s, find) {
		return len(s)
	}
	return 0
}

func (b *batch) matrix(op *transformOp) error {
	index, err := sheetNamed(b.snap, op.Sheet)
	if err != nil {
		return err
	}
	anchor, ok := cell.ParseRef(op.Anchor)
	switch {
	case op.Target != nil || op.Range != "":
		return invalid("Give anchor and rows", "write_matrix takes no target")
	case !ok:
		return fail(codeRangeInvalid, "Write one cell, such as A1", "%q is no cell", clip(op.Anchor, 20))
	case op.Rows == nil:
		return invalid(`Example: "rows":[[{"v":1},{"f":"A1*2"},null]]`, "rows are missing")
	}
	sheet, err := b.snap.Sheet(b.ctx, index)
	if err != nil {
		return err
	}
	e := b.editor(index)
	e.typed = true
	for i, row := range op.Rows.rows {
		for k, n := range row.items {
			ref, err := e.place(anchor, i, k)
			if err != nil {
				return err
			}
			c, given, problem := e.matrixCell(ref, n)
			if problem != "" {
				return invalid(`Cells are values, {"v":value}, {"f":"formula"}, or null`, "row %d, column %d: %s", i+1, k+1, problem)
			}
			if !given {
				continue
			}
			b.counts["cells_touched"]++
			if x, ok := sheet.At(ref); ok && x.HasFormula() && !op.Overwrite {
				b.counts["cells_skipped_keep_formulas"]++
				continue
			}
			if c.HasFormula {
				c.Formula = strings.TrimPrefix(strings.TrimSpace(c.Formula), "=")
				if ok, err := e.parses(index, c); err != nil {
					return err
				} else if !ok {
					continue
				}
				b.counts["cells_formula_set"]++
			} else {
				b.counts["cells_value_set"]++
			}
			e.set(index, c)
		}
	}
	if b.only {
		return b.end(e)
	}
	return b.take(e)
}

// matrixCell reads a cell of a matrix.
func (e *editor) matrixCell(ref cell.Ref, n node) (c book.CellEdit, given bool, problem string) {
	c.Ref = ref
	value := n
	isFormula := false
	switch n.kind {
	case nullNode:
		return c, false, ""
	case arrayNode:
		return c, false, "an array was given"
	case objectNode:
		if len(n.names) != 1 || n.names[0] != "v" && n.names[0] != "f" {
			return c, false, "an object needs one member, v or f"
		}
		value = n.items[0]
		if isFormula = n.names[0] == "f"; isFormula && value.kind != textNode {
			return c, false, "f is no text"
		}
	}
	s, problem := scalarOf(value)
	if problem != "" {
		return c, false, problem
	}
	e.scalar(&c, s, isFormula)
	return c, true, ""
}
