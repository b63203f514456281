package tools

import (
	"context"
	"fmt"
	"time"

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
			return err
		}
		done, err := model.Try(ctx, r.inputs)
		if err != nil {
			return err
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

// read gives the value of an output port.
func (r *manifestRun) read(p *runPort) (v portValue, err error) {
	v.id = p.ID
	switch p.Shape {
	case "scalar":
		a, err := r.area(p.ID, p.Location)
		if err != nil {
			return v, err
		}
		x, err := r.value(a)
		v.json, v.text = appendValue(nil, x), append(told{x}.appendText(nil), '\n')
		return v, err
	case "record":
		v.json, v.text = []byte{'{'}, []byte{'\n'}
		for i, f := range p.fields {
			a, err := r.area(p.ID, f.Location)
			if err != nil {
				return v, err
			}
			x, err := r.value(a)
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

// value gives the value of the first cell of an area.
func (r *manifestRun) value(a area) (cell.Value, error) {
	s, err := r.snap.SheetTo(r.ctx, a.sheet, a.rng.First.Row)
	if err != nil {
		return cell.Value{}, err
	}
	c, _ := s.At(a.rng.First)
	return c.Value, nil
}
