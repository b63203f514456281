package tools

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/whatif"
)

// scenarioIn is one set of inputs.
type scenarioIn struct {
	Name   string `json:"name"`
	Inputs *Tree  `json:"inputs" required:"true" doc:"Values by cell: {\"B2\":0.05,\"Assumptions!C3\":100}; null empties a cell"`
}

type runScenariosIn struct {
	Book
	Sheet     string       `json:"sheet_name" lead:"true" doc:"Where cells without a sheet are"`
	Scenarios []scenarioIn `json:"scenarios" lead:"true" max:"10000" doc:"Sets of inputs"`
	Grid      *Tree        `json:"grid" doc:"Or every combination of some values: {\"B2\":[0.04,0.05],\"B3\":[1,2,3]}"`
	Outputs   []string     `json:"outputs" required:"true" min:"1" max:"50" doc:"Cells or names whose values are wanted"`
	Base      bool         `json:"include_base" default:"true" doc:"Begin with the values as they are"`
	Limit     int          `json:"limit" default:"1000" min:"1" max:"10000"`
	Offset    int          `json:"offset" default:"0" min:"0"`
}

type scenarioRow struct {
	Name    string `json:"name"`
	Inputs  []told `json:"inputs"`
	Outputs []told `json:"outputs"`
}

type runScenariosOut struct {
	Cut
	WorkbookID string        `json:"workbook_id"`
	Inputs     []string      `json:"input_cells"`
	Outputs    []string      `json:"output_cells"`
	Total      int           `json:"total_scenarios"`
	Rows       []scenarioRow `json:"rows"`
	NextOffset int           `json:"next_offset,omitempty"`
	Warnings   []string      `json:"warnings"`
}

// combinationsMax is how many sets of inputs one call may ask for.
const combinationsMax = 10_000

