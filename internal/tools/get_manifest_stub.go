package tools

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
	"gridflow/internal/workspace"
)

type getManifestStubIn struct {
	Book
	SheetFilter string `json:"sheet_filter" doc:"Name of the only sheet to look at"`
}

type getManifestStubOut struct {
	Cut
	WorkbookID      string          `json:"workbook_id"`
	Slug            string          `json:"slug"`
	ManifestYAML    string          `json:"manifest_yaml"`
	Sheets          []manifestSheet `json:"sheets"`
	SheetsTruncated bool            `json:"sheets_truncated,omitempty"`
}

type manifestSheet struct {
	Name           string   `json:"sheet_name"`
	Classification string   `json:"classification"`
	Expectations   []string `json:"candidate_expectations"`
	Notes          []string `json:"notes"` // what the styles suggest
}

// manifest is a SheetPort manifest (FIO 0.3): which ranges of a workbook are its inputs
// and outputs, and of what type.
type manifest struct {
	Spec         string `yaml:"spec"`
	SpecVersion  string `yaml:"spec_version"`
	Capabilities struct {
		Profile string `yaml:"profile"`
	} `yaml:"capabilities"`
	Manifest struct {
		ID          string `yaml:"id"`
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
		Workbook    struct {
			URI        string `yaml:"uri"`
			DateSystem int    `yaml:"date_system,omitempty"`
		} `yaml:"workbook"`
	} `yaml:"manifest"`
	Ports []port `yaml:"ports"`
}

type port struct {
	ID       string       `yaml:"id"`
	Dir      string       `yaml:"dir"`
	Shape    string       `yaml:"shape"`
	Location portLocation `yaml:"location"`
	Schema   portSchema   `yaml:"schema"`
}

// portLocation is either a range or a layout.
type portLocation struct {
	A1     string      `yaml:"a1,omitempty"`
	Layout *portLayout `yaml:"layout,omitempty"`
}

type portLayout struct {
	Kind      string `yaml:"kind"`
	Sheet     string `yaml:"sheet"`
	HeaderRow int    `yaml:"header_row"`
	AnchorCol string `yaml:"anchor_col"`
	Terminate string `yaml:"terminate"`
}

type portSchema struct {
	Kind     string       `yaml:"kind"`
	CellType string       `yaml:"cell_type,omitempty"`
	Columns  []portColumn `yaml:"columns,omitempty"`
}

type portColumn struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"`
	Col  string `yaml:"col"`
}

