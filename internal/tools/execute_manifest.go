package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/whatif"
)

type executeManifestIn struct {
	Book
	Manifest string `json:"manifest_yaml" required:"true" doc:"Of get_manifest_stub, checked and mended"`
	Inputs   *Tree  `json:"inputs" doc:"Values by the id of a port: a scalar, rows of values for a range, an object for a record, objects for the rows of a table"`
	Seed     *int   `json:"rng_seed" min:"0" doc:"What random numbers start from"`
	Freeze   bool   `json:"freeze_volatile" default:"false" doc:"Stop the clock at the time of the file, and random numbers with it"`
}

type executeManifestOut struct {
	WorkbookID string     `json:"workbook_id"`
	Outputs    portValues `json:"outputs"`
}

// portValues are the values of output ports, in the order of the manifest.
type portValues []portValue

type portValue struct {
	id   string
	json []byte // the value
	text []byte // the same for a model
}

func (p portValues) appendJSON(b []byte) []byte {
	b = append(b, '{')
	for i, v := range p {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, v.id), ':')
		b = append(b, v.json...)
	}
	return append(b, '}')
}

// manifestBytesMax bounds a manifest, portCellsMax the cells of all ports together.
const (
	manifestBytesMax = 256 << 10
	portCellsMax     = 100_000
)

var executeManifest = define(Spec{
	Name: "execute_manifest", Title: "Run a SheetPort manifest", Toolset: "manifest", Reach: ReachBook,
	Description: "Uses a workbook or fork as a function: writes the inputs into the ports of a SheetPort (FIO) manifest, recalculates, and gives the values of its output ports. Changes nothing.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","manifest_yaml":"ports:\n- {id: rate, dir: in, shape: scalar, location: {a1: Inputs!B2}}\n- {id: total, dir: out, shape: scalar, location: {a1: Sums!B9}}\n","inputs":{"rate":0.05}}`,
}, func(ctx context.Context, env *Env, in executeManifestIn) (*executeManifestOut, error) {
	ports, err := readManifest(in.Manifest)
	if err != nil {
		return nil, err
	}
	at := book.MomentAt(time.Now(), uint64(orElse(in.Seed, 1)))
	if in.Freeze {
		if entry, err := env.Workspace.Lookup(ctx, in.Workbook); err == nil {
			at = book.MomentAt(entry.ModTime, at.Seed)
		}
	}
	out := &executeManifestOut{}
	err = env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		out.WorkbookID = snap.ID
		r := &manifestRun{ctx: ctx, snap: snap, ports: ports}
		if in.Inputs != nil {
			for i, id := range in.Inputs.names {
				if err := r.give(id, in.Inputs.items[i]); err != nil {
					return err
				}
			}
		}
		model, err := whatif.NewModel(ctx, snap, at, 0)
		if err != nil {
			return calcTooLarge(err)
		}
		done, err := model.Try(ctx, r.inputs)
		if err != nil {
			return calcTooLarge(err)
		}
		r.snap = done
		lim := env.budget(0)
		for i := range ports {
			if ports[i].Dir == "in" {
				continue
			}
			v, err := r.read(&ports[i])
			if err != nil {
				return err
			}
			if !lim.take(len(v.json), 1) {
				return fail("RESULT_TOO_LARGE", "Take ports out of the manifest, or make them smaller", "the output ports up to %q do not fit a result", clip(v.id, 60))
			}
			out.Outputs = append(out.Outputs, v)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
})

func (o *executeManifestOut) appendText(b []byte, _ bool) []byte {
	b = appendEscaped(b, o.WorkbookID)
	b = append(b, '\n')
	for _, v := range o.Outputs {
		b = appendEscaped(b, v.id)
		b = append(append(b, ": "...), v.text...)
	}
	return b
}

// runPort is a port as a manifest that is run may have it.
type runPort struct {
	ID       string      `yaml:"id"`
	Dir      string      `yaml:"dir"`
	Shape    string      `yaml:"shape"`
	Location runLocation `yaml:"location"`
	Schema   struct {
		Type     string      `yaml:"type"`
		CellType string      `yaml:"cell_type"`
		Columns  []runColumn `yaml:"columns"`
		Fields   yaml.Node   `yaml:"fields"`
	} `yaml:"schema"`

	fields []runField // of a record, in their order
}

type runLocation struct {
	A1     string      `yaml:"a1"`
	Name   string      `yaml:"name"`
	Table  string      `yaml:"table"`
	Layout *portLayout `yaml:"layout"`
}

type runColumn struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`
	Col  string `yaml:"col"`
}

