package patch

import (
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/splice"
)

// NamePatch is a defined name that is new, says something else, or goes. Sheet is counted as the file does.
type NamePatch struct {
	grid.Name
	Remove bool // all of that name go, and of the rest only Name and Sheet mean something
}

// workbookOrder is the order of what a workbook part has (ECMA-376 part 1, CT_Workbook).
var workbookOrder = []string{"fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets", "functionGroups",
	"externalReferences", "definedNames", "calcPr", "oleSize", "customWorkbookViews", "pivotCaches", "smartTagPr", "smartTagTypes",
	"webPublishing", "fileRecoveryPr", "webPublishObjects", "extLst"}

// place gives where a child of root goes that is not there: behind all that come before it.
func (d *document) place(root element, name string, order []string) int {
	at, n := root.tagEnd, slices.Index(order, name)
	for _, c := range d.children(root) {
		if i := slices.Index(order, c.local); i >= 0 && i < n {
			at = c.to
		}
	}
	return at
}

// names changes the list of defined names. What no patch is about keeps its bytes, and its place.
func (s *saver) names(list []NamePatch) error {
	if len(list) == 0 {
		return nil
	}
	d, root, err := s.rooted(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	sheets := len(s.f.Workbook().Sheets)
	for i := range list {
		if p := &list[i]; p.Name.Name == "" || p.Sheet < -1 || p.Sheet >= sheets || !p.Remove && emit.CheckFormula(formula.Display(p.RefersTo)) != nil {
			return invalid(d.part.Name, "the name %.64q of sheet %d cannot be what it is to be", p.Name.Name, p.Sheet)
		}
	}
	names, there := d.child(root, "definedNames")
	var have []element
	var say []grid.Name // what each of them is
	if there {
		for _, c := range d.children(names) {
			if c.local != "definedName" {
				continue
			}
			tag := c.tag(d.text)
			n := grid.Name{Name: decoded(attribute(tag, "name")), Sheet: -1}
			if i, err := strconv.Atoi(string(attribute(tag, "localSheetId"))); err == nil && i >= 0 && i < sheets {
				n.Sheet = i
			}
			have, say = append(have, c), append(say, n)
		}
	}
	var added []*NamePatch
	kept := len(have)
	for i := range list {
		p := &list[i]
		found := false
		for k := range say {
			if say[k].Sheet != p.Sheet || !strings.EqualFold(say[k].Name, p.Name.Name) {
				continue
			}
			if p.Remove {
				d.edit(have[k].from, have[k].to, nil)
				kept--
			} else if !found { // the first counts
				d.rename(&have[k], p)
			}
			found = true
		}
		if !found && !p.Remove {
			added = append(added, p)
		}
	}
	slices.SortStableFunc(added, func(a, b *NamePatch) int { return grid.CompareNames(&a.Name, &b.Name) })
	switch {
	case kept+len(added) == 0 && there: // an empty list is none
		d.edits = slices.DeleteFunc(d.edits, func(e splice.Edit) bool { return e.From >= int64(names.from) && e.To <= int64(names.to) })
		d.edit(names.from, names.to, nil)
	case len(added) == 0:
	case there && !names.empty:
		for _, p := range added {
			at := names.inner
			if i := grid.NamePlace(say, &p.Name); i < len(have) {
				at = have[i].from
			}
			d.edit(at, at, p.xml(root.prefix))
		}
	default:
		xml := []byte("<" + root.prefix + "definedNames>")
		for _, p := range added {
			xml = append(xml, p.xml(root.prefix)...)
		}
		xml = append(xml, "</"+root.prefix+"definedNames>"...)
		if there {
			d.edit(names.from, names.to, xml)
		} else {
			at := d.place(root, "definedNames", workbookOrder)
			d.edit(at, at, xml)
		}
	}
	s.save(d)
	return nil
}

// rename makes a name that is there say what p does; its other attributes stay.
func (d *document) rename(e *element, p *NamePatch) {
	tag := e.tag(d.text)
	if is := attribute(tag, "hidden"); truth(is) != p.Hidden {
		tag = withAttribute(tag, "hidden", digit(p.Hidden))
	}
	if is := attribute(tag, "comment"); decoded(is) != p.Comment {
		tag = withAttribute(tag, "comment", string(emit.AppendAttribute(nil, p.Comment)))
	}
	if e.empty {
		tag = append(slices.Clone(tag[:len(tag)-2]), '>')
		tag = emit.AppendText(tag, p.RefersTo)
		d.edit(e.from, e.to, append(tag, "</"+e.prefix+e.local+">"...))
		return
	}
	if string(tag) != string(e.tag(d.text)) {
		d.edit(e.from, e.tagEnd, tag)
	}
	d.edit(e.tagEnd, e.inner, emit.AppendText(nil, p.RefersTo))
}

func digit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// xml gives the element of a new name.
func (p *NamePatch) xml(prefix string) []byte {
	xml := append([]byte("<"+prefix+`definedName name="`), emit.AppendAttribute(nil, p.Name.Name)...)
	xml = append(xml, '"')
	if p.Comment != "" {
		xml = append(append(append(xml, ` comment="`...), emit.AppendAttribute(nil, p.Comment)...), '"')
	}
	if p.Sheet >= 0 {
		xml = append(xml, ` localSheetId="`+strconv.Itoa(p.Sheet)+`"`...)
	}
	if p.Hidden {
		xml = append(xml, ` hidden="1"`...)
	}
	xml = emit.AppendText(append(xml, '>'), p.RefersTo)
	return append(xml, "</"+prefix+"definedName>"...)
}