var runScenarios = define(Spec{
	Name: "run_scenarios", Title: "Run scenarios", Toolset: "analysis", Reach: ReachBook,
	Description: "Tries sets of inputs on a workbook or fork, each recalculated by itself and in parallel, and gives the outputs of each as one table. Changes nothing.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","sheet_name":"Model","scenarios":[{"name":"low","inputs":{"B2":0.02}},{"name":"high","inputs":{"B2":0.08,"B3":120}}],"outputs":["B10","Summary!C3"]}`,
}, func(ctx context.Context, env *Env, in runScenariosIn) (*runScenariosOut, error) {
	if (len(in.Scenarios) > 0) == (in.Grid != nil) {
		return nil, invalid(`Example: "grid":{"B2":[0.04,0.05]}`, "give scenarios or grid, and not both")
	}
	out := &runScenariosOut{Rows: []scenarioRow{}, Warnings: []string{}}
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		t, err := newTrials(snap, in.Sheet)
		if err != nil {
			return err
		}
		outputs, names, err := t.cells(ctx, in.Outputs)
		if err != nil {
			return err
		}
		if in.Grid != nil {
			err = t.combine(ctx, in.Grid.node)
		} else {
			err = t.list(ctx, in.Scenarios)
		}
		if err != nil {
			return err
		}
		out.WorkbookID, out.Outputs, out.Inputs = snap.ID, names, t.inputs
		if err := t.warnings(ctx, out); err != nil {
			return err
		}
		model, err := whatif.NewModel(ctx, snap, book.MomentAt(time.Now(), 1), 0)
		if err != nil {
			return calcTooLarge(err)
		}
		if in.Base {
			t.sets = slices.Insert(t.sets, 0, scenario{name: "base"})
		}
		out.Total = len(t.sets)
		return out.run(ctx, env, model, t, outputs, in)
	})
	return out, err
})

// run makes the trials of a page.
func (o *runScenariosOut) run(ctx context.Context, env *Env, model *whatif.Model, t *trials, outputs []cellAt, in runScenariosIn) error {
	sets := t.sets[min(in.Offset, len(t.sets)):]
	sets = sets[:min(len(sets), in.Limit)]
	rows := make([]scenarioRow, len(sets))
	done := 0
	err := model.Run(ctx, len(sets), runtime.GOMAXPROCS(0), func(i int) []whatif.Input { return sets[i].inputs }, func(i int, s *book.Snapshot) error {
		rows[i].Name = sets[i].name
		var err error
		if rows[i].Outputs, err = readCells(ctx, s, outputs); err != nil {
			return err
		}
		rows[i].Inputs, err = readCells(ctx, s, t.places)
		done++
		ReportProgress(ctx, float64(done), float64(len(sets)), "calculating scenarios")
		return err
	})
	if err != nil {
		return calcTooLarge(err)
	}
	lim := env.budget(in.Limit)
	for i := range rows {
		if !lim.takeEntry(&rows[i]) {
			break
		}
		o.Rows = append(o.Rows, rows[i])
	}
	if next := in.Offset + len(o.Rows); next < o.Total && len(o.Rows) > 0 {
		o.NextOffset = next
		from := in.Offset
		in.Offset = next
		o.Next = fmt.Sprintf("scenarios %d-%d of %d; next: %s", from+1, next, o.Total, callText("run_scenarios", in))
	}
	return nil
}

func readCells(ctx context.Context, s *book.Snapshot, cells []cellAt) ([]told, error) {
	list := make([]told, len(cells))
	for i, c := range cells {
		v, err := whatif.Value(ctx, s, c.sheet, c.ref)
		if err != nil {
			return nil, err
		}
		list[i] = told{v}
	}
	return list, nil
}

// calcTooLarge words the error of a calculation that may not take as much memory as it needs.
func calcTooLarge(err error) error {
	if large := (*calc.ErrTooLarge)(nil); errors.As(err, &large) {
		return fail("TOO_LARGE", "The operator can give more with --cache-bytes", "to calculate it takes more than the %d MB of memory that a calculation may take", large.Most>>20)
	}
	return err
}

func (o *runScenariosOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: %d scenarios\n", plain(o.WorkbookID), o.Total)
	for _, w := range o.Warnings {
		b = append(append(append(b, "warning: "...), w...), '\n')
	}
	b = append(b, "scenario"...)
	for _, n := range o.Inputs {
		b = appendEscaped(append(b, '\t'), n)
	}
	for _, n := range o.Outputs {
		b = appendEscaped(append(b, "\t→ "...), n)
	}
	b = append(b, '\n')
	for i := range o.Rows {
		r := &o.Rows[i]
		b = appendEscaped(b, r.Name)
		for _, list := range [][]told{r.Inputs, r.Outputs} {
			for _, v := range list {
				b = v.appendText(append(b, '\t'))
			}
		}
		b = append(b, '\n')
	}
	return b
}

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
	places []cellAt // that are inputs, in the order in which they come first
	inputs []string // their names
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
func (t *trials) cell(ctx context.Context, text string) (cellAt, string, error) {
	sheet := max(t.sheet, 0)
	a, err := oneArea(ctx, t.snap, sheet, text)
	if err != nil {
		return cellAt{}, "", err
	}
	_, bare := cell.ParseRef(strings.ReplaceAll(strings.TrimSpace(text), "$", ""))
	switch {
	case bare && t.sheet < 0:
		return cellAt{}, "", invalid("Give sheet_name, or write it as Sheet1!B2", "%q does not say on which sheet it is", clip(text, 60))
	case a.rng.First != a.rng.Last:
		return cellAt{}, "", fail(codeRangeInvalid, "Name one cell", "%q is %v, and not one cell", clip(text, 60), a.rng)
	}
	return cellAt{a.sheet, a.rng.First}, address(t.snap.Workbook().Sheets[a.sheet].Name, a.rng.First), nil
}

func (t *trials) cells(ctx context.Context, texts []string) (list []cellAt, names []string, err error) {
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
func (t *trials) input(ctx context.Context, text string) (cellAt, error) {
	c, name, err := t.cell(ctx, text)
	if err != nil {
		return c, err
	}
	if !slices.Contains(t.places, c) {
		t.places, t.inputs = append(t.places, c), append(t.inputs, name)
	}
	return c, nil
}

// value reads the value of an input.
func (t *trials) value(at cellAt, n node) (whatif.Input, error) {
	s, problem := scalarOf(n)
	if problem != "" {
		return whatif.Input{}, fail("BAD_INPUT", "Inputs are texts, numbers, booleans or null", "%s: %s", at.ref, problem)
	}
	e := newEditor(t.snap, at.sheet, false, "fail")
	c := book.CellEdit{Ref: at.ref}
	e.scalar(&c, s, false)
	if c.HasFormula {
		return whatif.Input{}, fail("BAD_INPUT", "Begin it with '= for a text", "%s: an input is a value, and not the formula %s", at.ref, clip(c.Formula, 40))
	}
	return whatif.Input{Sheet: at.sheet, Ref: at.ref, Value: c.Value}, nil
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
			v, err := t.value(at, s.Inputs.items[k])
			if err != nil {
				return inOperation(err, i, len(in))
			}
			set.inputs = append(set.inputs, v)
		}
		t.sets = append(t.sets, set)
	}
	return nil
}

// combine makes every combination of lists of values: the last cell's values change first.
func (t *trials) combine(ctx context.Context, n node) error {
	t.sets = []scenario{{}}
	for k, name := range n.names {
		at, err := t.input(ctx, name)
		if err != nil {
			return err
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
				v, err := t.value(at, item)
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
		sheet, err := t.snap.SheetTo(ctx, at.sheet, at.ref.Row)
		if err != nil {
			return err
		}
		if c, ok := sheet.At(at.ref); ok && c.HasFormula() {
			o.Warnings = append(o.Warnings, fmt.Sprintf("WARN_INPUT_FORMULA: %s has a formula, =%s, which the input stands in for", t.inputs[i], clip(book.FormulaText(sheet, c), 60)))
		}
	}
	return nil
}

type goalSeekIn struct {
	Book
	Sheet     string   `json:"sheet_name" lead:"true" doc:"Where cells without a sheet are"`
	Cell      string   `json:"set_cell" required:"true" doc:"The cell with the formula that is to become to_value"`
	To        float64  `json:"to_value" required:"true"`
	By        string   `json:"by_changing_cell" alias:"by_changing" required:"true" doc:"The input cell"`
	Min       *float64 `json:"min" doc:"The least that the input may be"`
	Max       *float64 `json:"max"`
	Tolerance *float64 `json:"tolerance" min:"0" doc:"How far from to_value it may end; a billionth of it unless given"`
	Trials    int      `json:"max_trials" default:"200" min:"2" max:"5000"`
	Apply     bool     `json:"apply" default:"false" doc:"Write the input into the fork, if the goal is reached"`
	Guard
}

type goalSeekOut struct {
	stamp
	Cell    string `json:"set_cell"`
	Input   string `json:"input_cell"`
	Reached bool   `json:"reached"`
	Found   told   `json:"input_value"`
	Value   told   `json:"value"`
	Before  told   `json:"value_before"`
	Trials  int    `json:"trials"`
	Why     string `json:"why,omitempty"`
	Applied bool   `json:"applied"`
}

var goalSeek = define(Spec{
	Name: "goal_seek", Title: "Goal seek", Toolset: "analysis", Writes: true, Reach: ReachBook,
	Description: "Finds the input with which a formula becomes what it should, as Excel's goal seek does, but within bounds and to full precision. Changes nothing unless apply is set.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","sheet_name":"Loan","set_cell":"B5","to_value":1200,"by_changing_cell":"B2","min":0,"max":1}`,
}, func(ctx context.Context, env *Env, in goalSeekIn) (*goalSeekOut, error) {
	out := &goalSeekOut{}
	if in.Apply {
		if _, _, err := env.fork(in.Workbook); err != nil {
			return nil, err // before it takes the trouble
		}
	}
	var edit book.Edit
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		t, err := newTrials(snap, in.Sheet)
		if err != nil {
			return err
		}
		at, names, err := t.cells(ctx, []string{in.Cell, in.By})
		if err != nil {
			return err
		}
		model, err := whatif.NewModel(ctx, snap, book.MomentAt(time.Now(), 1), 0)
		if err != nil {
			return calcTooLarge(err)
		}
		were, err := readCells(ctx, model.Base(), at)
		if err != nil {
			return err
		}
		out.stamp = stamp{snap.ID, snap.Version}
		out.Cell, out.Input, out.Before = names[0], names[1], were[0]
		sheet, err := snap.Sheet(ctx, at[1].sheet)
		if err != nil {
			return err
		}
		if c, ok := sheet.At(at[1].ref); ok && (c.HasFormula() || c.Value.Kind() != cell.Number && !c.Value.IsBlank()) {
			return fail("BAD_INPUT", "Name the cell that its formula reads", "%s holds no number that could change: a formula or a text", names[1])
		}
		g := whatif.Goal{Sheet: at[0].sheet, Ref: at[0].ref, Value: in.To, InputSheet: at[1].sheet, Input: at[1].ref,
			Min: orElse(in.Min, math.Inf(-1)), Max: orElse(in.Max, math.Inf(1)), Tolerance: orElse(in.Tolerance, 1e-9*max(1, math.Abs(in.To))), Trials: in.Trials}
		if were[1].Kind() == cell.Number {
			g.Start = were[1].Number()
		}
		if g.Min > g.Max {
			return invalid("", "min %v is above max %v", g.Min, g.Max)
		}
		f, err := model.Seek(ctx, g)
		if err != nil {
			return calcTooLarge(err)
		}
		out.Reached, out.Trials, out.Why = f.Reached, f.Trials, f.Why
		out.Found, out.Value = told{cell.NumberValue(f.Input)}, told{cell.NumberValue(f.Value)}
		edit = book.Edit{Ops: []book.Op{book.SetCells{Sheet: snap.Workbook().Sheets[at[1].sheet].Name, Cells: []book.CellEdit{{Ref: at[1].ref, Value: out.Found.Value}}}}}
		return nil
	})
	if err != nil || !in.Apply || !out.Reached {
		return out, err
	}
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	c := in.commit("goal_seek", "")
	if c.Expected == nil {
		c.Expected = &out.Version // it was found on this version
	}
	r, err := store.Edit(ctx, in.Workbook, edit, c)
	if err != nil {
		return nil, err
	}
	out.stamp, out.Applied = stamp{r.Info.ID, r.Version}, true
	return out, nil
})