type runField struct {
	Name     string
	Type     string      `yaml:"type"`
	Location runLocation `yaml:"location"`
}

// readManifest reads the ports of a manifest.
func readManifest(text string) ([]runPort, error) {
	bad := func(format string, args ...any) ([]runPort, error) {
		return nil, fail("BAD_MANIFEST", "get_manifest_stub shows what one looks like", format, args...)
	}
	if len(text) > manifestBytesMax {
		return bad("the manifest has more than %d KB", manifestBytesMax>>10)
	}
	var m struct {
		Ports []runPort `yaml:"ports"`
	}
	if err := yaml.Unmarshal([]byte(text), &m); err != nil {
		return bad("the manifest is no YAML: %s", clip(err.Error(), 200))
	}
	if len(m.Ports) == 0 {
		return bad("the manifest has no ports")
	}
	seen := map[string]bool{}
	for i := range m.Ports {
		p := &m.Ports[i]
		switch {
		case p.ID == "" || seen[p.ID]:
			return bad("port %d has no id, or one that another has: %q", i+1, clip(p.ID, 60))
		case !slices.Contains([]string{"in", "out", "inout"}, p.Dir):
			return bad("port %q: dir is %q, and not in, out or inout", clip(p.ID, 60), clip(p.Dir, 20))
		case !slices.Contains([]string{"scalar", "range", "record", "table"}, p.Shape):
			return bad("port %q: shape is %q, and not scalar, range, record or table", clip(p.ID, 60), clip(p.Shape, 20))
		}
		seen[p.ID] = true
		if p.Shape != "record" {
			continue
		}
		for k := 0; k+1 < len(p.Schema.Fields.Content); k += 2 {
			f := runField{}
			if err := p.Schema.Fields.Content[k+1].Decode(&f); err != nil {
				return bad("port %q: field %d: %s", clip(p.ID, 60), k/2+1, clip(err.Error(), 100))
			}
			f.Name = p.Schema.Fields.Content[k].Value
			p.fields = append(p.fields, f)
		}
		if len(p.fields) == 0 {
			return bad("port %q is a record without fields", clip(p.ID, 60))
		}
	}
	return m.Ports, nil
}

// manifestRun is a manifest being run.
type manifestRun struct {
	ctx    context.Context
	snap   *book.Snapshot
	ports  []runPort
	inputs []whatif.Input
	cells  int64
}

// area finds the cells of a location.
func (r *manifestRun) area(port string, l runLocation) (area, error) {
	text := l.A1
	for _, t := range []string{l.Name, l.Table} {
		if text == "" {
			text = t
		}
	}
	if text == "" {
		return area{}, fail("BAD_MANIFEST", `Example: location: {a1: "Inputs!B2"}`, "port %q has no location", clip(port, 60))
	}
	a, err := oneArea(r.ctx, r.snap, 0, text)
	if err != nil {
		return a, err
	}
	if _, ok := cell.ParseRange(text); ok && len(r.snap.Workbook().Sheets) > 1 {
		return a, fail("BAD_MANIFEST", "Write it as Sheet1!B2", "port %q: %q does not say on which sheet it is", clip(port, 60), clip(text, 60))
	}
	return a, r.count(port, a.rng)
}

func (r *manifestRun) count(port string, rng cell.Range) error {
	if r.cells += rng.Cells(); r.cells > portCellsMax {
		return fail("BAD_MANIFEST", "Name the part that is needed", "the ports up to %q have more than %d cells", clip(port, 60), portCellsMax)
	}
	return nil
}

