package patch

import (
	"slices"
	"strings"

	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

// dropCaches takes the caches out of the workbook that only pivot tables used which have gone, since some relationships were cut:
// Excel would keep their data for nobody. Where slicers or timelines are, which know caches by their numbers, all stay.
func (s *saver) dropCaches() error {
	if len(s.cut) == 0 {
		return nil
	}
	book := s.f.WorkbookPart()
	list, err := s.pkg.Relationships(book)
	if err != nil {
		return err
	}
	var caches []xlsx.Relationship
	for _, r := range list {
		switch r.Kind {
		case "slicerCache", "timelineCache", "timelineCacheDefinition":
			return nil
		case "pivotCacheDefinition":
			if r.Part != nil {
				caches = append(caches, r)
			}
		}
	}
	if len(caches) == 0 {
		return nil
	}
	before, err := s.cachesUsed(nil)
	if err != nil {
		return err
	}
	after, err := s.cachesUsed(s.cut)
	if err != nil {
		return err
	}
	gone := map[string]bool{} // relationships of the workbook
	for _, r := range caches {
		if before[r.Part] && !after[r.Part] {
			gone[r.ID] = true
			s.cut = append(s.cut, link{book, r.Part})
		}
	}
	if len(gone) == 0 {
		return nil
	}
	d, root, err := s.rooted(book)
	if err != nil {
		return err
	}
	if all, ok := d.child(root, "pivotCaches"); ok {
		left := 0
		var out []element
		for _, e := range d.children(all) {
			if e.local == "pivotCache" && gone[relationshipID(e.tag(d.text))] {
				out = append(out, e)
			} else {
				left++
			}
		}
		if left == 0 {
			out = []element{all}
		}
		for _, e := range out {
			d.edit(e.from, e.to, nil)
		}
		s.save(d)
	}
	return s.dropRelationships(book, func(id string) bool { return gone[id] })
}

// cachesUsed gives the caches that pivot tables use to which relationships lead from the package, but for some.
func (s *saver) cachesUsed(without []link) (map[*xlsx.Part]bool, error) {
	seen, err := s.reached(without)
	if err != nil {
		return nil, err
	}
	used := map[*xlsx.Part]bool{}
	for i := range s.pkg.Len() {
		part := s.pkg.Part(i)
		if !seen[part] || part == s.f.WorkbookPart() {
			continue
		}
		list, err := s.pkg.Relationships(part)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if r.Kind == "pivotCacheDefinition" && r.Part != nil && !slices.Contains(without, link{part, r.Part}) {
				used[r.Part] = true
			}
		}
	}
	return used, nil
}

// pivotSources lets the caches of pivot tables that get their data from a table by its name follow that: under its new name, or, where
// it is a table no more, in its cells.
func (s *saver) pivotSources(tables []tableNow) error {
	changed := func(t *tableNow) bool {
		return t.patch != nil && t.file != nil && (t.patch.Ends || t.Name != t.file.Name)
	}
	if !slices.ContainsFunc(tables, func(t tableNow) bool { return changed(&t) }) {
		return nil
	}
	list, err := s.pkg.Relationships(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.Kind != "pivotCacheDefinition" || r.Part == nil {
			continue
		}
		d := s.lenient(r.Part)
		if d == nil {
			continue
		}
		root, _ := d.root()
		source, _ := d.child(root, "cacheSource")
		e, ok := d.child(source, "worksheetSource")
		if !ok {
			continue
		}
		tag := slices.Clone(e.tag(d.text))
		raw := attribute(tag, "name")
		if raw == nil || relationshipAttribute(tag) != nil { // cells, or of another workbook
			continue
		}
		name := decoded(raw)
		i := slices.IndexFunc(tables, func(t tableNow) bool { return changed(&t) && strings.EqualFold(t.file.Name, name) })
		if i < 0 {
			continue
		}
		if t := &tables[i]; t.patch.Ends {
			data := t.file.Range
			data.Last.Row -= t.file.TotalsRows
			tag = withoutAttribute(tag, "name")
			tag = withAttribute(tag, "ref", corners(data))
			tag = withAttribute(tag, "sheet", string(emit.AppendAttribute(nil, s.f.Workbook().Sheets[t.file.Sheet].Name)))
		} else {
			tag = withAttribute(tag, "name", string(emit.AppendAttribute(nil, t.Name)))
		}
		d.edit(e.from, e.tagEnd, tag)
		s.save(d)
	}
	return nil
}
