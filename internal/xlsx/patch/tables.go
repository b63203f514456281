package patch

import (
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
)

// TablePatch is what becomes of a table.
type TablePatch struct {
	Of    string // what the file calls it; "" for a new one
	Ends  bool   // the cells stay, and are a table no more
	Table grid.Table
	Was   []string // of each column of Table what the file calls it; "" for a new one
}

// objects changes what lies on sheets, and all that belongs to it but the sheets' own XML, which
// waits in tails.
func (s *saver) objects(p *Patch) error {
	if len(p.Tables)+len(p.Objects) > 0 {
		if err := s.findForm(); err != nil {
			return err
		}
	}
	tables, err := s.tablesNow(p)
	if err != nil {
		return err
	}
	if err := s.tableHeaders(p.Sheets, tables); err != nil {
		return err
	}
	if err := s.arrangeTables(tables); err != nil {
		return err
	}
	if err := s.pivotSources(tables); err != nil {
		return err
	}
	if err := s.drawings(p.Objects); err != nil {
		return err
	}
	return nil
}

// findForm finds out in which form of the standard the file is.
func (s *saver) findForm() error {
	d, err := s.document(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	if root, ok := d.root(); ok {
		space := attribute(root.tag(d.text), strings.TrimSuffix("xmlns:"+root.prefix, ":"))
		s.strict = string(space) == strictMain
	}
	return nil
}

// tableNow is a table as it is to be saved.
type tableNow struct {
	grid.Table
	patch *TablePatch // nil where nothing but a header may change
	file  *grid.Table // nil for a new one
	was   []string
}

// tablesNow gives the tables of the file and the patch together.
func (s *saver) tablesNow(p *Patch) ([]tableNow, error) {
	tables, err := s.f.Tables(s.ctx)
	if err != nil && (s.ctx.Err() != nil || len(p.Tables) > 0) {
		return nil, err
	}
	// Where the tables cannot be read nobody can keep them right, and the cells can be saved.
	var now []tableNow
	used := 0
	for i := range tables {
		t := tableNow{Table: tables[i], file: &tables[i]}
		t.Columns = slices.Clone(t.Columns)
		if k := slices.IndexFunc(p.Tables, func(c TablePatch) bool { return c.Of != "" && strings.EqualFold(c.Of, t.Name) }); k >= 0 {
			c := &p.Tables[k]
			used++
			t.patch, t.was = c, c.Was
			if !c.Ends {
				if c.Table.Sheet != t.Sheet {
					return nil, invalid(t.Part, "table %.64q cannot move to another sheet", c.Of)
				}
				t.Table = c.Table
				t.Columns = slices.Clone(t.Columns)
			}
		}
		now = append(now, t)
	}
	for k := range p.Tables {
		c := &p.Tables[k]
		if c.Of == "" {
			used++
			now = append(now, tableNow{Table: c.Table, patch: c, was: make([]string, len(c.Table.Columns))})
			now[len(now)-1].Columns = slices.Clone(c.Table.Columns)
		}
	}
	if used != len(p.Tables) {
		return nil, invalid("", "the patch changes tables that the file has not, or one of them twice")
	}
	for i := range now {
		t := &now[i]
		if t.patch == nil || t.patch.Ends {
			continue
		}
		if t.Name == "" || len(t.Columns) != t.Range.Cols() || len(t.was) != len(t.Columns) || !t.Range.First.Valid() || !t.Range.Last.Valid() || t.Sheet < 0 || t.Sheet >= len(s.f.Workbook().Sheets) {
			return nil, invalid("", "table %.64q has not one name for each of its columns, or no place", t.Name)
		}
	}
	return now, nil
}

// tableHeaders keeps the names of table columns equal to what the cells above them say:
// Excel takes a file for damaged where they differ.
func (s *saver) tableHeaders(sheets []SheetPatch, tables []tableNow) error {
	for i := range tables {
		t := &tables[i]
		if t.HeaderRows == 0 || len(t.Columns) != t.Range.Cols() || t.patch != nil && t.patch.Ends {
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
		s.sameHeaders(&t.Table, names)
		if t.patch != nil {
			for col, name := range names {
				t.Columns[col].Name = name
			}
			continue
		}
		if err := s.renameColumns(s.pkg.Find(t.Part), names); err != nil {
			return err
		}
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

const (
	tableKind = "table"
	tableType = "application/vnd.openxmlformats-officedocument.spreadsheetml.table+xml"
)

// arrangeTables writes the tables that are new or others than in the file.
func (s *saver) arrangeTables(tables []tableNow) error {
	id := 0
	for i := range tables {
		if tables[i].file != nil {
			id = max(id, tables[i].file.ID)
		}
	}
	for i := range tables {
		t := &tables[i]
		var err error
		switch {
		case t.patch == nil:
		case t.patch.Ends:
			err = s.endTable(t.file)
		case t.file != nil:
			err = s.changeTable(t)
		default:
			id++
			err = s.newTable(t, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// newTable adds a table.
func (s *saver) newTable(t *tableNow, id int) error {
	tail, err := s.tail(t.Sheet)
	if err != nil {
		return err
	}
	name := s.freeName(s.folder()+"tables/table", ".xml")
	r, err := s.rels(tail.part.Name)
	if err != nil {
		return err
	}
	rid := r.add(tableKind, name)
	space := "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	if s.strict {
		space = strictMain
	}
	xml := []byte(declaration + `<table xmlns="` + space + `" id="` + strconv.Itoa(id) + `"/>`)
	d := &document{text: xml}
	root, _ := d.root()
	xml = append([]byte(declaration), d.table(root, t)...)
	s.addTyped(name, tableType, xml)
	tail.addTable(r.base, rid)
	return nil
}

// addTable names one more table in a sheet.
func (t *sheetTail) addTable(base, id string) {
	part := "<" + t.prefix + `tablePart xmlns:r="` + strings.TrimSuffix(base, "/") + `" r:id="` + id + `"/>`
	t.tables += part
	t.count++
}

// endTable takes a table away, and what only it refers to.
func (s *saver) endTable(t *grid.Table) error {
	tail, err := s.tail(t.Sheet)
	if err != nil {
		return err
	}
	rels, err := s.pkg.Relations(tail.part.Name)
	if err != nil {
		return err
	}
	for _, r := range rels {
		if r.Kind != tableKind || r.Part == nil || r.Part.Name != t.Part {
			continue
		}
		if list, ok := tail.item("tableParts"); ok {
			for _, c := range tail.d.children(list) {
				if c.local == "tablePart" && decoded(qualified(c.tag(tail.d.text), "id")) == r.ID {
					tail.d.edit(c.from, c.to, nil)
					tail.count--
				}
			}
		}
		if err := s.dropRelation(tail.part.Name, r); err != nil {
			return err
		}
	}
	return nil
}

// qualified gives the value of an attribute that has a prefix, whatever that is.
func qualified(tag []byte, local string) []byte {
	for _, a := range scan.Attributes(tag) {
		if _, name, ok := strings.Cut(string(a.Name), ":"); ok && name == local {
			return a.Value
		}
	}
	return nil
}

// finishTables writes the list of tables of a sheet.
func (t *sheetTail) finishTables() {
	if t.tables == "" && t.count == 0 {
		return
	}
	list, ok := t.item("tableParts")
	if !ok {
		t.insert("tableParts", []byte("<"+t.prefix+`tableParts count="`+strconv.Itoa(t.count)+`">`+t.tables+"</"+t.prefix+"tableParts>"))
		return
	}
	n := t.count
	for _, c := range t.d.children(list) {
		if c.local == "tablePart" {
			n++
		}
	}
	if n == 0 {
		t.d.edits = slices.DeleteFunc(t.d.edits, func(e splice.Edit) bool { return e.From >= int64(list.from) && e.To <= int64(list.to) && e.From < e.To })
		t.d.edit(list.from, list.to, nil)
		return
	}
	tag := withAttribute(list.tag(t.d.text), "count", strconv.Itoa(n))
	if list.empty {
		tag = append(tag[:len(tag)-2], '>')
		t.d.edit(list.from, list.to, append(append(tag, t.tables...), "</"+list.prefix+"tableParts>"...))
		return
	}
	t.d.edit(list.from, list.tagEnd, tag)
	t.d.edit(list.inner, list.inner, []byte(t.tables))
}

// changeTable writes a table of the file as it is to be.
func (s *saver) changeTable(t *tableNow) error {
	d, root, err := s.rooted(s.pkg.Find(t.file.Part))
	if err != nil {
		return err
	}
	d.edit(root.from, root.to, d.table(root, t))
	s.save(d)
	return nil
}

// table gives the XML of a table, from that of the element that it has in the file. What the table says
// besides stays.
func (d *document) table(root element, t *tableNow) []byte {
	p := root.prefix
	tag := slices.Clone(root.tag(d.text))
	if root.empty {
		tag = append(tag[:len(tag)-2], '>')
	}
	set := func(name, value string, usual bool) {
		if !usual || attribute(tag, name) != nil {
			if string(attribute(tag, name)) != value {
				tag = withAttribute(tag, name, value)
			}
		}
	}
	text := func(s string) string { return string(emit.AppendAttribute(nil, s)) }
	if t.file == nil || t.file.Name != t.Name {
		set("name", text(t.Name), false)
		set("displayName", text(t.Name), false)
	}
	set("ref", corners(t.Range), false)
	set("headerRowCount", strconv.Itoa(t.HeaderRows), t.HeaderRows == 1)
	if t.TotalsRows > 0 || attribute(tag, "totalsRowCount") != nil {
		set("totalsRowCount", strconv.Itoa(t.TotalsRows), false)
	}
	if shown := attribute(tag, "totalsRowShown"); t.TotalsRows > 0 && shown != nil {
		set("totalsRowShown", "1", false)
	} else if t.file == nil && t.TotalsRows == 0 {
		set("totalsRowShown", "0", false)
	}
	filtered := t.Range
	filtered.Last.Row -= t.TotalsRows
	filter := []byte("<" + p + `autoFilter ref="` + corners(filtered) + `"/>`)
	if len(t.Filters) > 0 {
		filter = autoFilter(d, p, nil, grid.Filter{None: true}, grid.Filter{Range: filtered, Columns: t.Filters})
	}
	style := []byte("<" + p + "tableStyleInfo/>")
	hasStyle := false
	moved := t.file != nil && (t.file.Range.First != t.Range.First || t.file.Range.Last.Col != t.Range.Last.Col)
	var rest, before []byte
	old := element{}
	for _, c := range d.children(root) {
		own := d.text[c.from:c.to]
		switch c.local {
		case "autoFilter":
			switch {
			case moved:
			case !slices.EqualFunc(t.Filters, t.file.Filters, func(a, b grid.FilterColumn) bool { return sameColumn(&a, &b) }):
				// The one of the file keeps what else it says of its columns, whichever rows it has.
				filter = autoFilter(d, p, &c, grid.Filter{Range: filtered, Columns: t.file.Filters}, grid.Filter{Range: filtered, Columns: t.Filters})
			default:
				filter = slices.Concat(withAttribute(c.tag(d.text), "ref", corners(filtered)), d.text[c.tagEnd:c.to])
			}
		case "sortState":
			if t.file.Range.First == t.Range.First && t.file.Range.Last.Col == t.Range.Last.Col && t.file.Range.Last.Row-t.file.TotalsRows <= t.Range.Last.Row-t.TotalsRows {
				before = append(before, own...)
			}
		case "tableColumns":
			old = c
		case "tableStyleInfo":
			hasStyle = true
			style = slices.Clone(own)
		default:
			rest = append(rest, own...)
		}
	}
	xml := tag
	if t.AutoFilter && t.HeaderRows > 0 {
		xml = append(xml, filter...)
	}
	xml = append(xml, before...)
	xml = append(xml, d.columns(p, old, t)...)
	if t.StyleName != "" || t.FirstColumn || t.LastColumn || t.RowStripes || t.ColumnStripes || hasStyle {
		xml = append(xml, tableStyle(style, &t.Table)...)
	}
	xml = append(xml, rest...)
	return append(xml, "</"+p+root.local+">"...)
}

// tableStyle gives a tableStyleInfo with what a table says of its style.
func tableStyle(was []byte, t *grid.Table) []byte {
	e := elements(was, 0, len(was))[0]
	tag := slices.Clone(e.tag(was))
	set := func(name, value string) {
		if is := attribute(tag, name); is == nil || string(is) != value {
			tag = withAttribute(tag, name, value)
		}
	}
	if t.StyleName != "" {
		set("name", string(emit.AppendAttribute(nil, t.StyleName)))
	} else {
		tag = withoutAttribute(tag, "name")
	}
	for _, f := range [...]struct {
		name string
		on   bool
	}{{"showFirstColumn", t.FirstColumn}, {"showLastColumn", t.LastColumn}, {"showRowStripes", t.RowStripes}, {"showColumnStripes", t.ColumnStripes}} {
		if is := attribute(tag, f.name); is == nil || truth(is) != f.on {
			set(f.name, onOff(f.on))
		}
	}
	return append(tag, was[e.tagEnd:]...)
}

func onOff(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// columns gives the list of a table's columns. One that the file has keeps what it says besides.
func (d *document) columns(p string, list element, t *tableNow) []byte {
	var olds []element
	next := 0
	if list.local != "" {
		for _, c := range d.children(list) {
			if c.local == "tableColumn" {
				olds = append(olds, c)
				id, _ := strconv.Atoi(string(attribute(c.tag(d.text), "id")))
				next = max(next, id)
			}
		}
	}
	head := []byte("<" + p + "tableColumns>")
	if list.local != "" {
		head = slices.Clone(list.tag(d.text))
		if list.empty {
			head = append(head[:len(head)-2], '>')
		}
	}
	xml := withAttribute(head, "count", strconv.Itoa(len(t.Columns)))
	for i := range t.Columns {
		c := &t.Columns[i]
		old := element{}
		if was := t.was[i]; was != "" && t.file != nil {
			k := slices.IndexFunc(t.file.Columns, func(o grid.TableColumn) bool { return o.Name == was })
			if k >= 0 && k < len(olds) {
				old = olds[k]
				if t.file.Columns[k] == *c {
					xml = append(xml, d.text[old.from:old.to]...)
					continue
				}
			}
		}
		xml = append(xml, d.column(p, old, c, &next)...)
	}
	return append(xml, "</"+p+"tableColumns>"...)
}

// column gives the XML of one column, from the one of the file, if there is one.
func (d *document) column(p string, old element, c *grid.TableColumn, next *int) []byte {
	var tag, inside []byte
	if old.local == "" {
		*next++
		tag = []byte("<" + p + `tableColumn id="` + strconv.Itoa(*next) + `">`)
	} else {
		tag = slices.Clone(old.tag(d.text))
		if old.empty {
			tag = append(tag[:len(tag)-2], '>')
		}
	}
	set := func(name, value string) {
		raw := string(emit.AppendAttribute(nil, value))
		switch is := attribute(tag, name); {
		case value == "" && is != nil:
			tag = withoutAttribute(tag, name)
		case value != "" && string(is) != raw:
			tag = withAttribute(tag, name, raw)
		}
	}
	set("name", c.Name)
	set("totalsRowFunction", c.TotalsFunction)
	label := c.TotalsLabel
	if c.TotalsFunction != "" {
		label = ""
	}
	set("totalsRowLabel", label)
	formula := func(name, text string) {
		var was []byte
		if old.local != "" {
			for _, k := range d.children(old) {
				if k.local == name && decoded(d.text[k.tagEnd:k.inner]) == text {
					was = d.text[k.from:k.to]
				}
			}
		}
		switch {
		case was != nil && text != "":
			inside = append(inside, was...)
		case text != "":
			inside = append(inside, "<"+p+name+">"...)
			inside = emit.AppendText(inside, text)
			inside = append(inside, "</"+p+name+">"...)
		}
	}
	formula("calculatedColumnFormula", c.Formula)
	formula("totalsRowFormula", c.TotalsFormula)
	if old.local != "" {
		for _, k := range d.children(old) {
			if k.local != "calculatedColumnFormula" && k.local != "totalsRowFormula" {
				inside = append(inside, d.text[k.from:k.to]...)
			}
		}
	}
	if len(inside) == 0 {
		return append(tag[:len(tag)-1], "/>"...)
	}
	return append(append(tag, inside...), "</"+p+"tableColumn>"...)
}
