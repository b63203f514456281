package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
)

// link is a relationship from one part to another.
type link struct{ from, to *xlsx.Part }

const (
	sheetKind = "worksheet"
	sheetType = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
)

// moveBook rewrites the workbook's part: its sheets and names, and which sheet is the active one.
func (s *saver) moveBook(c *course) error {
	d, root, err := s.rooted(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	list, ok := d.child(root, "sheets")
	if !ok {
		return broken(d.part, -1, "it lists no sheets")
	}
	var old []element
	for _, e := range d.children(list) {
		if e.local == "sheet" {
			old = append(old, e)
		}
	}
	if len(old) != len(c.before) {
		return broken(d.part, -1, "its list of sheets cannot be changed")
	}
	if err := s.listSheets(c, d, list, old); err != nil {
		return err
	}
	s.moveViews(c, d, root)
	s.moveNames(c, d, root)
	s.save(d)
	for i := range c.before {
		if slices.Contains(c.origin, i) {
			continue
		}
		if err := s.dropSheet(i, decoded(relationshipAttribute(old[i].tag(d.text)))); err != nil {
			return err
		}
	}
	if slices.Equal(c.before, c.after) {
		return nil
	}
	return s.moveTitles(c)
}

// relationshipAttribute gives the r:id of a start tag, whatever the prefix.
func relationshipAttribute(tag []byte) []byte {
	for _, a := range scan.Attributes(tag) {
		if bytes.HasSuffix(a.Name, []byte(":id")) {
			return a.Value
		}
	}
	return nil
}

func relationshipID(tag []byte) string { return decoded(relationshipAttribute(tag)) }

// listSheets rewrites the list of sheets. Sheets that stay in their order keep their elements in place.
func (s *saver) listSheets(c *course, d *document, list element, old []element) error {
	renamed := func(i int, name string) []byte {
		tag := old[i].tag(d.text)
		if c.before[i] == name {
			return tag
		}
		return withAttribute(tag, "name", string(emit.AppendAttribute(nil, name)))
	}
	inOrder := len(c.origin) == len(old)
	for i, from := range c.origin {
		inOrder = inOrder && i == from
	}
	if inOrder {
		for i := range old {
			if with := renamed(i, c.after[i]); !bytes.Equal(with, old[i].tag(d.text)) {
				d.edit(old[i].from, old[i].tagEnd, with)
			}
		}
		return nil
	}
	next, prefix, declared := 1, "", ""
	for i := range old {
		tag := old[i].tag(d.text)
		if id, err := strconv.Atoi(string(attribute(tag, "sheetId"))); err == nil {
			next = max(next, id+1)
		}
		for _, a := range scan.Attributes(tag) {
			if name, ok := bytes.CutSuffix(a.Name, []byte(":id")); ok {
				prefix, declared = string(name), ""
			}
		}
		// Some programs declare the prefix in each element that uses it.
		if space := attribute(tag, "xmlns:"+prefix); space != nil {
			declared = ` xmlns:` + prefix + `="` + string(space) + `"`
		}
	}
	var xml []byte
	for i, from := range c.origin {
		if from >= 0 {
			xml = append(append(xml, renamed(from, c.after[i])...), d.text[old[from].tagEnd:old[from].to]...)
			continue
		}
		space, id, add, err := s.newPartID("worksheets/sheet", sheetKind, sheetType)
		if err != nil {
			return err
		}
		if add == nil {
			return &xlsx.Error{Code: xlsx.Unsupported, Offset: -1, Message: "the package has no place for another sheet",
				Hint: "Save the workbook once in a spreadsheet program; that makes it."}
		}
		add([]byte(`<worksheet xmlns="` + space + `"><sheetData/></worksheet>`))
		xml = append(xml, "<"+list.prefix+`sheet name="`...)
		xml = append(emit.AppendAttribute(xml, c.after[i]), `" sheetId="`+strconv.Itoa(next)+`" `+prefix+`:id="`+id+`"`+declared+`/>`...)
		next++
	}
	d.edit(list.tagEnd, list.inner, xml)
	return nil
}

// moveViews lets the active sheet be the same one, or the one that takes its place.
func (s *saver) moveViews(c *course, d *document, root element) {
	views, ok := d.child(root, "bookViews")
	if !ok {
		return
	}
	visible := func(i int) bool {
		return c.origin[i] < 0 || s.f.Workbook().Sheets[c.origin[i]].Visibility == grid.Visible
	}
	at := func(was int) int {
		if i := slices.Index(c.origin, was); i >= 0 {
			return i
		}
		next := was + 1 // the first behind it that is left
		for ; next < len(c.before) && !slices.Contains(c.origin, next); next++ {
		}
		i := slices.Index(c.origin, next)
		if i < 0 {
			i = len(c.origin)
		}
		for k := i; k < len(c.origin); k++ {
			if visible(k) {
				return k
			}
		}
		for k := i - 1; k > 0; k-- {
			if visible(k) {
				return k
			}
		}
		return 0
	}
	for _, v := range d.children(views) {
		tag := v.tag(d.text)
		for _, name := range [...]string{"activeTab", "firstSheet"} {
			was, err := strconv.Atoi(string(attribute(tag, name)))
			if raw := attribute(tag, name); raw == nil {
				was, err = 0, nil
				if name == "firstSheet" {
					continue
				}
			}
			if err != nil || was < 0 {
				continue
			}
			if now := at(was); now != was {
				tag = withAttribute(tag, name, strconv.Itoa(now))
			}
		}
		if !bytes.Equal(tag, v.tag(d.text)) {
			d.edit(v.from, v.tagEnd, tag)
		}
	}
}

// name gives what becomes of what a defined name refers to, and whether that is another text. It is not there any more where it is
// what a filter left behind that is gone.
func (c *course) name(text string, ofFilter bool) (out string, changed, there bool) {
	out, there = text, true
	for _, r := range c.steps {
		if !ofFilter {
			out, _ = r.Name(out)
		} else if out, there = r.FilterName(out); !there {
			return out, true, false
		}
	}
	return out, out != text, true
}

// moveNames rewrites the defined names. Those of a sheet that is gone go with it, and so does what a filter left behind that is
// gone.
func (s *saver) moveNames(c *course, d *document, root element) {
	list, ok := d.child(root, "definedNames")
	if !ok {
		return
	}
	names := d.children(list)
	type edit struct {
		from, to int
		with     []byte
	}
	var edits []edit
	left := len(names)
	for _, e := range names {
		if e.local != "definedName" {
			continue
		}
		tag := e.tag(d.text)
		if i, err := strconv.Atoi(string(attribute(tag, "localSheetId"))); err == nil && i >= 0 && i < len(c.before) {
			now := slices.Index(c.origin, i)
			if now < 0 {
				edits, left = append(edits, edit{e.from, e.to, nil}), left-1
				continue
			}
			if now != i {
				tag = withAttribute(tag, "localSheetId", strconv.Itoa(now))
			}
		}
		body := d.text[e.tagEnd:e.inner]
		if plainText(body) && !e.empty {
			// The file may have an equals sign that does not belong there.
			out, changed, there := c.name(plain(body), strings.EqualFold(decoded(attribute(tag, "name")), grid.FilterDatabase))
			if !there {
				edits, left = append(edits, edit{e.from, e.to, nil}), left-1
				continue
			}
			if changed {
				edits = append(edits, edit{e.tagEnd, e.inner, emit.AppendText(nil, out)})
			}
		}
		if !bytes.Equal(tag, e.tag(d.text)) {
			edits = append(edits, edit{e.from, e.tagEnd, tag})
		}
	}
	if left == 0 && len(edits) > 0 {
		d.edit(list.from, list.to, nil)
		return
	}
	for _, e := range edits {
		d.edit(e.from, e.to, e.with)
	}
}

// dropSheet takes a sheet out of the workbook's relationships.
func (s *saver) dropSheet(i int, id string) error {
	part := s.pkg.Find(s.f.Workbook().Sheets[i].Part)
	if s.pkg.RelationshipsPart(s.f.WorkbookPart()) == nil || s.f.Workbook().Sheets[i].Part == "" {
		return nil
	}
	if err := s.dropRelationships(s.f.WorkbookPart(), func(is string) bool { return is == id }); err != nil {
		return err
	}
	if part != nil {
		s.cut = append(s.cut, link{s.f.WorkbookPart(), part})
	}
	if s.f.Workbook().HasMacros {
		s.warn("MACRO_MODULE", "the macros may have a module of the deleted sheet %.64q, which stays", s.f.Workbook().Sheets[i].Name)
	}
	return nil
}

// dropUnreached leaves out the parts that nothing leads to any more since some relationships were cut.
func (s *saver) dropUnreached() error {
	if len(s.cut) == 0 {
		return nil
	}
	before, err := s.reached(nil)
	if err != nil {
		return err
	}
	after, err := s.reached(s.cut)
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	for i := range s.pkg.Len() {
		part := s.pkg.Part(i)
		if !before[part] || after[part] {
			continue
		}
		for _, p := range []*xlsx.Part{part, s.pkg.RelationshipsPart(part)} {
			if p == nil {
				continue
			}
			if old, changed := s.changes[p]; changed && old == nil {
				continue
			}
			s.changes[p] = nil
			s.report.Dropped = append(s.report.Dropped, p.Name)
			s.report.Parts = slices.DeleteFunc(s.report.Parts, func(n string) bool { return n == p.Name })
			gone[strings.ToLower(p.Name)] = true
		}
	}
	types := s.pkg.Find("[Content_Types].xml")
	if types == nil || len(gone) == 0 {
		return nil
	}
	d, err := s.document(types)
	if err != nil {
		return err
	}
	root, _ := d.root()
	for _, e := range d.children(root) {
		if e.local == "Override" && gone[strings.ToLower(strings.TrimLeft(decoded(attribute(e.tag(d.text), "PartName")), "/"))] {
			d.edit(e.from, e.to, nil)
		}
	}
	s.save(d)
	return nil
}

// reached gives the parts that relationships lead to from the package, but for some.
func (s *saver) reached(without []link) (map[*xlsx.Part]bool, error) {
	seen := map[*xlsx.Part]bool{}
	open := []*xlsx.Part{nil}
	for len(open) > 0 {
		from := open[len(open)-1]
		open = open[:len(open)-1]
		list, err := s.pkg.Relationships(from)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if r.Part == nil || seen[r.Part] || slices.Contains(without, link{from, r.Part}) {
				continue
			}
			seen[r.Part] = true
			open = append(open, r.Part)
		}
	}
	return seen, nil
}

// moveTitles takes the list of the parts' titles out of the document's properties, where sheets have other names or another order.
// It is of use to who shows a file's properties only, and nobody misses it.
func (s *saver) moveTitles(*course) error {
	part := s.pkg.Find("docProps/app.xml")
	if part == nil {
		return nil
	}
	d := s.lenient(part)
	if d == nil {
		return nil
	}
	root, ok := d.root()
	if !ok {
		return nil
	}
	for _, e := range d.children(root) {
		if e.local == "HeadingPairs" || e.local == "TitlesOfParts" {
			d.edit(e.from, e.to, nil)
			s.save(d)
		}
	}
	return nil
}

// lenient is document for a part that the workbook can do without: nil where it cannot be read.
func (s *saver) lenient(part *xlsx.Part) *document {
	d, err := s.document(part)
	if err != nil {
		return nil
	}
	return d
}
