package forks

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/vfs/crashfs"
)

// TestLines: what refers to cells, wherever it stands in a workbook, follows rows, columns, cells and sheets as identities of lines
// do: in the fork, in a version that an undo goes back to, after a restart, in a fork of the fork, and in the file that is saved.
func TestLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLines(t, rt)
		defer l.close()
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			l.step(rt)
		}
		l.restart()
		l.compare(l.id, "after a restart")
		child := l.create(l.id).ID
		l.compare(child, "in a fork of the fork")
		l.save(l.id, "out.xlsx")
		l.compare(l.create("out.xlsx").ID, "in the saved file")
	})
}

// TestLinesMerged: of two forks one has changed the structure of the workbook, and the other cells and what else refers to them. Merged
// either way, they are what the edits and then the structural changes make of it, or the merge is refused. So it is where both have
// changed the structure.
func TestLinesMerged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLines(t, rt)
		defer l.close()
		l.save(l.id, "base.xlsx")
		base := l.model.clone()
		side := func() *lines {
			return &lines{rig: l.rig, id: l.create("base.xlsx").ID, model: base.clone(), fresh: l.fresh, things: l.things}
		}
		edited, moved := side(), side()
		for range rapid.IntRange(1, 5).Draw(rt, "edits") {
			edited.edits(rt)
		}
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			moved.restructures(rt)
		}
		if rapid.IntRange(0, 5).Draw(rt, "both") == 0 {
			edited.restructures(rt)
		}
		into, from := edited, moved
		if rapid.Bool().Draw(rt, "the other way") {
			into, from = moved, edited
		}
		was := into.model
		m, err := l.store.Merge(context.Background(), into.id, from.id, MergeOptions{})
		if n := min(len(edited.changes), len(moved.changes)); n > 0 && err == nil && !slices.Equal(edited.changes[:n], moved.changes[:n]) {
			l.Fatalf("%s\nand\n%s\nare merged: %+v", strings.Join(edited.log, "\n"), strings.Join(moved.log, "\n"), m)
		}
		if err != nil || !m.Done || len(edited.changes) > 0 {
			return // it is refused, or a cell that was edited is gone
		}
		want := edited.model.clone()
		fresh := l.fresh
		for _, c := range moved.changes {
			want.change(c, &fresh)
		}
		into.log = slices.Concat(edited.log, moved.log, []string{fmt.Sprint("merged into that with ", into.log)})
		into.model = want
		into.compare(into.id, "merged")
		l.save(into.id, "out.xlsx")
		into.compare(l.create("out.xlsx").ID, "merged and saved")
		l.restart()
		into.compare(into.id, "merged, after a restart")
		if _, err := l.store.Undo(context.Background(), into.id, 1, Commit{}); err != nil {
			l.Fatal(err)
		}
		into.model = was
		into.compare(into.id, "undone")
	})
}

// lines is a fork and what it should be.
type lines struct {
	*rig
	id      string
	model   *lineBook
	were    []*lineBook        // before each edit that can be undone
	next    []*lineBook        // after each that can be redone
	fresh   int                // the lowest identity that was given
	changes []structure.Change // that were made, undone ones as well
	things  int
	log     []string
}

// Where things are drawn. There is room around it, so that few relative references go around the ends of a sheet.
const (
	lineRows = 14
	lineCols = 9
)

// lineDrawing draws a workbook.
type lineDrawing struct {
	*rapid.T
	b    *lineBook
	n    int // of things
	file *excelize.File
}

