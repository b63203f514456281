package patch

import (
	"bytes"
	"slices"
	"strings"

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
	d, root, err := s.rooted(s.f.WorkbookPart())
	if err != nil {
		return err
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
	err := s.dropElements(s.pkg.Find("[Content_Types].xml"), "Override", func(tag []byte) bool {
		return strings.EqualFold(strings.TrimLeft(decoded(attribute(tag, "PartName")), "/"), chain.Name)
	})
	if err != nil {
		return err
	}
	return s.dropElements(s.pkg.RelationshipsPart(s.f.WorkbookPart()), "Relationship", func(tag []byte) bool {
		return bytes.HasSuffix(attribute(tag, "Type"), []byte("/calcChain"))
	})
}
