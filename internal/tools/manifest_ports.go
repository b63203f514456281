package tools

import (
	"context"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/whatif"
)

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