var getManifestStub = define(Spec{
	Name: "get_manifest_stub", Title: "Draft a SheetPort manifest", Toolset: "manifest",
	Description: "A draft of a SheetPort (FIO) manifest in YAML: a port for each region that sheet_overview detects, parameters and data as inputs, " +
		"calculations and outputs as outputs. A port's id ends with the id of its region. Ids, directions and types are guesses to be checked.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab","sheet_filter":"Inputs"}`,
}, func(ctx context.Context, env *Env, in getManifestStubIn) (*getManifestStubOut, error) {
	entry, err := env.Workspace.Lookup(ctx, in.Workbook)
	if err != nil {
		return nil, err
	}
	var out *getManifestStubOut
	err = env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) (err error) {
		out, err = draftManifest(ctx, env, snap, entry, in)
		return err
	})
	return out, err
})

func draftManifest(ctx context.Context, env *Env, snap *book.Snapshot, entry workspace.Entry, in getManifestStubIn) (*getManifestStubOut, error) {
	wb := snap.Workbook()
	first, last := 0, len(wb.Sheets)-1
	if in.SheetFilter != "" {
		index, err := sheetNamed(snap, in.SheetFilter)
		if err != nil {
			return nil, err
		}
		first, last = index, index
	}
	out := &getManifestStubOut{WorkbookID: snap.ID, Slug: entry.Slug}
	m := newManifest(wb, entry)
	names := portNames(wb.Sheets)
	lim := env.budget(0)
	for i := first; i <= last; i++ {
		ReportProgress(ctx, float64(i-first), float64(last-first+1), "reading "+wb.Sheets[i].Name)
		s, ports, err := draftSheet(ctx, snap, i, names[i])
		if err != nil {
			return nil, err
		}
		text, err := yaml.Marshal(ports)
		if err != nil {
			return nil, err
		}
		if !lim.take(len(text), 0) {
			out.SheetsTruncated = true
			in.SheetFilter = wb.Sheets[i].Name
			out.Next = fmt.Sprintf("sheets 1-%d of %d; next, one sheet at a time: %s", i, len(wb.Sheets), callText("get_manifest_stub", in))
			break
		}
		out.Sheets = append(out.Sheets, s)
		m.Ports = append(m.Ports, ports...)
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(m); err != nil {
		return nil, err
	}
	out.ManifestYAML = b.String()
	return out, nil
}

func newManifest(wb *grid.Workbook, entry workspace.Entry) *manifest {
	m := &manifest{Spec: "fio", SpecVersion: "0.3.0", Ports: []port{}}
	m.Capabilities.Profile = "core-v0"
	m.Manifest.ID = manifestID(entry)
	m.Manifest.Name = entry.Slug
	m.Manifest.Description = "Drafted from the regions of " + entry.Path + ": check every port."
	m.Manifest.Workbook.URI = "file://" + url.PathEscape(entry.Slug)
	if wb.Dates == numfmt.Date1904 {
		m.Manifest.Workbook.DateSystem = 1904
	}
	return m
}

// manifestID gives an id of 3 to 64 letters, digits and hyphens.
func manifestID(entry workspace.Entry) string {
	id := identifier(entry.Slug, '-')
	id = strings.TrimRight(id[:min(len(id), 64)], "-")
	if len(id) < 3 {
		return entry.ID
	}
	return id
}

// identifier gives s in lower case with sep for each run of characters that are no
// ASCII letters or digits, without any at its ends.
func identifier(s string, sep byte) string {
	var b []byte
	for _, c := range []byte(strings.ToLower(s)) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != sep:
			b = append(b, sep)
		}
	}
	return strings.TrimRight(string(b), string(sep))
}

// portNames gives what the port ids of each sheet begin with, all different.
func portNames(sheets []grid.SheetInfo) []string {
	names := make([]string, len(sheets))
	seen := make(map[string]bool)
	for i, s := range sheets {
		base := identifier(s.Name, '_')
		if base == "" {
			base = "sheet"
		}
		name := base
		for n := i + 1; seen[name]; n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		seen[name] = true
		names[i] = name
	}
	return names
}

// draftSheet gives the ports of a sheet; their ids begin with name.
func draftSheet(ctx context.Context, snap *book.Snapshot, index int, name string) (manifestSheet, []port, error) {
	wb := snap.Workbook()
	s := manifestSheet{Name: wb.Sheets[index].Name}
	sheet, err := snap.Sheet(ctx, index)
	if err != nil {
		return s, nil, err
	}
	v := analyze.ViewOf(wb, sheet)
	d, err := analyze.Regions(ctx, v)
	if err != nil {
		return s, nil, err
	}
	s.Classification = d.Class.String()
	s.Notes = regionTags(v, d)
	var ports []port
	for i := range d.Regions {
		r := &d.Regions[i]
		p := port{ID: fmt.Sprintf("%s_%s_%d", name, r.Kind, r.ID), Dir: "in"}
		switch r.Kind {
		case analyze.CalculatorRegion, analyze.OutputsRegion:
			p.Dir = "out"
		case analyze.MetadataRegion:
			continue
		}
		if r.Kind == analyze.DataRegion && r.Header.Rows > 0 {
			err = p.bindTable(ctx, v, s.Name, r)
		} else {
			err = p.bindRange(ctx, v, s.Name, r)
		}
		if err != nil {
			return s, nil, err
		}
		s.Expectations = append(s.Expectations, p.expectation(r))
		ports = append(ports, p)
	}
	if len(s.Expectations) == 0 {
		s.Expectations = []string{"nothing on this sheet looks like a port"}
	}
	return s, ports, nil
}

// regionTags gives what the styles of the first cells of each region suggest.
func regionTags(v analyze.View, d *analyze.Detection) []string {
	const looked = 200
	found := make(map[string]bool)
	for i := range d.Regions {
		n := 0
		for c := range v.Cells(d.Regions[i].Bounds) {
			for _, t := range styleTags(v.Styles, c.Style) {
				found[t] = true
			}
			if n++; n == looked {
				break
			}
		}
	}
	return orderedTags(found)
}

// bindTable makes p a table below the header of r.
func (p *port) bindTable(ctx context.Context, v analyze.View, sheet string, r *analyze.Region) error {
	p.Shape, p.Schema.Kind = "table", "table"
	p.Location.Layout = &portLayout{Kind: "header_contiguous_v1", Sheet: sheet, HeaderRow: r.Header.Row + r.Header.Rows,
		AnchorCol: cell.ColumnName(r.Bounds.First.Col), Terminate: "first_blank_row"}
	data, any := r.Data()
	seen := make(map[string]bool)
	for i, label := range r.Header.Labels {
		col := r.Bounds.First.Col + i
		c := portColumn{Name: clip(strings.Join(strings.Fields(label), " "), 200), Type: "string", Col: cell.ColumnName(col)}
		for c.Name == "" || seen[c.Name] {
			c.Name = strings.TrimSpace(c.Name + " " + c.Col)
		}
		seen[c.Name] = true
		if any {
			counts, err := v.Count(ctx, cell.Range{First: cell.Ref{Row: data.First.Row, Col: col}, Last: cell.Ref{Row: data.Last.Row, Col: col}})
			if err != nil {
				return err
			}
			c.Type = valueType(counts, "string")
		}
		p.Schema.Columns = append(p.Schema.Columns, c)
	}
	return nil
}

// bindRange makes p the cells of r without what labels them: a range has one type.
func (p *port) bindRange(ctx context.Context, v analyze.View, sheet string, r *analyze.Region) error {
	p.Shape, p.Schema.Kind = "range", "range"
	rng, any := r.Data()
	if !any {
		rng = r.Bounds
	}
	labels := func(at cell.Range) (bool, error) {
		c, err := v.Count(ctx, at)
		return c.Texts > 0 && c.Texts == c.Filled && c.Formulas == 0, err
	}
	left, top := rng, rng
	left.Last.Col = left.First.Col
	top.Last.Row = top.First.Row
	isLeft, err := labels(left)
	if err != nil {
		return err
	}
	if isLeft && rng.Cols() > 1 {
		rng.First.Col++
	}
	isTop, err := labels(top)
	if err != nil {
		return err
	}
	counts, err := v.Count(ctx, rng)
	if err != nil {
		return err
	}
	// Above texts, a text may be one of them.
	if isTop && rng.Rows() > 1 && counts.Numbers+counts.Dates+counts.Bools > 0 {
		rng.First.Row++
		if counts, err = v.Count(ctx, rng); err != nil {
			return err
		}
	}
	p.Location.A1 = cell.QuoteSheet(sheet) + "!" + rng.String()
	p.Schema.CellType = valueType(counts, "number")
	return nil
}

// valueType gives the type of cells that all hold the same, and mixed for others.
func valueType(c analyze.Counts, mixed string) string {
	kinds, found := 0, mixed
	for _, k := range []struct {
		n    int
		name string
	}{{c.Numbers, "number"}, {c.Dates, "date"}, {c.Bools, "boolean"}, {c.Texts, "string"}} {
		if k.n > 0 {
			kinds++
			found = k.name
		}
	}
	if kinds > 1 {
		return mixed
	}
	return found
}

// expectation says what a check of the port could count on.
func (p *port) expectation(r *analyze.Region) string {
	if p.Shape == "table" {
		return fmt.Sprintf("%s: table %s with %d columns below row %d", p.ID, r.Bounds, len(p.Schema.Columns), p.Location.Layout.HeaderRow)
	}
	return fmt.Sprintf("%s: %s holds cells of type %s", p.ID, p.Location.A1, p.Schema.CellType)
}

// appendText gives the manifest alone: sheet_overview says the rest better.
func (o *getManifestStubOut) appendText(b []byte, _ bool) []byte { return append(b, o.ManifestYAML...) }