func drawLines(t *testing.T, rt *rapid.T) *lines {
	d := lineDrawing{T: rt, b: &lineBook{}, file: excelize.NewFile()}
	defer d.file.Close()
	for i, name := range []string{"Data", "Other", "Q1 '26"} {
		d.b.pages = append(d.b.pages, newLinePage(i, name))
		if i == 0 {
			d.must(d.file.SetSheetName("Sheet1", name))
		} else {
			_, err := d.file.NewSheet(name)
			d.must(err)
		}
	}
	for _, p := range d.b.pages {
		d.cells(p)
	}
	for range rapid.IntRange(2, 16).Draw(rt, "things") {
		if t := d.thing(aMerge, aFormat, aFormat, aValidation, aValidation, aLink, aNote, aSparkline, aFilter, aName, aName, aChart, aBreak); t != nil {
			d.write(t)
		}
	}
	var out bytes.Buffer
	d.must(d.file.Write(&out))
	dir, err := os.MkdirTemp(t.TempDir(), "lines")
	d.must(err)
	l := &lines{model: d.b, fresh: -100, things: d.n, rig: &rig{failer: rt, dir: filepath.Join(dir, "root"), bases: filepath.Join(dir, "bases"), fs: crashfs.New()}}
	d.must(os.Mkdir(l.dir, 0o755))
	l.put("in.xlsx", out.Bytes())
	l.open()
	l.id = l.create("in.xlsx").ID
	_, err = l.store.Recalculate(context.Background(), l.id, true, Commit{})
	d.must(err)
	l.compare(l.id, "at first")
	return l
}

func (d *lineDrawing) must(err error) {
	if err != nil {
		d.Fatal(err)
	}
}

func (d *lineDrawing) below(n int, label string) int { return rapid.IntRange(0, n-1).Draw(d.T, label) }

// box draws a rectangle by place.
func (d *lineDrawing) box(rows, cols int) (x lineBox) {
	x.first = [2]int{1 + d.below(lineRows-rows, "row"), 1 + d.below(lineCols-cols, "column")}
	x.last = [2]int{x.first[0] + d.below(rows, "rows"), x.first[1] + d.below(cols, "columns")}
	return x
}

// ref draws a reference of a thing on sheet own, which is nil for what is of the workbook.
func (d *lineDrawing) ref(own *linePage, absolute bool) *lineRef {
	p := rapid.SampledFrom(d.b.pages).Draw(d.T, "sheet")
	if own != nil && d.below(3, "other") > 0 {
		p = own
	}
	r := &lineRef{page: p.id, named: p != own || d.below(4, "named") == 0, box: d.box(6, 4), absolute: [2]bool{absolute, absolute}}
	if !absolute {
		for i := range r.absolute {
			r.absolute[i] = d.below(3, "absolute") == 0
		}
	}
	switch d.below(8, "kind") {
	case 0:
		r.whole[0] = true
	case 1:
		r.whole[1] = true
	case 2, 3, 4:
		r.one, r.box.last = true, r.box.first
	}
	r.box = p.ids(r.box)
	return r
}

// cells fills a sheet with numbers and sums.
func (d *lineDrawing) cells(p *linePage) {
	for range rapid.IntRange(6, 24).Draw(d.T, "cells") {
		if t := d.cell(p); t != nil {
			d.write(t)
		}
	}
}

// cell draws a number or a sum; nil where there is a cell already.
func (d *lineDrawing) cell(p *linePage) *lineThing {
	at := p.ids(d.box(1, 1))
	if slices.ContainsFunc(d.b.things, func(o *lineThing) bool { return o.kind == aCell && o.page == p.id && o.boxes[0] == at }) {
		return nil
	}
	d.n++
	t := &lineThing{kind: aCell, page: p.id, boxes: []lineBox{at}, heir: at.first}
	if d.below(2, "formula") == 0 {
		t.value = fmt.Sprint(d.n)
	} else {
		t.formulas = [][]lineToken{{{"SUM(", d.ref(p, false)}, {",", d.ref(p, false)}, {")", nil}}}
	}
	return t
}

