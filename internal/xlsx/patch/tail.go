package patch

import (
	"io"
	"slices"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
)

// tailParts write what stands behind the cells: of each the element, whether a patch has it, and what
// makes its edits.
var tailParts = [...]struct {
	name  string
	given func(p *LayoutPatch) bool
	write func(t *tail, p *LayoutPatch) error
}{
	{"mergeCells", func(p *LayoutPatch) bool { return p.Merges != nil }, (*tail).merges},
	{"conditionalFormatting", func(p *LayoutPatch) bool { return p.Conditional != nil }, (*tail).conditional},
	{"dataValidations", func(p *LayoutPatch) bool { return p.Validations != nil }, (*tail).validations},
}

// behind tells whether something behind the cells changes.
func (p *LayoutPatch) behind() bool {
	if p == nil {
		return false
	}
	for i := range tailParts {
		if tailParts[i].given(p) {
			return true
		}
	}
	return false
}

// tailOrder is the order of what stands behind the cells (ECMA-376 part 1, CT_Worksheet).
var tailOrder = []string{"sheetCalcPr", "sheetProtection", "protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate",
	"customSheetViews", "mergeCells", "phoneticPr", "conditionalFormatting", "dataValidations", "hyperlinks", "printOptions", "pageMargins",
	"pageSetup", "headerFooter", "rowBreaks", "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing",
	"legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts", "extLst"}

// tail is what stands behind the cells of a sheet: its text begins at the end of the cells.
type tail struct {
	*document
	e      *sheetEditor
	loaded *grid.Sheet // as the file has it
	top    []element
	start  int // behind the end tag of the cells
}

// arrangeBehind makes the edits of what stands behind the cells. text begins where the cells end.
func (e *sheetEditor) arrangeBehind(text []byte, loaded *grid.Sheet, p *LayoutPatch) error {
	t := &tail{document: &document{part: e.part, text: text}, e: e, loaded: loaded}
	if !e.l.DataEmpty {
		if t.start = scan.TagEnd(text, 0); t.start < 0 {
			return broken(e.part, e.l.DataEnd, "the element of its cells does not end")
		}
	}
	t.top = elements(text, t.start, len(text))
	for i := range tailParts {
		if part := &tailParts[i]; part.given(p) {
			if err := part.write(t, p); err != nil {
				return err
			}
		}
	}
	t.tidy()
	for _, x := range t.edits {
		e.edit(x.From+e.l.DataEnd, x.To+e.l.DataEnd, x.New)
	}
	return nil
}

// find gives the elements of a name.
func (t *tail) find(name string) (list []element) {
	for _, c := range t.top {
		if c.local == name && c.prefix == t.e.l.Prefix {
			list = append(list, c)
		}
	}
	return list
}

// place gives where an element of a name belongs that is not there.
func (t *tail) place(name string) int {
	at, order := t.start, slices.Index(tailOrder, name)
	for _, c := range t.top {
		if i := t.order(c); i >= 0 && i <= order {
			at = max(at, c.to)
		}
	}
	return at
}

// order gives the place in tailOrder of an element, or of what it has for those who understand it; -1 where it is none.
func (t *tail) order(e element) int {
	for e.local == "AlternateContent" || e.local == "Choice" {
		inner := t.children(e)
		if len(inner) == 0 {
			return -1
		}
		e = inner[0]
	}
	return slices.Index(tailOrder, e.local)
}

// put makes xml what there is of the elements of a name; nothing takes them away.
func (t *tail) put(name string, xml []byte) {
	for i, c := range t.find(name) {
		if i == 0 {
			t.edit(c.from, c.to, xml)
			xml = nil
		} else {
			t.edit(c.from, c.to, nil)
		}
	}
	if len(xml) > 0 {
		at := t.place(name)
		t.edit(at, at, xml)
	}
}

// list gives a list element with its contents, which keeps what the first one of its name says else: the count is
// made right. Nothing stands for no contents.
func (t *tail) list(name string, count int, inner []byte) []byte {
	if count == 0 {
		return nil
	}
	tag := []byte("<" + t.e.l.Prefix + name + ">")
	if have := t.find(name); len(have) > 0 {
		tag = openTag(have[0], t.text)
	}
	tag = withAttribute(tag, "count", itoa(count))
	return slices.Concat(tag, inner, []byte("</"+t.e.l.Prefix+name+">"))
}

// openTag gives the start tag of an element, which may be an empty one, for contents to follow.
func openTag(e element, text []byte) []byte {
	tag := slices.Clone(e.tag(text))
	if e.empty {
		tag = append(tag[:len(tag)-2], '>')
	}
	return tag
}

// maxTail bounds what stands behind the cells of a sheet that is changed.
const maxTail = 256 << 20

// readTail gives a part from an offset on.
func (s *saver) readTail(part *xlsx.Part, stream *splice.Stream, from int64) ([]byte, error) {
	r := stream.ReaderAt(from)
	defer r.Close()
	skip := from - r.Offset()
	var text []byte
	for {
		chunk, err := r.Next(s.ctx)
		if err == io.EOF {
			return text, nil
		}
		if err != nil {
			return nil, s.failed(part, err)
		}
		k := min(skip, int64(len(chunk)))
		skip -= k
		if text = append(text, chunk[k:]...); len(text) > maxTail {
			return nil, &xlsx.Error{Code: xlsx.TooLarge, Part: part.Name, Offset: from, Message: "what stands behind the cells is larger than 64 MiB"}
		}
	}
}