// table is where a port of that shape lies: its columns, and the rows that it has now.
type portTable struct {
	sheet       int
	columns     []runColumn
	at          []int // columns of the sheet
	first, last int   // rows; none where last is before first
}

func (r *manifestRun) table(p *runPort) (t portTable, err error) {
	l := p.Location.Layout
	if l == nil {
		a, err := r.area(p.ID, p.Location)
		if err != nil {
			return t, err
		}
		t = portTable{sheet: a.sheet, columns: p.Schema.Columns, first: a.rng.First.Row + 1, last: a.rng.Last.Row}
		l = &portLayout{HeaderRow: a.rng.First.Row + 1, AnchorCol: cell.ColumnName(a.rng.First.Col)}
		if p.Location.Table != "" {
			tables, err := r.snap.Tables(r.ctx)
			if err != nil {
				return t, err
			}
			for i := range tables {
				if x := &tables[i]; book.FoldName(x.Name) == book.FoldName(p.Location.Table) {
					t.last -= x.TotalsRows
				}
			}
		}
	} else {
		if t.sheet, err = sheetNamed(r.snap, l.Sheet); err != nil {
			return t, err
		}
		t.columns, t.first = p.Schema.Columns, l.HeaderRow
		if l.HeaderRow < 1 || l.HeaderRow >= cell.MaxRows {
			return t, fail("BAD_MANIFEST", "", "port %q: header_row %d is none of a sheet", clip(p.ID, 60), l.HeaderRow)
		}
	}
	sheet, err := r.snap.Sheet(r.ctx, t.sheet)
	if err != nil {
		return t, err
	}
	anchor, ok := cell.ParseColumn(l.AnchorCol)
	if !ok || len(t.columns) == 0 {
		return t, fail("BAD_MANIFEST", "", "port %q: a table needs an anchor column and columns", clip(p.ID, 60))
	}
	for i, c := range t.columns {
		col := anchor + i
		if c.Col != "" {
			if col, ok = cell.ParseColumn(c.Col); !ok {
				return t, fail("BAD_MANIFEST", "", "port %q: %q is no column", clip(p.ID, 60), clip(c.Col, 20))
			}
		}
		t.at = append(t.at, col)
	}
	if p.Location.Layout != nil { // it ends above the first row that is blank in all its columns
		t.last = t.first - 1
		for row := t.first; row < cell.MaxRows; row++ {
			blank := true
			for _, col := range t.at {
				if c, ok := sheet.At(cell.Ref{Row: row, Col: col}); ok && !c.Value.IsBlank() {
					blank = false
				}
			}
			if blank {
				break
			}
			t.last = row
			if err := r.count(p.ID, cell.Range{Last: cell.Ref{Col: len(t.at) - 1}}); err != nil {
				return t, err
			}
		}
	}
	return t, nil
}

// give writes the input of a port.
func (r *manifestRun) give(id string, n node) error {
	i := slices.IndexFunc(r.ports, func(p runPort) bool { return p.ID == id })
	if i < 0 || r.ports[i].Dir == "out" {
		var names []string
		for _, p := range r.ports {
			if p.Dir != "out" {
				names = append(names, p.ID)
			}
		}
		return fail("BAD_INPUT", suggest("input ports", id, names), "the manifest has no input port %q", clip(id, 60))
	}
	p := &r.ports[i]
	switch p.Shape {
	case "scalar":
		a, err := r.area(p.ID, p.Location)
		if err != nil {
			return err
		}
		return r.set(p.ID, a.sheet, a.rng.First, n, cmpOr(p.Schema.Type, p.Schema.CellType))
	case "record":
		if n.kind != objectNode {
			return fail("BAD_INPUT", "", "port %q is a record and wants an object, not %s", clip(id, 60), n.kind)
		}
		for k, name := range n.names {
			j := slices.IndexFunc(p.fields, func(f runField) bool { return f.Name == name })
			if j < 0 {
				return fail("BAD_INPUT", "", "port %q has no field %q", clip(id, 60), clip(name, 60))
			}
			a, err := r.area(p.ID, p.fields[j].Location)
			if err != nil {
				return err
			}
			if err := r.set(p.ID+"."+name, a.sheet, a.rng.First, n.items[k], p.fields[j].Type); err != nil {
				return err
			}
		}
		return nil
	case "range":
		return r.giveRange(p, n)
	}
	return r.giveTable(p, n)
}

