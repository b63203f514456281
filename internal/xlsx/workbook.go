package xlsx

import (
	"bytes"
	"fmt"
	"strings"

	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx/xmltext"
)

// StrictMain is the namespace of spreadsheets in the strict form of Open XML (ECMA-376 part 1, annex A).
const StrictMain = "http://purl.oclc.org/ooxml/spreadsheetml/main"

// maxSheets bounds the number of sheets; Excel itself is known to open about a thousand.
const maxSheets = 1 << 14

// findWorkbook gives the part from which everything else is reached. rels are those of
// the package. Content types are looked at only where those do not help: they are a long
// list that says what the parts say themselves.
func findWorkbook(p *Package, rels *relationships) (*Part, error) {
	var part *Part
	if rel := rels.first("officeDocument"); rel != nil {
		part = rel.part
	} else {
		types, err := p.contentTypes()
		if err != nil {
			return nil, err
		}
		for i := range p.Len() {
			if candidate := p.Part(i); isWorkbookType(types.of(candidate)) {
				part = candidate
				break
			}
		}
	}
	if part == nil {
		part = p.Find("xl/workbook.xml")
	}
	if part == nil {
		return nil, noWorkbook(p)
	}
	what := ""
	switch name := foldPart(part.Name); {
	case strings.HasSuffix(name, ".bin"):
		what = "a binary workbook (.xlsb)"
	case strings.HasPrefix(name, "word/"):
		what = "a Word document and not a workbook"
	case strings.HasPrefix(name, "ppt/"):
		what = "a presentation and not a workbook"
	case strings.HasPrefix(name, "visio/"):
		what = "a drawing and not a workbook"
	default:
		return part, nil
	}
	return nil, &Error{Code: Unsupported, Offset: -1, Message: "the file is " + what, Hint: hintSaveAs}
}

// isWorkbookType reports whether a content type is that of a workbook part, with or
// without macros, template or not.
func isWorkbookType(kind string) bool {
	if !strings.HasSuffix(kind, ".main+xml") {
		return false
	}
	return strings.Contains(kind, "spreadsheetml.sheet.") || strings.Contains(kind, "ms-excel.sheet.") ||
		strings.Contains(kind, "spreadsheetml.template.") || strings.Contains(kind, "ms-excel.template.") || strings.Contains(kind, "ms-excel.addin.")
}

// noWorkbook says what a zip file is that holds no workbook.
func noWorkbook(p *Package) *Error {
	e := &Error{Code: Unreadable, Offset: -1, Message: "the file is a zip file that holds no workbook",
		Hint: "If workbooks are packed in it, unpack them first."}
	switch {
	case p.Find("content.xml") != nil && p.Find("META-INF/manifest.xml") != nil:
		e.Code, e.Message, e.Hint = Unsupported, "the file is an OpenDocument (.ods)", hintSaveAs
	case p.Find("Index/Document.iwa") != nil, p.Find("Index.zip") != nil:
		e.Code, e.Message, e.Hint = Unsupported, "the file is a Numbers document", "Export it from Numbers as .xlsx."
	case p.Len() == 0:
		e.Message, e.Hint = "the file is an empty zip file", "Check that the file was written completely."
	}
	return e
}

// workbookPart is what workbook.xml says and refers to.
type workbookPart struct {
	book     *grid.Workbook
	external []string // relationship ids of external links
}

// parseWorkbook reads workbook.xml.
func parseWorkbook(p *Package, doc []byte, rels *relationships) (*workbookPart, error) {
	w := &workbookPart{book: &grid.Workbook{CalcMode: "auto", IterateCount: 100, IterateDelta: 0.001}}
	b := w.book
	r := xmltext.New(doc)
	if !r.Root() {
		return nil, r.Err()
	}
	if string(r.Local()) != "workbook" {
		return nil, damaged("", int64(r.Offset()), "a <workbook> is expected and not <%s>", r.Local())
	}
	tag := doc[:r.Offset()] // that of the root is the last, and ends here
	tag = tag[bytes.LastIndexByte(tag, '<'):]
	b.Strict = bytes.Contains(tag, []byte(`"`+StrictMain+`"`))
	for d := r.Depth(); r.Child(d); {
		if !r.InMain() {
			continue
		}
		switch string(r.Local()) {
		case "workbookPr":
			if r.Bool("date1904", false) {
				b.Dates = numfmt.Date1904
			}
		case "workbookProtection":
			b.Protection = workbookProtection(r)
		case "bookViews":
			for d, n := r.Depth(), 0; r.Child(d); n++ {
				if n == 0 {
					b.ActiveSheet = max(0, r.Int("activeTab", 0))
				}
			}
		case "sheets":
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) != "sheet" {
					continue
				}
				if len(b.Sheets) >= maxSheets {
					return nil, tooLarge("", "it has more than %d sheets", maxSheets)
				}
				b.Sheets = append(b.Sheets, sheetInfo(r, rels))
			}
		case "definedNames":
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) != "definedName" {
					continue
				}
				if len(b.Names) >= maxEntries {
					return nil, tooLarge("", "it has more than %d defined names", maxEntries)
				}
				b.Names = append(b.Names, definedName(r))
			}
		case "calcPr":
			if mode := r.Value("calcMode"); mode != "" {
				b.CalcMode = mode
			}
			b.FullCalcOnLoad = r.Bool("fullCalcOnLoad", false)
			b.Iterative = r.Bool("iterate", false)
			b.IterateCount = r.Int("iterateCount", b.IterateCount)
			b.IterateDelta = r.Float("iterateDelta", b.IterateDelta)
		case "externalReferences":
			for d := r.Depth(); r.Child(d); {
				if len(w.external) >= maxSheets {
					return nil, tooLarge("", "it has more than %d external links", maxSheets)
				}
				w.external = append(w.external, r.ValueNS(xmltext.Relationship, "id"))
			}
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if len(b.Sheets) == 0 {
		return nil, damaged("", -1, "it lists no sheets")
	}
	parts := make(map[string]int, len(b.Sheets))
	for i := range b.Sheets {
		s := &b.Sheets[i]
		if other, twice := parts[s.Part]; twice && s.Part != "" {
			return nil, damaged("", -1, "the sheets %.64q and %.64q are said to be the same part %s", b.Sheets[other].Name, s.Name, s.Part)
		}
		parts[s.Part] = i
	}
	for i := range b.Names {
		if n := &b.Names[i]; n.Sheet >= len(b.Sheets) {
			n.Sheet = -1
		}
	}
	if b.ActiveSheet >= len(b.Sheets) {
		b.ActiveSheet = 0
	}
	return w, nil
}

