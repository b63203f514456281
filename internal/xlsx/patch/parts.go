package patch

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

const declaration = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\r\n"

// The namespaces of relationships, those of the strict form of the standard last.
const (
	transitionalTypes = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	strictTypes       = "http://purl.oclc.org/ooxml/officeDocument/relationships/"
	strictMain        = xlsx.StrictMain
)

// partRels are the relationships of a part that gets new ones or loses some.
type partRels struct {
	owner string // name of the part
	d     *document
	root  element
	ids   map[string]bool
	added []byte
	base  string // of the types of new ones
}

// rels gives the relationships of a part, which may be new itself, to be changed.
func (s *saver) rels(owner string) (*partRels, error) {
	if r := s.partRels[owner]; r != nil {
		return r, nil
	}
	r := &partRels{owner: owner, ids: map[string]bool{}, base: transitionalTypes}
	if s.strict {
		r.base = strictTypes
	}
	if part := s.pkg.Find(relsName(owner)); part != nil && !s.gone[part] {
		d, root, err := s.rooted(part)
		if err != nil {
			return nil, err
		}
		r.d, r.root = d, root
		for _, c := range d.children(root) {
			r.ids[decoded(attribute(c.tag(d.text), "Id"))] = true
		}
	}
	if s.partRels == nil {
		s.partRels = map[string]*partRels{}
	}
	s.partRels[owner] = r
	return r, nil
}

func relsName(owner string) string {
	folder, file := path.Split(owner)
	return folder + "_rels/" + file + ".rels"
}

// add gives the id of a new relationship to a part.
func (r *partRels) add(kind, target string) string {
	n := len(r.ids) + 1
	for r.ids["rId"+strconv.Itoa(n)] {
		n++
	}
	id := "rId" + strconv.Itoa(n)
	r.ids[id] = true
	base := r.base
	if strings.Contains(kind, "/") {
		base = "" // it says all
	}
	r.added = append(r.added, "<"+r.root.prefix+`Relationship Id="`+id+`" Type="`+base+kind+`" Target="`...)
	r.added = emit.AppendAttribute(r.added, relative(r.owner, target))
	r.added = append(r.added, `"/>`...)
	return id
}

// remove takes a relationship of the file away.
func (r *partRels) remove(id string) {
	if r.d == nil {
		return
	}
	for _, c := range r.d.children(r.root) {
		if c.local == "Relationship" && decoded(attribute(c.tag(r.d.text), "Id")) == id {
			r.d.edit(c.from, c.to, nil)
		}
	}
}

// relative gives a part's name as seen from another one.
func relative(from, to string) string {
	var a []string
	if dir := path.Dir(from); dir != "." {
		a = strings.Split(dir, "/")
	}
	b := strings.Split(to, "/")
	for len(a) > 0 && len(b) > 1 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	return strings.Repeat("../", len(a)) + strings.Join(b, "/")
}