func (r *manifestRun) giveRange(p *runPort, n node) error {
	a, err := r.area(p.ID, p.Location)
	if err != nil {
		return err
	}
	if n.kind != arrayNode {
		n = node{kind: arrayNode, items: []node{{kind: arrayNode, items: []node{n}}}}
	}
	if len(n.items) > a.rng.Rows() {
		return fail("BAD_INPUT", "", "port %q has %d rows, and %d are given", clip(p.ID, 60), a.rng.Rows(), len(n.items))
	}
	for i, row := range n.items {
		if row.kind != arrayNode { // a list of values is one of rows with one each
			row = node{kind: arrayNode, items: []node{row}}
		}
		if len(row.items) > a.rng.Cols() {
			return fail("BAD_INPUT", "", "port %q has %d columns, and row %d has %d", clip(p.ID, 60), a.rng.Cols(), i+1, len(row.items))
		}
		for k, v := range row.items {
			if err := r.set(p.ID, a.sheet, cell.Ref{Row: a.rng.First.Row + i, Col: a.rng.First.Col + k}, v, p.Schema.CellType); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *manifestRun) giveTable(p *runPort, n node) error {
	t, err := r.table(p)
	if err != nil {
		return err
	}
	if n.kind != arrayNode {
		return fail("BAD_INPUT", "", "port %q is a table and wants an array of objects, not %s", clip(p.ID, 60), n.kind)
	}
	for i, row := range n.items {
		if row.kind != objectNode {
			return fail("BAD_INPUT", "", "port %q, row %d: wanted an object, not %s", clip(p.ID, 60), i+1, row.kind)
		}
		for _, name := range row.names {
			if !slices.ContainsFunc(t.columns, func(c runColumn) bool { return strings.EqualFold(c.Name, name) }) {
				return fail("BAD_INPUT", "", "port %q has no column %q", clip(p.ID, 60), clip(name, 60))
			}
		}
		for k, c := range t.columns {
			v := node{}
			if j := slices.IndexFunc(row.names, func(name string) bool { return strings.EqualFold(c.Name, name) }); j >= 0 {
				v = row.items[j]
			}
			ref := cell.Ref{Row: t.first + i, Col: t.at[k]}
			if !ref.Valid() {
				return fail("BAD_INPUT", "", "port %q: row %d does not fit the sheet", clip(p.ID, 60), i+1)
			}
			if err := r.set(p.ID, t.sheet, ref, v, c.Type); err != nil {
				return err
			}
		}
	}
	for row := t.first + len(n.items); row <= t.last; row++ { // what it had before goes
		for _, col := range t.at {
			r.inputs = append(r.inputs, whatif.Input{Sheet: t.sheet, Ref: cell.Ref{Row: row, Col: col}})
		}
	}
	return nil
}

// cmpOr is the first text that is not empty.
func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// set notes the input of a cell, which must be of a type if one is given.
func (r *manifestRun) set(port string, sheet int, ref cell.Ref, n node, typ string) error {
	s, problem := scalarOf(n)
	if problem != "" {
		return fail("BAD_INPUT", "", "port %q: %s", clip(port, 60), problem)
	}
	e := newEditor(r.snap, sheet, false, "fail")
	c := book.CellEdit{Ref: ref}
	date := strings.HasPrefix(typ, "date") || typ == "time"
	wrong := false
	switch typ {
	case "number", "integer":
		wrong = s.Kind != NumberScalar && s.Kind != NullScalar || typ == "integer" && s.Number != float64(int64(s.Number))
	case "boolean":
		wrong = s.Kind != BoolScalar && s.Kind != NullScalar
	case "string", "text":
		wrong = s.Kind != TextScalar && s.Kind != NullScalar
	}
	if date && s.Kind == TextScalar {
		wrong = e.date(&c, s.Text) != nil
	} else if !wrong {
		e.scalar(&c, s, false)
	}
	if wrong || c.HasFormula {
		return fail("BAD_INPUT", "", "port %q wants a value of type %s, and is given %s", clip(port, 60), cmpOr(typ, "scalar"), n.brief())
	}
	r.inputs = append(r.inputs, whatif.Input{Sheet: sheet, Ref: ref, Value: c.Value})
	return nil
}

// read gives the value of an output port.
func (r *manifestRun) read(p *runPort) (v portValue, err error) {
	v.id = p.ID
	switch p.Shape {
	case "scalar":
		a, err := r.area(p.ID, p.Location)
		if err != nil {
			return v, err
		}
		x, err := whatif.Value(r.ctx, r.snap, a.sheet, a.rng.First)
		v.json, v.text = appendValue(nil, x), append(told{x}.appendText(nil), '\n')
		return v, err
	case "record":
		v.json, v.text = []byte{'{'}, []byte{'\n'}
		for i, f := range p.fields {
			a, err := r.area(p.ID, f.Location)
			if err != nil {
				return v, err
			}
			x, err := whatif.Value(r.ctx, r.snap, a.sheet, a.rng.First)
			if err != nil {
				return v, err
			}
			if i > 0 {
				v.json = append(v.json, ',')
			}
			v.json = appendValue(append(appendQuoted(v.json, f.Name), ':'), x)
			v.text = appendEscaped(append(v.text, "  "...), f.Name)
			v.text = append(told{x}.appendText(append(v.text, '\t')), '\n')
		}
		v.json = append(v.json, '}')
		return v, nil
	case "range":
		a, err := r.area(p.ID, p.Location)
		if err != nil {
			return v, err
		}
		return r.grid(v, a.sheet, a.rng.First.Row, a.rng.Last.Row, columnsFrom(a.rng.First.Col, a.rng.Last.Col), nil)
	}
	t, err := r.table(p)
	if err != nil {
		return v, err
	}
	return r.grid(v, t.sheet, t.first, t.last, t.at, t.columns)
}

func columnsFrom(first, last int) (list []int) {
	for col := first; col <= last; col++ {
		list = append(list, col)
	}
	return list
}

// grid reads rows: as arrays, or with columns as objects.
func (r *manifestRun) grid(v portValue, sheet, first, last int, cols []int, columns []runColumn) (portValue, error) {
	s, err := r.snap.Sheet(r.ctx, sheet)
	if err != nil {
		return v, err
	}
	v.json = []byte{'['}
	v.text = fmt.Appendf(nil, "%d rows\n", last-first+1)
	for i, c := range columns {
		if i > 0 {
			v.text = append(v.text, '\t')
		}
		v.text = appendEscaped(v.text, c.Name)
	}
	if columns != nil {
		v.text = append(v.text, '\n')
	}
	for row := first; row <= last; row++ {
		if row > first {
			v.json = append(v.json, ',')
		}
		v.json = append(v.json, "[{"[min(len(columns), 1)])
		for k, col := range cols {
			c, ok := s.At(cell.Ref{Row: row, Col: col})
			if !ok {
				c = grid.Cell{}
			}
			if k > 0 {
				v.json, v.text = append(v.json, ','), append(v.text, '\t')
			}
			if columns != nil {
				v.json = append(appendQuoted(v.json, columns[k].Name), ':')
			}
			v.json = appendValue(v.json, c.Value)
			if !c.Value.IsBlank() {
				v.text = told{c.Value}.appendText(v.text)
			}
		}
		v.json, v.text = append(v.json, "]}"[min(len(columns), 1)]), append(v.text, '\n')
	}
	v.json = append(v.json, ']')
	return v, nil
}

// appendValue appends a value as JSON, null for none.
func appendValue(b []byte, v cell.Value) []byte {
	if v.IsBlank() {
		return append(b, "null"...)
	}
	return told{v}.appendJSON(b)
}