// thing draws something else than a cell; nil where it would not fit.
func (d *lineDrawing) thing(kinds ...*lineKind) *lineThing {
	p := rapid.SampledFrom(d.b.pages).Draw(d.T, "sheet")
	t := &lineThing{kind: rapid.SampledFrom(kinds).Draw(d.T, "kind"), page: p.id}
	d.n++
	t.key = fmt.Sprint(d.n)
	at := d.box(4, 3)
	switch t.kind {
	case aNote, aSparkline, aLink, aBreak:
		at.last = at.first
	case aFilter:
		at.last[0]++
	}
	boxes := []lineBox{at}
	for t.kind == aFormat || t.kind == aValidation {
		if more := d.box(4, 3); d.below(3, "more") == 0 && !slices.ContainsFunc(boxes, func(x lineBox) bool { _, meet := x.common(more); return meet }) {
			boxes = append(boxes, more)
			continue
		}
		break
	}
	if t.kind == aMerge && (at.first == at.last || slices.ContainsFunc(d.b.things, func(o *lineThing) bool {
		return o.kind == aCell && o.page == p.id && at.holds(p.places(o.boxes[0])) && p.cell(o.heir) != at.first
	})) {
		return nil // only the first cell of what is merged has a content
	}
	for _, o := range d.b.things {
		merged := o.kind == aMerge && t.kind == aLink // excelize would link the first cell
		if !merged && o.kind != t.kind || o.page != p.id || t.kind == aFormat {
			continue
		}
		for _, x := range o.boxes {
			for _, y := range boxes {
				if _, meet := p.places(x).common(y); meet || t.kind == aFilter || t.kind == aSparkline {
					return nil
				}
			}
		}
	}
	for _, x := range boxes {
		t.boxes = append(t.boxes, p.ids(x))
	}
	t.heir = p.ids(lineBox{t.corner(p), t.corner(p)}).first
	switch t.kind {
	case aFormat:
		t.formulas = [][]lineToken{{{"SUM(", d.ref(p, false)}, {")>" + t.key, nil}}}
	case aValidation:
		r := d.ref(p, false)
		if t.formulas = [][]lineToken{{{"", r}}}; d.below(2, "custom") == 0 {
			t.formulas = [][]lineToken{{{"COUNT(", r}, {")=3", nil}}}
		}
	case aLink:
		r := d.ref(nil, true)
		r.absolute, r.whole = [2]bool{}, [2]bool{}
		t.formulas = [][]lineToken{{{"", r}}}
	case aSparkline:
		r := d.ref(nil, false)
		r.whole, t.formulas, t.key = [2]bool{}, [][]lineToken{{{"", r}}}, "line"
	case aFilter:
		for c := at.first[1]; c <= at.last[1]; c++ {
			if d.below(2, "criterion") == 0 {
				t.criteria = append(t.criteria, lineCriterion{p.axes[1].at(c), t.key})
			}
		}
		t.key = ""
	case aName:
		return d.name(t, p)
	case aChart:
		t.boxes = nil
		t.anchor = &lineAnchor{how: rapid.SampledFrom([]string{"", "oneCell", "absolute"}).Draw(d.T, "anchor")}
		if t.anchor.how == "oneCell" { // excelize says the size by offsets in the first cell
			at.last = at.first
		}
		t.anchor.box = p.ids(at)
		for range 3 {
			r := d.ref(nil, true)
			r.whole = [2]bool{}
			t.formulas = append(t.formulas, []lineToken{{"", r}})
		}
	}
	return t
}

// name makes of a thing a name of the workbook or of a sheet, or what is printed of a sheet.
func (d *lineDrawing) name(t *lineThing, p *linePage) *lineThing {
	t.boxes = nil
	t.formulas = [][]lineToken{{{"", d.ref(nil, true)}}}
	switch d.below(4, "name") {
	case 0:
		t.page, t.key = -1, "name_"+t.key
		return t
	case 1:
		t.key = "name_" + t.key
		return t
	}
	if t.key = grid.PrintArea; d.below(2, "titles") == 0 {
		t.key = grid.PrintTitles
		r := t.formulas[0][0].ref
		r.one, r.whole = false, [2]bool{true, false}
		also := *r
		also.whole = [2]bool{false, true}
		t.formulas = [][]lineToken{{{"", r}, {",", &also}}}
	}
	for _, token := range t.formulas[0] {
		r := token.ref // its lines are those of another sheet perhaps
		at := d.b.page(r.page).places(r.box)
		r.page, r.box = p.id, p.ids(at)
	}
	if slices.ContainsFunc(d.b.things, func(o *lineThing) bool { return o.key == t.key && o.page == t.page }) {
		return nil
	}
	return t
}

