package patch

import (
	"bytes"
	"path"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/splice"
)

// newPart makes place for a part that the workbook has not, beside it: base names it, kind is
// that of its relationship. It gives the namespace of the workbook and what adds the part's
// XML, without the declaration. add is nil where the package has no place for the part.
func (s *saver) newPart(base, kind, contentType string) (space string, add func(xml []byte), _ error) {
	space, _, add, err := s.newPartID(base, kind, contentType)
	return space, add, err
}

// newPartID is newPart that also gives the id of the relationship.
func (s *saver) newPartID(base, kind, contentType string) (space, id string, add func(xml []byte), _ error) {
	types, relations := s.pkg.Find("[Content_Types].xml"), s.pkg.RelationshipsPart(s.f.WorkbookPart())
	if types == nil || relations == nil {
		return "", "", nil, nil
	}
	book, err := s.document(s.f.WorkbookPart())
	if err != nil {
		return "", "", nil, err
	}
	t, err := s.document(types)
	if err != nil {
		return "", "", nil, err
	}
	r, err := s.document(relations)
	if err != nil {
		return "", "", nil, err
	}
	bookRoot, ok1 := book.root()
	typesRoot, ok2 := t.root()
	relationsRoot, ok3 := r.root()
	if !ok1 || !ok2 || !ok3 || typesRoot.empty || relationsRoot.empty {
		return "", "", nil, nil
	}

	folder, _ := path.Split(s.f.WorkbookPart().Name)
	file := base + ".xml"
	taken := func(name string) bool {
		return s.pkg.Find(name) != nil || slices.ContainsFunc(s.added, func(p xlsx.NewPart) bool { return strings.EqualFold(p.Name, name) })
	}
	for i := 1; taken(folder + file); i++ {
		file = base + strconv.Itoa(i) + ".xml"
	}
	t.edit(typesRoot.inner, typesRoot.inner, []byte("<"+typesRoot.prefix+`Override PartName="/`+folder+file+`" ContentType="`+contentType+`"/>`))
	s.save(t)

	// A file in the strict form of the standard has other names for everything. That of the
	// relationship is like the others' there.
	space = string(attribute(bookRoot.tag(book.text), strings.TrimSuffix("xmlns:"+bookRoot.prefix, ":")))
	relationship := "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	if s.relations == nil {
		s.relations = make(map[string]bool)
	}
	for _, c := range r.children(relationsRoot) {
		s.relations[decoded(attribute(c.tag(r.text), "Id"))] = true
		if base, ok := bytes.CutSuffix(attribute(c.tag(r.text), "Type"), []byte("/worksheet")); ok {
			relationship = string(base) + "/"
		}
	}
	n := len(s.relations) + 1
	for s.relations["rId"+strconv.Itoa(n)] {
		n++
	}
	id = "rId" + strconv.Itoa(n)
	if strings.Contains(kind, "://") { // it is none of the standard's
		relationship = ""
	}
	s.relations[id] = true
	r.edit(relationsRoot.inner, relationsRoot.inner, []byte("<"+relationsRoot.prefix+`Relationship Id="`+id+`" Type="`+relationship+kind+`" Target="`+file+`"/>`))
	s.save(r)
	return space, id, func(xml []byte) {
		xml = append([]byte(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\r\n"), xml...)
		s.added = append(s.added, xlsx.NewPart{Name: folder + file, Content: xml})
		s.report.Added = append(s.report.Added, folder+file)
	}, nil
}

const (
	stylesKind = "styles"
	stylesType = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
)

// newStyles adds a style sheet: the format that cells have without one, which is number 0,
// and then those of list.
func (s *saver) newStyles(list []StyleDerivation) error {
	space, add, err := s.newPart("styles", stylesKind, stylesType)
	if err != nil {
		return err
	}
	if add == nil {
		return &xlsx.Error{Code: xlsx.Unsupported, Offset: -1, Message: "the workbook has no styles, and its package no place for them",
			Hint: "Save it once in a spreadsheet program; that adds them."}
	}
	// The least that Excel takes: the second fill is always its own (ECMA-376 part 1, 18.8).
	d := &document{text: []byte(`<styleSheet xmlns="` + space + `">` +
		`<fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>` +
		`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
		`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
		`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
		`<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>` +
		`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`)}
	root, _ := d.root()
	if err := derive(d, root, nil, list, 1); err != nil {
		return err
	}
	if s.looks != nil {
		s.looks.d = d
		s.looks.save(root)
	}
	slices.SortStableFunc(d.edits, func(a, b splice.Edit) int { return int(a.From - b.From) })
	add(applied(d.text, d.edits))
	return nil
}
