package calc

import (
	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// laneMaker makes a Lanes. While it does, operands are values: slots are given when it is known which are needed.
type laneMaker struct {
	*Lanes
	w     *worker
	forms map[*graph.Template]int32
	ids   []laneValue
	out   []int32 // values of the outputs
	sums  map[columnKey]gathered
	large bool // there are too many terms
}

// gathered is a sum of a column from one cell on, as far as it was made.
type gathered struct {
	next  int   // the row behind it
	value int32 // what was gathered
}

// fresh gives a new value, which a cell makes.
func (k *laneMaker) fresh(cell int32) int32 {
	k.ids = append(k.ids, laneValue{cell: cell})
	return int32(len(k.ids) - 1)
}

// mark notes which cells may differ, as those that cannot be calculated until they were.
func (k *laneMaker) mark(d *graph.Dirty) {
	for s, region := range d.Spans() {
		p := programOf(s)
		if p == nil {
			continue
		}
		keep := p.Elsewhere && k.c.in.External == nil
		set := func(r cell.Range) {
			for col := r.First.Col; col <= r.Last.Col; col++ {
				for row := r.First.Row; row <= r.Last.Row; row++ {
					at := cell.Ref{Row: row, Col: col}
					if !keep || k.w.Value(s.Template.Sheet, at).IsBlank() {
						k.put(s.Template.Sheet, at, notByLanes)
					}
				}
			}
		}
		if s.Area != s.Output {
			set(s.Output)
			continue
		}
		for r := range region.Ranges() {
			set(r)
		}
	}
}

// make makes the cells of all units that have an order.
func (k *laneMaker) make(plan *graph.Plan) {
	for i := range plan.Units {
		order := plan.Units[i].Order
		if order == graph.Knot {
			continue
		}
		for s := range plan.Steps(i) {
			p := programOf(s.Span)
			if p == nil || s.Span.Area != s.Span.Output || p.Dynamic {
				continue
			}
			if k.c.stopped() || k.large {
				return
			}
			k.step(s, order)
		}
	}
}

// step makes the cells of a step in an order in which they can be calculated.
func (k *laneMaker) step(s graph.Step, order graph.Order) {
	f, sheet, r := k.form(s.Span.Template), s.Span.Template.Sheet, s.Cells
	switch order {
	case graph.RowsDown, graph.RowsUp:
		for i := range r.Rows() {
			row := r.First.Row + i
			if order == graph.RowsUp {
				row = r.Last.Row - i
			}
			for col := r.First.Col; col <= r.Last.Col; col++ {
				k.cell(f, sheet, cell.Ref{Row: row, Col: col})
			}
		}
	default:
		for i := range r.Cols() {
			col := r.First.Col + i
			if order == graph.ColumnsLeft {
				col = r.Last.Col - i
			}
			for row := r.First.Row; row <= r.Last.Row; row++ {
				k.cell(f, sheet, cell.Ref{Row: row, Col: col})
			}
		}
	}
}

// form gives the form of a template.
func (k *laneMaker) form(t *graph.Template) int32 {
	f, ok := k.forms[t]
	if !ok {
		p, _ := t.Facts.Program.(*program)
		x := laneForm{program: p, kind: t.Kind}
		if t.Kind == grid.NormalFormula && !p.Volatile {
			x.code = p.Lanes()
		}
		if x.code != nil {
			x.shared = make([]int32, len(x.code.Leaves))
		}
		f = int32(len(k.Lanes.forms))
		k.Lanes.forms = append(k.Lanes.forms, x)
		k.forms[t] = f
	}
	return f
}

// cell makes the value of a cell.
func (k *laneMaker) cell(form int32, sheet int, at cell.Ref) {
	if k.value(sheet, at) != notByLanes {
		return // it keeps the value that the file has
	}
	f := &k.Lanes.forms[form]
	x := laneCell{form: form, sheet: int32(sheet), row: int32(at.Row), col: int32(at.Col)}
	if f.code != nil {
		if v, ok := k.code(f, f.code, x); ok {
			k.put(sheet, at, v)
			return
		}
	}
	x.kind, x.first = byProgram, int32(len(k.operands))
	k.put(sheet, at, k.add(x))
}

// add adds a step, whose operands are those behind first, and gives its value.
func (k *laneMaker) add(x laneCell) int32 {
	x.count = int32(len(k.operands)) - x.first
	k.cells = append(k.cells, x)
	return k.fresh(int32(len(k.cells) - 1))
}

// number gives the operand of a number that is the same in all lanes.
func (k *laneMaker) number(f float64) int32 {
	if n := len(k.numbers); n > 0 && k.numbers[n-1] == f {
		return ^int32(n - 1)
	}
	k.numbers = append(k.numbers, f)
	return ^int32(len(k.numbers) - 1)
}

// code makes the value of a code for a cell; ok is false where only the program of the cell can give it.
func (k *laneMaker) code(f *laneForm, code *eval.LaneCode, x laneCell) (v int32, ok bool) {
	if alone := code.Alone(); alone != nil && alone.Kind == eval.LeafFold {
		return k.fold(f, alone.Fold, x)
	}
	var room [16]int32
	list := room[:0]
	for i := range code.Leaves {
		v, ok := k.leaf(f, code, i, x)
		if !ok {
			return 0, false
		}
		list = append(list, v)
	}
	if code.Alone() != nil && (list[0] < 0 && x.hidden || list[0] >= firstValue && k.ids[list[0]].cell >= 0) {
		return list[0], true // it is what another one is
	}
	x.kind, x.code, x.first = byCode, code, int32(len(k.operands))
	k.operands = append(k.operands, list...)
	return k.add(x), true
}

// leaf gives the operand for a leaf of a code.
func (k *laneMaker) leaf(f *laneForm, code *eval.LaneCode, i int, x laneCell) (v int32, ok bool) {
	l := &code.Leaves[i]
	switch l.Kind {
	case eval.LeafNumber:
		n := l.Number
		if l.Literal >= 0 {
			if page := k.c.m.graph.Literals(int(x.sheet), int(x.col), int(x.row)/grid.BandRows); page != nil {
				if own, ok := page.Number(l.Literal, int(x.row)%grid.BandRows); ok {
					n = own
				}
			}
		}
		return k.number(n), true
	case eval.LeafFold:
		x.hidden = true
		return k.fold(f, l.Fold, x)
	case eval.LeafShared:
		// The literals of a copy that has some of its own may be others than those of the copies before.
		keep := code == f.code && (!l.Shared.Open || k.c.m.graph.Literals(int(x.sheet), int(x.col), int(x.row)/grid.BandRows) == nil)
		if keep && f.shared[i] != 0 {
			return f.shared[i], true
		}
		x.hidden = true
		if v, ok = k.code(f, l.Shared, x); ok && keep {
			f.shared[i] = v
		}
		return v, ok
	}
	at, ok := eval.At(l.At, x.at())
	if !ok {
		return 0, false
	}
	if v := k.value(l.Sheet, at); v != sameInAll {
		return v, true
	}
	switch b := k.w.Value(l.Sheet, at); b.Kind() {
	case cell.Number, cell.Blank:
		return k.number(b.Number()), true
	case cell.Bool:
		return k.number(b.Number()), l.Numeric
	}
	return 0, false
}

// fold makes the value of a sum or one of its kind.
func (k *laneMaker) fold(f *laneForm, fold *eval.Fold, x laneCell) (v int32, ok bool) {
	t := terms{k: k, op: fold.Op, start: fold.Op.Start()}
	if fold.Growing() {
		return k.growing(fold, x, &t)
	}
	for i := range fold.Args {
		a := &fold.Args[i]
		if a.Code != nil {
			y := x
			y.hidden = true
			v, ok := k.code(f, a.Code, y)
			if !ok {
				return 0, false
			}
			t.add(v)
			continue
		}
		r, ok := k.area(a, x.at())
		if !ok || !t.area(a.Sheet, r) {
			return 0, false
		}
	}
	return t.finish(x)
}

// area gives the range of an argument, seen from a cell.
func (k *laneMaker) area(a *eval.FoldArg, at cell.Ref) (r cell.Range, ok bool) {
	first, ok1 := eval.At(a.First, at)
	last, ok2 := eval.At(a.Last, at)
	return cell.RangeOf(first, last), ok1 && ok2
}

// growing makes a sum of a column that begins where others do: it goes on where the one before ended. What
// is gathered is hidden, so that a lane which a program had to calculate is not taken for a part of the next sum.
func (k *laneMaker) growing(fold *eval.Fold, x laneCell, t *terms) (v int32, ok bool) {
	a := &fold.Args[0]
	r, ok := k.area(a, x.at())
	if !ok || r.First.Col != r.Last.Col {
		return 0, false
	}
	key := columnKey{a.Sheet, r.First.Col, r.First.Row, 0}
	was, some := k.sums[key]
	if some = some && was.next <= r.Last.Row+1; some {
		t.begin(was.value)
		r.First.Row = was.next
	}
	if !t.area(a.Sheet, r) {
		return 0, false
	}
	y := x
	y.hidden, y.raw = true, true
	sum := was.value
	if !some || len(t.list) > 0 {
		if sum, ok = t.finish(y); !ok {
			return 0, false
		}
	}
	k.sums[key] = gathered{r.Last.Row + 1, sum}
	x.kind, x.code, x.first = byCode, sumShown, int32(len(k.operands))
	k.operands = append(k.operands, sum)
	return k.add(x), true
}

// sumShown is the code that gives what it is given, as a cell can hold it.
var sumShown = eval.Given()

// terms are the operands of a fold while they are collected.
type terms struct {
	k     *laneMaker
	op    eval.FoldOp
	start float64 // what is known beforehand
	from  int32   // or the value that is gone on with
	list  []int32
	count int32
}

// begin has the fold go on with what was gathered before.
func (t *terms) begin(v int32) { t.from = v }

// add adds an operand.
func (t *terms) add(v int32) {
	if v < 0 {
		t.number(t.k.numbers[^v])
		return
	}
	t.count++
	t.list = append(t.list, v)
}

// number adds a number that is the same in all lanes.
func (t *terms) number(f float64) {
	t.count++
	switch {
	case t.op == eval.FoldCount:
	case len(t.list) == 0 && t.from == 0:
		t.start = t.op.Next(t.start, f)
	default:
		t.list = append(t.list, t.k.number(f))
	}
}

// area adds the numbers of a range, in the order in which fn adds them; false where one is an error.
func (t *terms) area(sheet int, r cell.Range) bool {
	s := t.k.c.sheets[sheet]
	used, ok := t.k.w.Used(sheet)
	if !ok {
		return true
	}
	r.Last = cell.Ref{Row: min(r.Last.Row, used.Last.Row), Col: min(r.Last.Col, used.Last.Col)}
	rows, cols := r.Last.Row-r.First.Row+1, r.Last.Col-r.First.Col+1
	if rows <= 0 || cols <= 0 {
		return true
	}
	if rows > 1 && cols > 1 && rows*cols <= fn.BlockMax {
		for row := r.First.Row; row <= r.Last.Row; row++ {
			for col := r.First.Col; col <= r.Last.Col; col++ {
				if !t.cell(s, sheet, cell.Ref{Row: row, Col: col}) {
					return false
				}
			}
		}
		return true
	}
	for col := r.First.Col; col <= r.Last.Col; col++ {
		for row := r.First.Row; row <= r.Last.Row; row++ {
			if !t.cell(s, sheet, cell.Ref{Row: row, Col: col}) {
				return false
			}
		}
	}
	return true
}

func (t *terms) cell(s *sheetTiles, sheet int, at cell.Ref) bool {
	if v := t.k.value(sheet, at); v != sameInAll {
		t.add(v)
		return true
	}
	b := s.tile(at.Col, at.Row/grid.BandRows)
	if b == nil {
		return true
	}
	switch i := at.Row % grid.BandRows; b.kinds[i] {
	case cell.Number:
		t.number(b.nums[i])
	case cell.Error:
		return false
	}
	return true
}

// finish adds the step of the fold.
func (t *terms) finish(x laneCell) (v int32, ok bool) {
	if t.count == 0 && t.from == 0 {
		return 0, false // what there is of no numbers the program knows
	}
	k := t.k
	x.kind, x.op, x.numbers, x.first = byFold, t.op, t.count, int32(len(k.operands))
	begin := t.from
	switch {
	case begin != 0:
	case t.op == eval.FoldCount:
		begin = k.number(float64(t.count))
	default:
		begin = k.number(t.start)
	}
	k.operands = append(append(k.operands, begin), t.list...)
	k.large = k.large || len(k.operands) > lanesMax
	return k.add(x), true
}

// arrange finds which values are needed for the outputs, and gives these slots: a value that is read for the
// last time leaves its slot to others. ok is false where one that is needed cannot be calculated over lanes.
func (k *laneMaker) arrange(inputs int) (ok bool) {
	if k.c.stopped() || k.large {
		return false
	}
	first := firstValue + int32(inputs) // the value of cell 0
	for v := firstValue; v < first; v++ {
		k.ids[v].until = forever
	}
	need := func(v, by int32) {
		if v > sameInAll {
			k.ids[v].needed, k.ids[v].until = true, max(k.ids[v].until, by)
		}
	}
	for _, v := range k.out {
		need(v, forever)
	}
	seen := map[graph.Area]bool{}
	for i := int32(len(k.cells)) - 1; i >= 0 && !k.ids[notByLanes].needed; i-- {
		x := &k.cells[i]
		if !k.ids[first+i].needed {
			continue
		}
		by := i
		if x.hidden { // the program of the cell that it is a part of reads what it reads
			by = forever
		}
		for _, v := range k.operands[x.first : x.first+x.count] {
			need(v, by)
		}
		if x.kind == byProgram {
			if k.c.stopped() {
				return false
			}
			k.reads(x, seen, need)
		}
	}
	if k.ids[notByLanes].needed {
		return false
	}
	k.slotOf, k.since, k.until = make([]int32, len(k.ids)), make([]int32, len(k.ids)), make([]int32, len(k.ids))
	for v := range k.slotOf {
		k.slotOf[v] = -1
	}
	for v := firstValue; v < first; v++ {
		slot := int32(-1)
		if k.ids[v].needed {
			slot = k.slot(nil)
		}
		k.slotOf[v], k.since[v], k.until[v] = slot, -1, forever
		k.inputs = append(k.inputs, slot)
	}
	var free []int32
	kept := k.cells[:0]
	for i := range k.cells {
		x, v := k.cells[i], first+int32(i)
		if !k.ids[v].needed {
			continue
		}
		n := int32(len(kept))
		x.slot = k.slot(&free)
		k.slotOf[v], k.since[v], k.until[v] = x.slot, n, forever
		list := k.operands[x.first : x.first+x.count]
		for j, v := range list {
			if v < 0 {
				continue
			}
			list[j] = k.slotOf[v]
			if k.ids[v].until == int32(i) && k.until[v] == forever {
				k.until[v] = n
				free = append(free, k.slotOf[v])
			}
		}
		kept = append(kept, x)
	}
	k.cells = kept
	for _, v := range k.out {
		slot := int32(-1)
		if v != sameInAll {
			slot = k.slotOf[v]
		}
		k.outputs = append(k.outputs, slot)
	}
	return true
}

// slot gives a slot that is free.
func (k *laneMaker) slot(free *[]int32) int32 {
	if free != nil && len(*free) > 0 {
		s := (*free)[len(*free)-1]
		*free = (*free)[:len(*free)-1]
		return s
	}
	k.slots++
	return int32(k.slots - 1)
}

// reads calls need for what the program of a cell may read.
func (k *laneMaker) reads(x *laneCell, seen map[graph.Area]bool, need func(v, by int32)) {
	s, ok := k.c.m.graph.SpanAt(int(x.sheet), x.at())
	if !ok {
		return
	}
	p := programOf(s)
	for i := range p.Reads {
		a, ok := s.Template.Image(i, cell.Range{First: x.at(), Last: x.at()})
		if !ok || p.Reads[i].Named || seen[a] {
			continue
		}
		if a.Range.First != a.Range.Last {
			seen[a] = true
		}
		k.within(a, func(v int32) { need(v, forever) })
	}
}

// within calls f for the values in an area.
func (k *laneMaker) within(a graph.Area, f func(v int32)) {
	s := &k.sheets[a.Sheet]
	for col := a.Range.First.Col; col <= a.Range.Last.Col && col < len(s.cols); col++ {
		for band := a.Range.First.Row / grid.BandRows; band <= a.Range.Last.Row/grid.BandRows && band < len(s.cols[col]); band++ {
			t, top := s.cols[col][band], band*grid.BandRows
			if t == nil {
				continue
			}
			for i := max(a.Range.First.Row-top, 0); i <= min(a.Range.Last.Row-top, grid.BandRows-1); i++ {
				if t[i] != sameInAll {
					f(t[i])
				}
			}
		}
	}
}
