package patch

import (
	"slices"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/scan"
)

// hyperlinks writes the links. Those that the file has stay as they stand in it, but for their cells; what leads out of
// the workbook is a relationship of the sheet.
func (t *tail) hyperlinks(p *LayoutPatch) error {
	old, list := t.loaded.Layout.Hyperlinks, *p.Hyperlinks
	var have []element
	for _, l := range t.find("hyperlinks") {
		for _, c := range t.children(l) {
			if _, ok := cell.ParseRange(decoded(attribute(c.tag(t.text), "ref"))); ok {
				have = append(have, c)
			}
		}
	}
	if len(have) != len(old) {
		return t.unreadable("links")
	}
	from, equal := origins(old, list, func(a, b *grid.Hyperlink) bool { return a.Target == b.Target && a.Location == b.Location })
	changed := len(old) != len(list)
	ids := map[string]string{} // of new relationships, by target
	used := map[string]bool{}
	var inner []byte
	for i := range list {
		h := &list[i]
		changed = changed || !equal[i] || from[i] != i
		if from[i] >= 0 {
			used[relationID(have[from[i]].tag(t.text))] = true
		}
		if equal[i] {
			inner = append(inner, t.text[have[from[i]].from:have[from[i]].to]...)
			continue
		}
		tag := []byte("<" + t.e.l.Prefix + "hyperlink/>")
		if from[i] >= 0 {
			tag = slices.Clone(have[from[i]].tag(t.text))
		}
		tag = set(tag, "ref", corners(h.Range))
		if from[i] < 0 && h.Target != "" {
			if ids[h.Target] == "" {
				r, err := t.rels()
				if err != nil {
					return err
				}
				ids[h.Target] = r.addExternal("hyperlink", h.Target)
			}
			tag = t.related(tag, ids[h.Target])
		}
		if from[i] < 0 { // that of a relationship may stand in its target
			tag = set(tag, "location", h.Location)
		}
		tag = set(tag, "tooltip", h.Tooltip)
		tag = set(tag, "display", h.Display)
		inner = append(inner, tag...)
		if tag[len(tag)-2] != '/' {
			inner = append(inner, "</"+t.e.l.Prefix+"hyperlink>"...)
		}
	}
	if !changed {
		return nil
	}
	for _, c := range have {
		id := relationID(c.tag(t.text))
		if id == "" || used[id] {
			continue
		}
		r, err := t.rels()
		if err != nil {
			return err
		}
		r.remove(id)
		used[id] = true
	}
	if len(list) > 0 {
		inner = slices.Concat([]byte("<"+t.e.l.Prefix+"hyperlinks>"), inner, []byte("</"+t.e.l.Prefix+"hyperlinks>"))
	}
	t.put("hyperlinks", inner)
	return nil
}

// rels gives the relationships of the sheet.
func (t *tail) rels() (*partRels, error) {
	s := t.e.s
	d, err := s.document(s.f.WorkbookPart())
	if err != nil {
		return nil, err
	}
	if root, ok := d.root(); ok {
		s.strict = string(attribute(root.tag(d.text), strings.TrimSuffix("xmlns:"+root.prefix, ":"))) == strictMain
	}
	return s.rels(t.part.Name)
}

// relationID gives the id of the relationship that an element names, "" where it names none.
func relationID(tag []byte) string {
	for _, a := range scan.Attributes(tag) {
		if _, local, ok := strings.Cut(string(a.Name), ":"); ok && local == "id" {
			return decoded(a.Value)
		}
	}
	return ""
}

// related gives a start tag that names a relationship.
func (t *tail) related(tag []byte, id string) []byte {
	space := strings.TrimSuffix(transitionalTypes, "/")
	if t.e.s.strict {
		space = strings.TrimSuffix(strictTypes, "/")
	}
	for _, a := range scan.Attributes(t.e.root) {
		if prefix, ok := strings.CutPrefix(string(a.Name), "xmlns:"); ok && string(a.Value) == space {
			return withAttribute(tag, prefix+":id", id)
		}
	}
	return withAttribute(withAttribute(tag, "xmlns:r", space), "r:id", id)
}

// addExternal gives the id of a new relationship to something outside of the package.
func (r *partRels) addExternal(kind, target string) string {
	id := r.add(kind, "x")
	i := strings.LastIndex(string(r.added), ` Target="`)
	r.added = append(r.added[:i], ` Target="`...)
	r.added = emit.AppendAttribute(r.added, target)
	r.added = append(r.added, `" TargetMode="External"/>`...)
	return id
}