// sheetInfo reads a <sheet>. One whose relationship leads nowhere has no Part, and a Problem.
func sheetInfo(r *xmltext.Reader, rels *relationships) grid.SheetInfo {
	s := grid.SheetInfo{Name: r.Value("name"), SheetID: r.Int("sheetId", 0)}
	switch string(r.Attr("state")) {
	case "hidden":
		s.Visibility = grid.Hidden
	case "veryHidden":
		s.Visibility = grid.VeryHidden
	}
	id := r.ValueNS(xmltext.Relationship, "id")
	rel := rels.get(id)
	if rel == nil && id == "" && s.Visibility == grid.VeryHidden {
		s.Kind = grid.Modulesheet // so Excel writes it: its source is in the VBA project
		return s
	}
	if rel == nil {
		s.Problem = fmt.Sprintf("its relationship %.64q is missing", id)
		return s
	}
	switch rel.kind {
	case "chartsheet":
		s.Kind = grid.Chartsheet
	case "dialogsheet":
		s.Kind = grid.Dialogsheet
	case "xlMacrosheet", "xlIntlMacrosheet":
		s.Kind = grid.Macrosheet
	}
	switch {
	case rel.part != nil:
		s.Part, s.Bytes = rel.part.Name, rel.part.Bytes
	case rel.external:
		s.Problem = fmt.Sprintf("it is said to be outside of the file, at %.200s", rel.target)
	default:
		s.Problem = fmt.Sprintf("its part %.200s is missing", rel.target)
	}
	return s
}

// definedName reads a <definedName>.
func definedName(r *xmltext.Reader) grid.Name {
	n := grid.Name{
		Name: xmltext.Unescape(r.Value("name")), Sheet: max(-1, r.Int("localSheetId", -1)),
		Hidden: r.Bool("hidden", false), Comment: xmltext.Unescape(r.Value("comment")),
	}
	n.RefersTo = strings.TrimPrefix(strings.TrimSpace(r.Text()), "=")
	return n
}

// externalTargets gives what the external links lead to, "" for one that says nothing.
func externalTargets(p *Package, ids []string, rels *relationships) ([]string, error) {
	var targets []string
	known := make(map[*Part]string)
	for _, id := range ids {
		target := ""
		if rel := rels.get(id); rel == nil || rel.part == nil {
			// It leads nowhere; the formulas that count on it keep their numbers.
		} else if t, ok := known[rel.part]; ok {
			target = t
		} else {
			links, err := p.relationshipsOf(rel.part.Name)
			if err != nil {
				return nil, err
			}
			for i := range links.list {
				if links.list[i].external {
					target = links.list[i].target
					break
				}
			}
			known[rel.part] = target
		}
		targets = append(targets, target)
	}
	return targets, nil
}

// application gives the program that wrote the package, as docProps/app.xml has it.
func application(p *Package, rels *relationships) (string, error) {
	part := p.Find("docProps/app.xml")
	if rel := rels.first("extended-properties"); rel != nil {
		part = rel.part
	} else if rel := rels.first("extendedProperties"); rel != nil {
		part = rel.part
	}
	if part == nil {
		return "", nil
	}
	doc, err := p.readXML(part)
	if err != nil {
		return "", err
	}
	name, version := "", ""
	r := xmltext.New(doc)
	if r.Root() {
		for d := r.Depth(); r.Child(d); {
			switch string(r.Local()) {
			case "Application":
				name = r.Text()
			case "AppVersion":
				version = r.Text()
			}
		}
	}
	if name != "" && version != "" {
		name += "/" + version
	}
	return name, inPart(part.Name, r.Err())
}
