package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

// moveParts rewrites the parts that belong to a sheet: its comments, drawings with their charts, controls and pivot tables.
func (s *saver) moveParts(c *course, i int) error {
	info := &s.f.Workbook().Sheets[i]
	sheet := s.pkg.Find(info.Part)
	if info.Part == "" || sheet == nil {
		return nil
	}
	list, err := s.pkg.Relationships(sheet)
	if err != nil {
		return err
	}
	moves := c.moves(info.Name)
	for _, r := range list {
		if r.Part == nil || s.seen(r.Part) {
			continue
		}
		x := refs{c: c, own: info.Name, moves: moves}
		switch r.Kind {
		case "comments", "threadedComment", "tableSingleCells", "ctrlProp", "drawing":
			if s.movePart(r.Part, &x); x.stayed > 0 && r.Kind == "comments" {
				s.warn("NOT_MOVED", "comments of cells that went to another sheet stayed on %.64q, where they were: %d", info.Name, x.stayed)
			}
		case "vmlDrawing":
			s.moveVML(r.Part, &x)
		case "pivotTable":
			if moves && !s.movePart(r.Part, &x) {
				if err := s.unrelate(sheet, r.Part); err != nil {
					return err
				}
			}
			continue
		}
		if r.Kind != "drawing" {
			continue
		}
		drawn, err := s.pkg.Relationships(r.Part)
		if err != nil {
			return err
		}
		for _, r := range drawn {
			if r.Part != nil && (r.Kind == "chart" || r.Kind == "chartEx") && !s.seen(r.Part) {
				s.movePart(r.Part, &refs{c: c})
			}
		}
	}
	return nil
}

// moveShared rewrites the parts that belong to no single sheet: where caches of pivot tables and connections get their data.
func (s *saver) moveShared(c *course) error {
	list, err := s.pkg.Relationships(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.Part != nil && (r.Kind == "pivotCacheDefinition" || r.Kind == "connections") && !s.seen(r.Part) {
			s.movePart(r.Part, &refs{c: c})
		}
	}
	return nil
}

// seen reports whether a part was rewritten, and notes that it is now.
func (s *saver) seen(part *xlsx.Part) bool {
	if s.rewritten == nil {
		s.rewritten = map[*xlsx.Part]bool{}
	}
	was := s.rewritten[part]
	s.rewritten[part] = true
	return was
}

// movePart rewrites a part. It gives false where nothing is left of what the part is about. One that cannot be read stays.
func (s *saver) movePart(part *xlsx.Part, x *refs) bool {
	d := s.lenient(part)
	if d == nil {
		return true
	}
	root, ok := d.root()
	if !ok {
		return true
	}
	out := []byte(nil)
	body, _, gone := x.content(d.text, root.tagEnd, root.inner)
	if body != nil {
		out = slices.Concat(root.tag(d.text), body, d.text[root.inner:root.to])
	}
	if gone > 0 && root.local == "pivotTableDefinition" {
		return false
	}
	if out != nil && !bytes.Equal(out, d.text[root.from:root.to]) {
		d.edit(root.from, root.to, out)
		s.save(d)
	}
	return true
}

// moveVML rewrites the shapes of comments and of form controls.
func (s *saver) moveVML(part *xlsx.Part, x *refs) {
	d := s.lenient(part)
	if d == nil {
		return // much of what is called VML is no XML
	}
	root, ok := d.root()
	if !ok {
		return
	}
	for _, shape := range d.children(root) {
		if with, goes := x.shape(d.text, shape); goes || with != nil {
			d.edit(shape.from, shape.to, with)
			s.save(d)
		}
	}
}

