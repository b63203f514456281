package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/splice"
)

// carriedRule is an element behind the cells of a sheet that goes with cells to another sheet: what is merged, a conditional format, a
// validation, a link.
type carriedRule struct {
	list string // the element that holds such, "" where they stand alone
	name string
	xml  []byte
}

// pickRules collects what applies to the cells that f picked up and goes to another sheet.
func (s *saver) pickRules(f *sheetFilter, part *xlsx.Part, change structure.Change) ([]carriedRule, error) {
	target := s.pkg.Find(s.f.Workbook().Sheets[slices.IndexFunc(f.c.before, func(n string) bool { return strings.EqualFold(n, change.Target()) })].Part)
	var rules []carriedRule
	take := func(list string, e element) error {
		attr := "sqref"
		if e.local == "mergeCell" || e.local == "hyperlink" {
			attr = "ref"
		}
		ranges, ok := cell.ParseRanges(decoded(attribute(e.tag(f.tail), attr)))
		if !ok {
			return nil
		}
		var words []string
		for _, r := range f.c.steps[0].Covered(f.own, ranges, change.Target()) {
			words = append(words, corners(r))
		}
		if len(words) == 0 || e.local == "mergeCell" && !change.Range.ContainsRange(ranges[0]) {
			return nil
		}
		tag := withAttribute(e.tag(f.tail), attr, strings.Join(words, " "))
		if e.local == "hyperlink" {
			var err error
			if tag, err = s.carryLink(tag, part, target); err != nil || tag == nil {
				return err
			}
			tag, _ = f.refs.attribute(tag, "location", asFormula)
		}
		body, _ := (&carrier{f, ranges, change.Target()}).content(f.tail, e)
		rules = append(rules, carriedRule{list, e.local, slices.Concat(tag, body, f.tail[e.inner:e.to])})
		return nil
	}
	for _, e := range elements(f.tail, 0, len(f.tail)) {
		switch e.local {
		case "conditionalFormatting":
			if err := take("", e); err != nil {
				return nil, err
			}
		case "mergeCells", "dataValidations", "hyperlinks":
			for _, c := range elements(f.tail, e.tagEnd, e.inner) {
				if err := take(e.local, c); err != nil {
					return nil, err
				}
			}
		}
	}
	return rules, nil
}

// carrier rewrites the formulas of a rule of some ranges that goes to another sheet.
type carrier struct {
	f      *sheetFilter
	ranges []cell.Range
	onto   string
}

func (x *carrier) relative(text string) string {
	return x.f.c.steps[0].Relative(text, x.f.own, x.ranges, x.onto)
}

// content gives the content of an element, and whether it is another.
func (x *carrier) content(text []byte, e element) (out []byte, changed bool) {
	at := e.tagEnd
	for _, c := range elements(text, e.tagEnd, e.inner) {
		var body []byte
		yes := false
		if inner := text[c.tagEnd:c.inner]; textsRead[c.local] == asFormula && plainText(inner) {
			body, yes = emit.AppendText(nil, x.relative(plain(inner))), true
		} else if slices.Contains([]string{"cfRule", "colorScale", "dataBar", "iconSet"}, c.local) {
			body, yes = x.content(text, c)
		} else if value := attribute(c.tag(text), "val"); c.local == "cfvo" && value != nil && string(attribute(c.tag(text), "type")) == "formula" {
			with := withAttribute(c.tag(text), "val", string(emit.AppendAttribute(nil, x.relative(decoded(value)))))
			out = append(append(append(out, text[at:c.from]...), with...), text[c.tagEnd:c.to]...)
			at, changed = c.to, true
		}
		if yes {
			out = append(append(append(out, text[at:c.tagEnd]...), body...), text[c.inner:c.to]...)
			at, changed = c.to, true
		}
	}
	return append(out, text[at:e.inner]...), changed
}