func (o *goalSeekOut) appendText(b []byte, _ bool) []byte {
	if o.Reached {
		b = appendEscaped(b, o.Input)
		b = o.Found.appendText(append(b, " = "...))
		b = appendEscaped(append(b, " gives "...), o.Cell)
		b = o.Value.appendText(append(b, " = "...))
		b = fmt.Appendf(b, ", after %d trials (it was ", o.Trials)
		b = append(o.Before.appendText(b), ")\n"...)
		if o.Applied {
			b = fmt.Appendf(b, "%s: version %d has it\n", o.ForkID, o.Version)
		}
		return b
	}
	b = appendEscaped(append(b, "not reached: "...), o.Why)
	b = appendEscaped(append(b, "; nearest is "...), o.Input)
	b = o.Found.appendText(append(b, " = "...))
	b = appendEscaped(append(b, ", with "...), o.Cell)
	b = o.Value.appendText(append(b, " = "...))
	return fmt.Appendf(b, ", after %d trials\n", o.Trials)
}

type sensitivityIn struct {
	Book
	Sheet      string   `json:"sheet_name" lead:"true" doc:"Where cells without a sheet are"`
	Row        string   `json:"row_input" doc:"The input whose values stand across the top"`
	RowValues  *Scalars `json:"row_values"`
	Column     string   `json:"column_input" required:"true" doc:"The input whose values go down"`
	ColumnVals Scalars  `json:"column_values" required:"true"`
	Outputs    []string `json:"outputs" required:"true" min:"1" max:"50" doc:"One cell where there are two inputs; several with one"`
}

