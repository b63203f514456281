package patch

import (
	"bytes"
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/xmltext"
)

// decoded gives the text that an attribute stands for.
func decoded(raw []byte) string {
	var b []byte
	for len(raw) > 0 {
		if raw[0] != '&' {
			b = append(b, raw[0])
			raw = raw[1:]
			continue
		}
		var n int
		b, n = xmltext.AppendEntity(b, raw)
		raw = raw[n:]
	}
	return xmltext.Unescape(string(b))
}

// recalcOnLoad sets fullCalcOnLoad in the workbook part.
func (s *saver) recalcOnLoad() error {
	d, err := s.document(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	root, ok := d.root()
	if !ok {
		return broken(d.part, -1, "it has no root element")
	}
	if calc, ok := d.child(root, "calcPr"); ok {
		tag := calc.tag(d.text)
		switch string(attribute(tag, "fullCalcOnLoad")) {
		case "1", "true":
			return nil
		}
		d.edit(calc.from, calc.tagEnd, withAttribute(tag, "fullCalcOnLoad", "1"))
		s.save(d)
		return nil
	}
	// It follows these in the schema (ECMA-376 part 1, CT_Workbook).
	before := []string{"fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets", "functionGroups", "externalReferences", "definedNames"}
	at := -1
	for _, c := range d.children(root) {
		if slices.Contains(before, c.local) {
			at = c.to
		}
	}
	if at < 0 {
		return broken(d.part, -1, "it lists no sheets")
	}
	d.edit(at, at, []byte("<"+root.prefix+`calcPr fullCalcOnLoad="1"/>`))
	s.save(d)
	return nil
}

// dropCalcChain leaves the calculation chain out, which lists the formulas and is wrong now.
// Excel makes a new one.
func (s *saver) dropCalcChain() error {
	chain := s.f.Related("calcChain")
	if chain == nil {
		return nil
	}
	s.changes[chain] = nil
	s.report.Dropped = append(s.report.Dropped, chain.Name)
	drop := func(part *xlsx.Part, name string, is func(tag []byte) bool) error {
		if part == nil {
			return nil
		}
		d, err := s.document(part)
		if err != nil {
			return err
		}
		root, _ := d.root()
		for _, c := range d.children(root) {
			if c.local == name && is(c.tag(d.text)) {
				d.edit(c.from, c.to, nil)
			}
		}
		s.save(d)
		return nil
	}
	err := drop(s.pkg.Find("[Content_Types].xml"), "Override", func(tag []byte) bool {
		return strings.EqualFold(strings.TrimLeft(decoded(attribute(tag, "PartName")), "/"), chain.Name)
	})
	if err != nil {
		return err
	}
	return drop(s.pkg.RelationshipsPart(s.f.WorkbookPart()), "Relationship", func(tag []byte) bool {
		return bytes.HasSuffix(attribute(tag, "Type"), []byte("/calcChain"))
	})
}

// tableHeaders keeps the names of table columns equal to what the cells above them say:
// Excel takes a file for damaged where they differ.
func (s *saver) tableHeaders(sheets []SheetPatch) error {
	tables, err := s.f.Tables(s.ctx)
	if s.ctx.Err() != nil {
		return err
	}
	// Where the tables cannot be read nobody can keep them right, and the cells can be saved.
	for i := range tables {
		t := &tables[i]
		if t.HeaderRows == 0 || len(t.Columns) != t.Range.Cols() {
			continue
		}
		k := slices.IndexFunc(sheets, func(p SheetPatch) bool { return p.Sheet == t.Sheet })
		if k < 0 {
			continue
		}
		names := make(map[int]string)
		for j := range sheets[k].Cells {
			c := &sheets[k].Cells[j]
			col := c.Ref.Col - t.Range.First.Col
			if c.Ref.Row != t.Range.First.Row || !t.Range.Contains(c.Ref) || c.Keep == KeepContent && !c.Remove {
				continue
			}
			if c.Remove || c.Value.Kind() != cell.Text || c.Value.Text() == "" || c.HasFormula {
				s.warn("TABLE_HEADER", "cell %v is the header of column %.64q of table %.64q, and such a header must be a text: Excel will repair the file", c.Ref, t.Columns[col].Name, t.Name)
				continue
			}
			if c.Value.Text() != t.Columns[col].Name {
				names[col] = c.Value.Text()
				s.warn("TABLE_COLUMN", "column %.64q of table %.64q is now called %.64q: formulas that name it must be changed as well", t.Columns[col].Name, t.Name, c.Value.Text())
			}
		}
		if len(names) == 0 {
			continue
		}
		s.sameHeaders(t, names)
		if err := s.renameColumns(s.pkg.Find(t.Part), names); err != nil {
			return err
		}
	}
	return nil
}

// growTables moves the ends of tables down: the range of each, and that of its filter.
func (s *saver) growTables(list []TablePatch) error {
	if len(list) == 0 {
		return nil
	}
	tables, err := s.f.Tables(s.ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		i := slices.IndexFunc(tables, func(t grid.Table) bool { return strings.EqualFold(t.Name, p.Name) })
		if i < 0 || tables[i].TotalsRows > 0 || p.LastRow < tables[i].Range.Last.Row || p.LastRow >= cell.MaxRows {
			return invalid("", "table %.64q is not one that can end in row %d", p.Name, p.LastRow+1)
		}
		t := &tables[i]
		d, err := s.document(s.pkg.Find(t.Part))
		if err != nil {
			return err
		}
		root, ok := d.root()
		if !ok {
			return broken(d.part, -1, "it has no root element")
		}
		is := t.Range
		is.Last.Row = p.LastRow
		d.edit(root.from, root.tagEnd, withAttribute(root.tag(d.text), "ref", is.String()))
		if filter, ok := d.child(root, "autoFilter"); ok && attribute(filter.tag(d.text), "ref") != nil {
			d.edit(filter.from, filter.tagEnd, withAttribute(filter.tag(d.text), "ref", is.String()))
		}
		s.save(d)
	}
	return nil
}

// sameHeaders warns of columns of a table that are called alike when some have new names.
func (s *saver) sameHeaders(t *grid.Table, names map[int]string) {
	seen := make(map[string]int)
	for col := range t.Columns {
		name, ok := names[col]
		if !ok {
			name = t.Columns[col].Name
		}
		key := strings.ToLower(name)
		if first, twice := seen[key]; twice {
			at := t.Range.First
			s.warn("TABLE_HEADER", "cells %v and %v give two columns of table %.64q the name %.64q, which must differ: Excel will repair the file",
				cell.Ref{Row: at.Row, Col: at.Col + first}, cell.Ref{Row: at.Row, Col: at.Col + col}, t.Name, name)
			continue
		}
		seen[key] = col
	}
}

func (s *saver) renameColumns(part *xlsx.Part, names map[int]string) error {
	d, err := s.document(part)
	if err != nil {
		return err
	}
	root, _ := d.root()
	list, _ := d.child(root, "tableColumns")
	col := 0
	for _, c := range d.children(list) {
		if c.local != "tableColumn" {
			continue
		}
		if name, ok := names[col]; ok {
			d.edit(c.from, c.tagEnd, withAttribute(c.tag(d.text), "name", string(emit.AppendAttribute(nil, name))))
		}
		col++
	}
	s.save(d)
	return nil
}