// shape rewrites a shape: a comment goes with its cell, and a control as it says itself.
func (x *refs) shape(text []byte, e element) (out []byte, goes bool) {
	var data element
	for _, c := range elements(text, e.tagEnd, e.inner) {
		if c.local == "ClientData" {
			data = c
		}
	}
	if data.local == "" {
		return nil, false
	}
	note := string(attribute(data.tag(text), "ObjectType")) == "Note"
	fixed, resizes := false, true
	var row, col = -1, -1
	for _, c := range elements(text, data.tagEnd, data.inner) {
		value := strings.TrimSpace(string(text[c.tagEnd:c.inner]))
		switch c.local {
		case "Row":
			row = position(value)
		case "Column":
			col = position(value)
		case "MoveWithCells": // it says that it does not
			fixed = fixed || !strings.EqualFold(value, "False")
		case "SizeWithCells":
			resizes = resizes && strings.EqualFold(value, "False")
		}
	}
	var to cell.Ref
	at := cell.Ref{Row: row, Col: col}
	if note && x.moves && at.Valid() {
		sheet, now, ok := x.c.locate(x.own, at)
		if !ok {
			return nil, true
		}
		if to = now; !strings.EqualFold(sheet, x.name()) {
			to = at // it cannot go to another sheet
		}
	}
	at2 := data.tagEnd
	changed := false
	put := func(c element, with string) {
		out = slices.Concat(out, text[at2:c.tagEnd], []byte(with))
		at2, changed = c.inner, true
	}
	for _, c := range elements(text, data.tagEnd, data.inner) {
		inner := text[c.tagEnd:c.inner]
		switch {
		case c.empty || !plainText(inner):
		case textsRead[c.local] == asFormula:
			if s, yes := x.c.formula(plain(inner), x.own); yes {
				put(c, string(emit.AppendText(nil, s)))
			}
		case !x.moves:
		case c.local == "Row" && note && at.Valid() && to.Row != at.Row:
			put(c, strconv.Itoa(to.Row))
		case c.local == "Column" && note && at.Valid() && to.Col != at.Col:
			put(c, strconv.Itoa(to.Col))
		case c.local == "Anchor" && note && at.Valid():
			if s, ok := shiftedAnchor(plain(inner), to.Row-at.Row, to.Col-at.Col); ok {
				put(c, s)
			}
		case c.local == "Anchor" && !note && !fixed:
			if s, ok := x.vmlAnchor(plain(inner), !resizes); ok {
				put(c, s)
			}
		}
	}
	if !changed {
		return nil, false
	}
	out = append(out, text[at2:data.inner]...)
	return slices.Concat(text[e.from:data.tagEnd], out, text[data.inner:e.to]), false
}

// name is what the sheet is called afterwards.
func (x *refs) name() string {
	name, _ := x.c.sheet(x.own)
	return name
}

// position reads a number from 0 on; -1 is none.
func position(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// vmlCorners reads an anchor: column, how far into it, row, how far into it, of the first corner and of the last.
func vmlCorners(s string) (n [8]int, ok bool) {
	fields := strings.Split(s, ",")
	if len(fields) != len(n) {
		return n, false
	}
	for i, f := range fields {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(f)); err != nil {
			return n, false
		}
	}
	return n, n[0] >= 0 && n[2] >= 0 && n[4] >= 0 && n[6] >= 0 && n[0] < cell.MaxCols && n[4] < cell.MaxCols && n[2] < cell.MaxRows && n[6] < cell.MaxRows
}

func writeCorners(n [8]int) string {
	words := make([]string, len(n))
	for i, v := range n {
		words[i] = strconv.Itoa(v)
	}
	return strings.Join(words, ", ")
}

// shiftedAnchor moves an anchor.
func shiftedAnchor(s string, rows, cols int) (string, bool) {
	n, ok := vmlCorners(s)
	if !ok || rows == 0 && cols == 0 {
		return "", false
	}
	for _, i := range [...]int{0, 4} {
		n[i] = min(max(n[i]+cols, 0), cell.MaxCols-1)
		n[i+2] = min(max(n[i+2]+rows, 0), cell.MaxRows-1)
	}
	return writeCorners(n), true
}

// vmlAnchor moves an anchor with the cells below it.
func (x *refs) vmlAnchor(s string, keepsSize bool) (string, bool) {
	n, ok := vmlCorners(s)
	if !ok {
		return "", false
	}
	first := x.point(n[2], n[0])
	if keepsSize {
		return shiftedAnchor(s, first.row-n[2], first.col-n[0])
	}
	last := x.point(n[6], n[4])
	now := n
	now[0], now[2], now[4], now[6] = first.col, first.row, last.col, last.row
	for _, p := range [...]struct {
		in bool
		at int
	}{{first.inCol, 1}, {first.inRow, 3}, {last.inCol, 5}, {last.inRow, 7}} {
		if !p.in {
			now[p.at] = 0
		}
	}
	return writeCorners(now), now != n
}

// pivots gives where the pivot tables of a sheet are.
func (s *saver) pivots(sheet string) ([]cell.Range, error) {
	list, err := s.pkg.Relationships(s.pkg.Find(sheet))
	if err != nil {
		return nil, err
	}
	var out []cell.Range
	for _, r := range list {
		if r.Kind != "pivotTable" || r.Part == nil {
			continue
		}
		d := s.lenient(r.Part)
		if d == nil {
			continue
		}
		root, _ := d.root()
		if e, ok := d.child(root, "location"); ok {
			if at, ok := cell.ParseRange(string(attribute(e.tag(d.text), "ref"))); ok {
				out = append(out, at)
			}
		}
	}
	return out, nil
}