type sensitivityOut struct {
	Cut
	WorkbookID string   `json:"workbook_id"`
	Row        string   `json:"row_input,omitempty"`
	Column     string   `json:"column_input"`
	Outputs    []string `json:"outputs"`
	Header     []told   `json:"header"` // the row values, or nothing with one input
	Rows       [][]told `json:"rows"`   // the column value, and then the results
}

var sensitivityTable = define(Spec{
	Name: "sensitivity_table", Title: "Sensitivity table", Toolset: "analysis", Reach: ReachBook,
	Description: "How outputs change with one input, or one output with two, as a table: what Excel calls a data table. Changes nothing.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","sheet_name":"Loan","column_input":"B2","column_values":[0.03,0.04,0.05],"row_input":"B3","row_values":[180,360],"outputs":["B5"]}`,
}, func(ctx context.Context, env *Env, in sensitivityIn) (*sensitivityOut, error) {
	two := in.Row != ""
	switch {
	case two != (in.RowValues != nil && len(*in.RowValues) > 0):
		return nil, invalid("", "row_input and row_values belong together")
	case two && len(in.Outputs) > 1:
		return nil, invalid("Call it once for each, or use run_scenarios", "with two inputs there is room for one output, not %d", len(in.Outputs))
	}
	across := Scalars{{}}
	if two {
		across = *in.RowValues
	}
	if len(in.ColumnVals)*len(across) > combinationsMax {
		return nil, fail("TOO_MANY", "Give fewer values", "there are more than %d combinations", combinationsMax)
	}
	out := &sensitivityOut{Rows: [][]told{}, Header: []told{}}
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		t, err := newTrials(snap, in.Sheet)
		if err != nil {
			return err
		}
		outputs, names, err := t.cells(ctx, in.Outputs)
		if err != nil {
			return err
		}
		down, column, err := t.cell(ctx, in.Column)
		if err != nil {
			return err
		}
		out.WorkbookID, out.Outputs, out.Column = snap.ID, names, column
		var side cellAt
		if two {
			if side, out.Row, err = t.cell(ctx, in.Row); err != nil {
				return err
			}
		}
		inputs := make([][]whatif.Input, 0, len(in.ColumnVals)*len(across))
		for _, c := range in.ColumnVals {
			v, err := t.value(down, c.node())
			if err != nil {
				return err
			}
			out.Rows = append(out.Rows, []told{{v.Value}})
			for _, r := range across {
				set := []whatif.Input{v}
				if two {
					w, err := t.value(side, r.node())
					if err != nil {
						return err
					}
					set = append(set, w)
					if len(out.Rows) == 1 {
						out.Header = append(out.Header, told{w.Value})
					}
				}
				inputs = append(inputs, set)
			}
		}
		for i := range out.Rows {
			out.Rows[i] = append(out.Rows[i], make([]told, len(across)*len(outputs))...)
		}
		model, err := whatif.NewModel(ctx, snap, book.MomentAt(time.Now(), 1), 0)
		if err != nil {
			return calcTooLarge(err)
		}
		done := 0
		return calcTooLarge(model.Run(ctx, len(inputs), runtime.GOMAXPROCS(0), func(i int) []whatif.Input { return inputs[i] }, func(i int, s *book.Snapshot) error {
			values, err := readCells(ctx, s, outputs)
			copy(out.Rows[i/len(across)][1+i%len(across)*len(outputs):], values)
			done++
			ReportProgress(ctx, float64(done), float64(len(inputs)), "calculating the table")
			return err
		}))
	})
	if err != nil {
		return nil, err
	}
	lim := env.budget(0)
	for i := range out.Rows {
		if !lim.takeEntry(&out.Rows[i]) {
			total := len(out.Rows)
			out.Rows, in.ColumnVals = out.Rows[:i], in.ColumnVals[i:]
			out.Next = fmt.Sprintf("rows 1-%d of %d; next: %s", i, total, callText("sensitivity_table", in))
			break
		}
	}
	return out, nil
})

func (o *sensitivityOut) appendText(b []byte, _ bool) []byte {
	b = appendEscaped(b, plain(o.WorkbookID)+": "+strings.Join(o.Outputs, ", ")+" by "+o.Column)
	if o.Row != "" {
		b = appendEscaped(append(b, " (down) and "...), o.Row)
		b = append(b, " (across)"...)
	}
	b = append(b, '\n')
	b = appendEscaped(b, o.Column)
	for _, v := range o.Header {
		b = v.appendText(append(b, '\t'))
	}
	if o.Row == "" {
		for _, n := range o.Outputs {
			b = appendEscaped(append(b, '\t'), n)
		}
	}
	b = append(b, '\n')
	for _, row := range o.Rows {
		for i, v := range row {
			if i > 0 {
				b = append(b, '\t')
			}
			b = v.appendText(b)
		}
		b = append(b, '\n')
	}
	return b
}

// node gives the scalar as the JSON value that it was.
func (s Scalar) node() node {
	kinds := map[ScalarKind]nodeKind{NullScalar: nullNode, TextScalar: textNode, NumberScalar: numberNode, BoolScalar: boolNode}
	return node{kind: kinds[s.Kind], text: s.Text}
}