// texts gives the formulas of a thing.
func (b *lineBook) texts(t *lineThing) (list []string) {
	for _, f := range t.formulas {
		list = append(list, b.formula(f))
	}
	return list
}

// write puts a thing into the file.
func (d *lineDrawing) write(t *lineThing) {
	p, f := d.b.page(t.page), d.b.texts(t)
	sqref, scope := "A1", ""
	if p != nil {
		sqref, scope = cmp.Or(p.sqref(t.boxes), sqref), p.name
	}
	first, last, _ := strings.Cut(sqref, ":")
	switch t.kind {
	case aCell:
		if len(f) > 0 {
			d.must(d.file.SetCellFormula(p.name, first, f[0]))
		} else {
			d.must(d.file.SetCellValue(p.name, first, d.n))
		}
	case aMerge:
		d.must(d.file.MergeCell(p.name, first, last))
	case aFormat:
		d.must(d.file.SetConditionalFormat(p.name, sqref, []excelize.ConditionalFormatOptions{{Type: "formula", Criteria: f[0]}}))
	case aValidation:
		v := excelize.NewDataValidation(true)
		v.Sqref, v.Type, v.Formula1 = sqref, "list", f[0]
		if len(t.formulas[0]) > 1 {
			v.Type = "custom"
		}
		v.SetError(excelize.DataValidationErrorStyleStop, t.key, "no")
		d.must(d.file.AddDataValidation(p.name, v))
	case aLink:
		d.must(d.file.SetCellHyperLink(p.name, first, f[0], "Location", excelize.HyperlinkOpts{Tooltip: &t.key}))
	case aNote:
		d.must(d.file.AddComment(p.name, excelize.Comment{Cell: first, Author: "a", Text: t.key}))
	case aSparkline:
		d.must(d.file.AddSparkline(p.name, &excelize.SparklineOptions{Location: []string{first}, Range: f, Type: "line"}))
	case aFilter:
		var list []excelize.AutoFilterOptions
		for _, c := range t.criteria {
			list = append(list, excelize.AutoFilterOptions{Column: cell.ColumnName(p.axes[1].place(c.column)), Expression: "x == " + c.text})
		}
		d.must(d.file.AutoFilter(p.name, sqref, list))
	case aBreak:
		d.must(d.file.InsertPageBreak(p.name, first))
		d.breaks(t)
		return
	case aName:
		d.must(d.file.SetDefinedName(&excelize.DefinedName{Name: t.key, RefersTo: f[0], Scope: scope}))
	case aChart:
		// A column of a file that says nothing of it is 64 pixels wide, and a row 20 high.
		at := p.places(t.anchor.box)
		size := excelize.ChartDimension{Width: uint(64*(at.last[1]-at.first[1]) + 9), Height: uint(20*(at.last[0]-at.first[0]) + 9)}
		d.must(d.file.AddChart(p.name, cell.Ref{Row: at.first[0], Col: at.first[1]}.String(), &excelize.Chart{Type: excelize.Col, Dimension: size,
			Format: excelize.GraphicOptions{Name: t.key, AltText: t.key, Positioning: t.anchor.how},
			Series: []excelize.ChartSeries{{Name: f[0], Categories: f[1], Values: f[2]}}}))
	}
	d.b.things = append(d.b.things, t)
}

// breaks makes a page begin at the row and the column of a thing.
func (d *lineDrawing) breaks(t *lineThing) {
	p := d.b.page(t.page)
	for i, id := range t.boxes[0].first {
		if !slices.Contains(p.breaks[i], id) {
			p.breaks[i] = append(p.breaks[i], id)
		}
	}
}