// finishParts writes the relationships that have changed, and what the new parts are.
func (s *saver) finishParts() error {
	for _, owner := range sortedKeys(s.partRels) {
		r := s.partRels[owner]
		switch {
		case r.d != nil:
			if len(r.added) > 0 {
				open(r.d, r.root, r.added)
			}
			s.save(r.d)
		case len(r.added) > 0:
			xml := declaration + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` + string(r.added) + `</Relationships>`
			s.addPart(relsName(owner), []byte(xml))
			s.defaultType("rels", "application/vnd.openxmlformats-package.relationships+xml")
		}
	}
	if len(s.overrides)+len(s.defaults)+len(s.untyped) == 0 {
		return nil
	}
	part := s.pkg.Find("[Content_Types].xml")
	if part == nil {
		return &xlsx.Error{Code: xlsx.Unsupported, Offset: -1, Message: "the package does not say what its parts are, and so it can have no new ones",
			Hint: "Save it once in a spreadsheet program; that adds the list."}
	}
	d, root, err := s.rooted(part)
	if err != nil {
		return err
	}
	have := map[string]bool{}
	var xml []byte
	for _, c := range d.children(root) {
		tag := c.tag(d.text)
		if c.local == "Default" {
			have[strings.ToLower(decoded(attribute(tag, "Extension")))] = true
		}
		if c.local == "Override" && s.untyped[strings.ToLower(strings.TrimLeft(decoded(attribute(tag, "PartName")), "/"))] {
			d.edit(c.from, c.to, nil)
		}
	}
	for _, ext := range sortedKeys(s.defaults) {
		if !have[ext] {
			xml = append(xml, "<"+root.prefix+`Default Extension="`+ext+`" ContentType="`+s.defaults[ext]+`"/>`...)
		}
	}
	for _, name := range sortedKeys(s.overrides) {
		xml = append(xml, "<"+root.prefix+`Override PartName="/`...)
		xml = emit.AppendAttribute(xml, name)
		xml = append(xml, `" ContentType="`+s.overrides[name]+`"/>`...)
	}
	if len(xml) > 0 {
		open(d, root, xml)
	}
	s.save(d)
	return nil
}

// open puts XML at the end of an element, which may be an empty-element tag.
func open(d *document, e element, xml []byte) {
	if !e.empty {
		d.edit(e.inner, e.inner, xml)
		return
	}
	tag := bytes.TrimRight(e.tag(d.text)[:e.tagEnd-e.from-2], " \t\r\n")
	d.edit(e.from, e.to, slices.Concat(tag, []byte(">"), xml, []byte("</"+e.prefix+e.local+">")))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// addPart adds a part with its whole content.
func (s *saver) addPart(name string, content []byte) {
	s.added = append(s.added, xlsx.NewPart{Name: name, Content: content})
	s.report.Added = append(s.report.Added, name)
}

// addTyped is addPart for a part of a type of its own.
func (s *saver) addTyped(name, contentType string, content []byte) {
	s.addPart(name, content)
	s.override(name, contentType)
}

// override says of what type a new part is.
func (s *saver) override(name, contentType string) {
	if s.overrides == nil {
		s.overrides = map[string]string{}
	}
	s.overrides[name] = contentType
}

// defaultType says of what type the parts with an extension are, unless the file says it.
func (s *saver) defaultType(ext, contentType string) {
	if s.defaults == nil {
		s.defaults = map[string]string{}
	}
	s.defaults[ext] = contentType
}

// freeName gives a name that no part has: before, a number, and after.
func (s *saver) freeName(before, after string) string {
	for i := 1; ; i++ {
		name := before + strconv.Itoa(i) + after
		if s.pkg.Find(name) == nil && !slices.ContainsFunc(s.added, func(p xlsx.NewPart) bool { return strings.EqualFold(p.Name, name) }) {
			return name
		}
	}
}

// folder is where the parts of the workbook lie.
func (s *saver) folder() string {
	folder, _ := path.Split(s.f.WorkbookPart().Name)
	return folder
}

// dropRelation takes the relationship of a part away that leads to another one, and that with it if
// nothing else refers to it, together with what only it refers to.
func (s *saver) dropRelation(owner string, rel xlsx.Relation) error {
	r, err := s.rels(owner)
	if err != nil {
		return err
	}
	r.remove(rel.ID)
	if rel.Part == nil || rel.External {
		return nil
	}
	if s.referrers == nil {
		if s.referrers, err = s.pkg.Referrers(); err != nil {
			return err
		}
	}
	// Another relationship of the same part may lead there.
	rels, err := s.pkg.Relations(owner)
	if err != nil {
		return err
	}
	for _, o := range rels {
		if o.Part == rel.Part && o.ID != rel.ID && !s.removed[owner+"\x00"+o.ID] {
			s.noteRemoved(owner, rel.ID)
			return nil
		}
	}
	s.noteRemoved(owner, rel.ID)
	return s.release(rel.Part)
}

func (s *saver) noteRemoved(owner, id string) {
	if s.removed == nil {
		s.removed = map[string]bool{}
	}
	s.removed[owner+"\x00"+id] = true
}

// release notes that a part is referred to by one part less, and leaves it out where none is left.
func (s *saver) release(part *xlsx.Part) error {
	if s.referrers[part]--; s.referrers[part] > 0 || s.gone[part] {
		return nil
	}
	s.leaveOut(part)
	rels, err := s.pkg.Relations(part.Name)
	if err != nil {
		return err
	}
	if own := s.pkg.Find(relsName(part.Name)); own != nil {
		s.leaveOut(own)
	}
	delete(s.partRels, part.Name)
	seen := map[*xlsx.Part]bool{}
	for _, r := range rels {
		if r.Part != nil && !seen[r.Part] {
			seen[r.Part] = true
			if err := s.release(r.Part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *saver) leaveOut(part *xlsx.Part) {
	if s.gone == nil {
		s.gone, s.untyped = map[*xlsx.Part]bool{}, map[string]bool{}
	}
	s.gone[part] = true
	s.untyped[strings.ToLower(part.Name)] = true
	s.changes[part] = nil
	s.report.Dropped = append(s.report.Dropped, part.Name)
	s.edited = slices.DeleteFunc(s.edited, func(d *document) bool { return d.part == part })
}

// instance gives the workbook's part the type that a workbook has which was made of the template.
func (s *saver) instance() error {
	types := s.pkg.Find("[Content_Types].xml")
	if types == nil {
		return nil // it says nothing, and so not that it is a template
	}
	d, root, err := s.rooted(types)
	if err != nil {
		return err
	}
	name := s.f.WorkbookPart().Name
	is := ""
	for _, c := range d.children(root) {
		tag := c.tag(d.text)
		kind := decoded(attribute(tag, "ContentType"))
		switch {
		case c.local == "Override" && strings.EqualFold(strings.TrimLeft(decoded(attribute(tag, "PartName")), "/"), name):
			is = kind
		case c.local == "Default" && is == "" && strings.EqualFold("."+decoded(attribute(tag, "Extension")), path.Ext(name)):
			is = kind
		}
	}
	if to := strings.Replace(is, ".template.", ".sheet.", 1); to != is {
		if s.untyped == nil {
			s.untyped = map[string]bool{}
		}
		s.untyped[strings.ToLower(name)] = true
		s.override(name, to)
	}
	return nil
}