// carryLink gives the tag of a link the relationship that it has on another sheet; nil where it cannot have one.
func (s *saver) carryLink(tag []byte, from, to *xlsx.Part) ([]byte, error) {
	id := relationshipID(tag)
	if id == "" {
		return tag, nil
	}
	list, err := s.pkg.Relationships(from)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r xlsx.Relationship) bool { return r.ID == id && r.External })
	relations := s.pkg.RelationshipsPart(to)
	if i < 0 || relations == nil {
		s.warn("NOT_MOVED", "a link to %.200s stayed behind: the sheet that its cell went to has no place for it", decoded(attribute(tag, "ref")))
		return nil, nil
	}
	d, err := s.document(relations)
	if err != nil {
		return nil, err
	}
	root, ok := d.root()
	if !ok || root.empty {
		return nil, nil
	}
	there, err := s.pkg.Relationships(to)
	if err != nil {
		return nil, err
	}
	n := len(there) + 1
	for s.links["rId"+strconv.Itoa(n)] || slices.ContainsFunc(there, func(r xlsx.Relationship) bool { return r.ID == "rId"+strconv.Itoa(n) }) {
		n++
	}
	if s.links == nil {
		s.links = map[string]bool{}
	}
	s.links["rId"+strconv.Itoa(n)] = true
	xml := []byte("<" + root.prefix + `Relationship Id="rId` + strconv.Itoa(n) + `" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" Target="`)
	xml = append(emit.AppendAttribute(xml, list[i].Target), `" TargetMode="External"/>`...)
	d.edit(root.inner, root.inner, xml)
	s.save(d)
	for _, a := range attributesOfTag(tag) {
		if a == "id" || strings.HasSuffix(a, ":id") {
			return withAttribute(tag, a, "rId"+strconv.Itoa(n)), nil
		}
	}
	return tag, nil
}

// arrived gives the edits that put what came from another sheet behind the cells, among which the elements of list are.
func (f *sheetFilter) arrived(list []element) []splice.Edit {
	var edits []splice.Edit
	done := map[string]bool{}
	for _, r := range f.rules {
		holder := r.list
		if holder == "" {
			holder = r.name
		}
		if done[holder] {
			continue
		}
		done[holder] = true
		var xml []byte
		n := 0
		for _, o := range f.rules {
			if o.name == r.name {
				xml, n = append(xml, o.xml...), n+1
			}
		}
		at, old := f.behind(list, holder)
		switch {
		case r.list == "":
			edits = append(edits, splice.Edit{From: at, To: at, New: xml})
		case old == nil:
			xml = slices.Concat([]byte("<"+f.prefix+holder+` count="`+strconv.Itoa(n)+`">`), xml, []byte("</"+f.prefix+holder+">"))
			if holder == "hyperlinks" { // the only one that does not count
				xml = slices.Concat([]byte("<"+f.prefix+holder+">"), xml[len("<"+f.prefix+holder+` count="`+strconv.Itoa(n)+`">`):])
			}
			edits = append(edits, splice.Edit{From: at, To: at, New: xml})
		default:
			with, goes := f.refs.element(f.tail, *old)
			if with == nil {
				with = f.tail[old.from:old.to]
			}
			if goes { // its elements, but not itself
				with = slices.Concat(old.tag(f.tail), []byte("</"+f.prefix+holder+">"))
			}
			e := elements(with, 0, len(with))[0]
			body := slices.Concat(with[e.tagEnd:e.inner], xml)
			tag := counted(e.tag(with), len(elements(body, 0, len(body))), body)
			if e.empty {
				tag = opened(tag)
			}
			edits = append(edits, splice.Edit{From: int64(old.from), To: int64(old.to), New: slices.Concat(tag, body, []byte("</"+f.prefix+holder+">"))})
		}
	}
	return edits
}

// behind gives where an element belongs among those behind the cells, and the one of that name if there is one.
func (f *sheetFilter) behind(list []element, name string) (int64, *element) {
	at := 0
	if bytes.HasPrefix(f.tail, []byte("</"+f.prefix+"sheetData")) {
		at = endOfTag(f.tail)
	}
	for i := range list {
		e := &list[i]
		if e.local == name && name != "conditionalFormatting" {
			return int64(e.from), e
		}
		if k := slices.Index(tailOrder, e.local); k >= 0 && k <= slices.Index(tailOrder, name) {
			at = e.to
		}
	}
	return int64(at), nil
}