// put gives the edit that puts a thing into a fork, whose state is s.
func (b *lineBook) put(s *book.Snapshot, t *lineThing) (book.Op, error) {
	f := b.texts(t)
	p := b.page(t.page)
	if p == nil {
		return book.EditNames{Names: []book.NameEdit{{Name: t.key, RefersTo: f[0]}}}, nil
	}
	i, _ := s.SheetIndex(p.name)
	sheet, err := s.Sheet(context.Background(), i)
	if err != nil {
		return nil, err
	}
	l, o := sheet.Layout, book.Arrange{Sheet: p.name}
	var ranges []cell.Range
	if len(t.boxes) > 0 {
		ranges, _ = cell.ParseRanges(p.sqref(t.boxes))
	}
	switch t.kind {
	case aCell:
		c := book.CellEdit{Ref: ranges[0].First, HasFormula: len(f) > 0}
		if c.HasFormula {
			c.Formula = f[0]
		} else {
			n, err := strconv.ParseFloat(t.value, 64)
			if c.Value = cell.NumberValue(n); err != nil {
				return nil, err
			}
		}
		return book.SetCells{Sheet: p.name, Cells: []book.CellEdit{c}}, nil
	case aName:
		return book.EditNames{Names: []book.NameEdit{{Name: t.key, Sheet: p.name, RefersTo: f[0]}}}, nil
	case aChart:
		*t.anchor = lineAnchor{box: lineBox{t.anchor.box.first, t.anchor.box.first}, how: "oneCell", edited: true}
		at := p.ranges([]lineBox{t.anchor.box})
		return book.ArrangeObjects{Sheet: p.name, Add: []book.NewObject{{ID: "chart-" + t.key, Name: t.key, Anchor: book.ObjectPlace{Cell: at, Width: 1e6, Height: 1e6},
			Chart: &grid.Chart{Types: []string{"column"}, Series: []grid.Series{{NameRef: f[0], Categories: f[1], Values: f[2]}}}}}}, nil
	case aMerge:
		list := book.Ranges(append(slices.Clone(l.Merges), ranges...))
		o.Merges = &list
	case aFormat:
		list := append(slices.Clone(l.Conditional), grid.ConditionalFormat{Ranges: ranges, Type: "expression", Formulas: f, Priority: len(l.Conditional) + 1, DxfID: -1})
		o.Conditional = &list
	case aValidation:
		v := grid.Validation{Ranges: ranges, Type: "list", Operator: "between", Formula1: f[0], ErrorTitle: t.key, ShowError: true}
		if len(t.formulas[0]) > 1 {
			v.Type = "custom"
		}
		list := append(slices.Clone(l.Validations), v)
		o.Validations = &list
	case aLink:
		list := append(slices.Clone(l.Hyperlinks), grid.Hyperlink{Range: ranges[0], Location: f[0], Tooltip: t.key})
		o.Hyperlinks = &list
	case aNote:
		list := append(slices.Clone(l.Comments), grid.Comment{Ref: ranges[0].First, Author: "a", Text: t.key})
		o.Comments = &list
	case aFilter:
		o.Filter = &grid.Filter{Range: ranges[0]}
		for _, c := range t.criteria {
			o.Filter.Columns = append(o.Filter.Columns, grid.FilterColumn{Column: p.axes[1].place(c.column) - ranges[0].First.Col, Values: []string{c.text}})
		}
	}
	return o, nil
}

// sqref writes rectangles in their order.
func (p *linePage) sqref(boxes []lineBox) string {
	var list []string
	for _, x := range boxes {
		list = append(list, p.ranges([]lineBox{x}))
	}
	return strings.Join(list, " ")
}

// seenOf gives what can be seen of a snapshot.
func seenOf(s *book.Snapshot) (seen, error) {
	ctx := context.Background()
	is := seen{"sheets": ""}
	sheets := s.Workbook().Sheets
	for _, n := range s.Workbook().Names {
		switch {
		case n.Name == grid.FilterDatabase:
		case n.Sheet < 0:
			is["name "+n.Name] = " =" + n.RefersTo
		default:
			is["name "+sheets[n.Sheet].Name+" "+n.Name] = " =" + n.RefersTo
		}
	}
	parts := seenParts{}
	for i, info := range sheets {
		is["sheets"] += info.Name + "|"
		sheet, err := s.Sheet(ctx, i)
		if err != nil {
			return nil, err
		}
		for c := range sheet.Cells(cell.WholeSheet) {
			at := info.Name + " " + c.Ref.String()
			text := book.FormulaText(sheet, c)
			if text != "" {
				is["cell "+at] = " =" + text
			} else if c.Value.String() != "" {
				is["cell "+at] = c.Value.String()
			}
			if v := c.Value.String(); v != "" {
				is["value "+at] = v
			}
		}
		add := func(kind, key string, formulas string, ranges ...cell.Range) {
			for _, r := range ranges {
				parts.add(kind+" "+info.Name+" "+key, formulas, r.String())
			}
		}
		one := func(r cell.Ref) cell.Range { return cell.Range{First: r, Last: r} }
		l := sheet.Layout
		for _, r := range l.Merges {
			add("merge", r.String(), "", r)
		}
		for _, f := range l.Conditional {
			key := f.Formulas[0][strings.LastIndexByte(f.Formulas[0], '>')+1:]
			add("format", key, " ="+f.Formulas[0], f.Ranges...)
		}
		for _, v := range l.Validations {
			add("validation", v.ErrorTitle, " ="+v.Formula1, v.Ranges...)
		}
		for _, h := range l.Hyperlinks {
			add("link", h.Tooltip, " ="+h.Location, h.Range)
		}
		for _, c := range l.Comments {
			add("note", c.Text, "", one(c.Ref))
		}
		for _, g := range l.Sparklines {
			for _, c := range g.Cells {
				r, _ := cell.ParseRange(c.Cell)
				add("sparkline", g.Type, " ="+c.Source, r)
			}
		}
		if l.AutoFilter != nil {
			criteria := ""
			for _, c := range l.Filters {
				criteria += writeCriterion(c.Column, strings.Join(c.Values, "|"))
			}
			add("filter", "", criteria, *l.AutoFilter)
		}
		for i, list := range [...][]int{l.Breaks.Rows, l.Breaks.Cols} {
			is[fmt.Sprint("breaks ", info.Name, " ", i)] = writeBreaks(list)
		}
		objects, err := s.Objects(ctx, i)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			if o.Chart != nil {
				c := o.Chart.Series[0]
				is["chart "+info.Name+" "+o.Name] = " =" + c.NameRef + " =" + c.Categories + " =" + c.Values + writeAnchor(o.Anchor.From, o.Anchor.To, how(o.Anchor))
			}
		}
	}
	parts.into(is)
	return is, nil
}

// how tells what an object does where its cells move, as files say it.
func how(a grid.Anchor) string {
	switch {
	case a.SizeWithCells:
		return ""
	case a.MoveWithCells:
		return "oneCell"
	}
	return "absolute"
}

// compare looks whether a fork or version is what it should be.
func (l *lines) compare(id, when string) {
	l.Helper()
	var is seen
	if err := l.store.View(context.Background(), id, func(s *book.Snapshot) (err error) {
		is, err = seenOf(s)
		return err
	}); err != nil {
		l.Fatal(err)
	}
	want, unsure := l.model.seen()
	if d := is.diff(want, unsure); d != "" {
		l.Fatalf("%s, %s:\n%s", strings.Join(l.log, "\n"), when, d)
	}
}

// step makes a change, undoes one or redoes one that was undone.
func (l *lines) step(t *rapid.T) {
	if len(l.were) > 0 && rapid.IntRange(0, 7).Draw(t, "undo") == 0 {
		l.walk("undo", l.store.Undo, &l.were, &l.next)
		return
	}
	if len(l.next) > 0 && rapid.IntRange(0, 1).Draw(t, "redo") == 0 {
		l.walk("redo", l.store.Redo, &l.next, &l.were)
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "edit") == 0 {
		l.edits(t)
		return
	}
	l.restructures(t)
}

// walk undoes or redoes a change: the fork becomes the last of from, and onto gets what it was.
func (l *lines) walk(what string, by func(context.Context, string, int, Commit) (Result, error), from, onto *[]*lineBook) {
	if _, err := by(context.Background(), l.id, 1, Commit{}); err != nil {
		l.Fatal(err)
	}
	l.log = append(l.log, what)
	*onto = append(*onto, l.model)
	last := len(*from) - 1
	l.model, *from = (*from)[last], (*from)[:last]
	l.compare(l.id, "after "+what)
}

// restructures makes a structural change.
func (l *lines) restructures(t *rapid.T) {
	c := l.draw(t)
	if _, err := l.store.Edit(context.Background(), l.id, restructured(c), Commit{Tool: "test"}); err != nil {
		return // it is refused
	}
	l.log = append(l.log, fmt.Sprintf("%+v", c))
	l.changes = append(l.changes, c)
	l.were, l.next = append(l.were, l.model.clone()), nil
	l.model.change(c, &l.fresh)
	l.compare(l.id, "now")
}

// edits puts something into a cell or onto a sheet.
func (l *lines) edits(t *rapid.T) {
	d := lineDrawing{T: t, b: l.model, n: l.things}
	var thing *lineThing
	if rapid.Bool().Draw(t, "cell") {
		thing = d.cell(rapid.SampledFrom(l.model.pages).Draw(t, "sheet"))
	} else {
		thing = d.thing(aMerge, aFormat, aValidation, aLink, aNote, aFilter, aName, aChart)
	}
	if l.things = d.n; thing == nil {
		return
	}
	var op book.Op
	if err := l.store.View(context.Background(), l.id, func(s *book.Snapshot) (err error) {
		op, err = l.model.put(s, thing)
		return err
	}); err != nil {
		l.Fatal(err)
	}
	if _, err := l.store.Edit(context.Background(), l.id, book.Edit{Ops: []book.Op{op}}, Commit{Tool: "test"}); err != nil {
		return // it is refused
	}
	l.log = append(l.log, fmt.Sprintf("%+v", op))
	l.were, l.next = append(l.were, l.model.clone()), nil
	l.model.things = append(l.model.things, thing)
	l.compare(l.id, "now")
}

// draw draws a structural change.
func (l *lines) draw(t *rapid.T) structure.Change {
	n := func(first, last int, label string) int { return rapid.IntRange(first, last).Draw(t, label) }
	var names []string
	for _, p := range l.model.pages {
		names = append(names, p.name)
	}
	c := structure.Change{Sheet: rapid.SampledFrom(names).Draw(t, "sheet"), Kind: rapid.SampledFrom([]structure.Kind{
		structure.InsertRows, structure.InsertRows, structure.DeleteRows, structure.DeleteRows, structure.InsertColumns, structure.InsertColumns, structure.DeleteColumns, structure.DeleteColumns,
		structure.MoveCells, structure.MoveCells, structure.MoveCells, structure.AddSheet, structure.DeleteSheet, structure.RenameSheet, structure.MoveSheet,
	}).Draw(t, "kind")}
	at := func() cell.Ref { return cell.Ref{Row: n(0, lineRows, "row"), Col: n(0, lineCols, "column")} }
	switch rows, _, ok := c.Lines(); {
	case ok && rows:
		c.At, c.Count = n(0, lineRows, "at"), n(1, 4, "count")
	case ok:
		c.At, c.Count = n(0, lineCols, "at"), n(1, 3, "count")
	case c.Kind == structure.MoveCells:
		c.Range, c.To = cell.RangeOf(at(), at()), at()
		switch n(0, 3, "how") {
		case 0:
			c.ToSheet = rapid.SampledFrom(names).Draw(t, "to")
		case 1:
			c, _ = structure.Shifted(c.Sheet, c.Range, rapid.Bool().Draw(t, "down or up"), rapid.Bool().Draw(t, "deletes"))
		case 2:
			c.To.Col = c.Range.First.Col
		case 3:
			c.To.Row = c.Range.First.Row
		}
	case c.Kind == structure.AddSheet:
		c.Sheet, c.Position = fmt.Sprintf("Sheet_%d", -l.fresh), n(0, len(names), "position")
	case c.Kind == structure.RenameSheet:
		c.Name = rapid.SampledFrom([]string{"Name_a", "Name_b", "It's"}).Draw(t, "name")
	case c.Kind == structure.MoveSheet:
		c.Position = n(0, len(names)-1, "position")
	}
	return c
}
