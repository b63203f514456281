package patch

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
)

// ViewPatch says what a copy that is made to be looked at or printed shows. The zero ViewPatch
// leaves everything as the file has it. Sheets are counted as the file does.
type ViewPatch struct {
	// Show are sheets that are visible whatever the file says; the first becomes the active one.
	Show []int
	// Others says what becomes of all other sheets.
	Others Others
	// Print are the ranges that are printed of sheets, in place of those that the file names.
	Print []PrintArea
	// Spelled are the names of sheets where their letters are in another case. Nothing that names a sheet is changed with it,
	// and a name may need no escapes.
	Spelled map[int]string
	// Gridlines are sheets whose gridlines are shown, or are not, whatever the file says.
	Gridlines map[int]bool
}

// Others is what becomes of the sheets that are not shown.
type Others uint8

// What may become of them.
const (
	OthersStay   Others = iota // they stay as they are
	OthersHidden               // they are hidden
	OthersGone                 // the workbook lists them no more, nor any defined name that the file has
)

// PrintArea is what is printed of a sheet.
type PrintArea struct {
	Sheet int
	Range cell.Range
}

func (v *ViewPatch) empty() bool {
	return len(v.Show)+len(v.Print)+len(v.Spelled)+len(v.Gridlines) == 0
}

// view changes the tabs in the workbook part, and what is printed. What a view shows it shows whatever the edits
// say. The gridlines are changed with the sheets.
func (s *saver) view(v *ViewPatch, b *BookPatch) error {
	if len(v.Show)+len(v.Print)+len(v.Spelled)+len(b.Shown) == 0 {
		return nil
	}
	sheets := s.f.Workbook().Sheets
	for _, i := range v.Show {
		if i < 0 || i >= len(sheets) {
			return invalid("", "there is no sheet %d to show", i)
		}
	}
	for _, p := range v.Print {
		if p.Sheet < 0 || p.Sheet >= len(sheets) || v.Others == OthersGone && !slices.Contains(v.Show, p.Sheet) {
			return invalid("", "there is no sheet %d to print", p.Sheet)
		}
	}
	for i, name := range v.Spelled {
		if i < 0 || i >= len(sheets) || strings.ContainsAny(name, `<&'"`) {
			return invalid("", "the name of sheet %d cannot be written %.64q", i, name)
		}
	}
	d, root, err := s.rooted(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	at, err := s.showSheets(d, root, v, b, len(sheets))
	if err != nil {
		return err
	}
	if len(v.Show) > 0 { // a program shows the sheet in front, and prints it, even where it is hidden
		s.front(d, root, at[v.Show[0]])
	}
	s.printAreas(d, root, v, at)
	s.save(d)
	return nil
}

// showSheets changes the list of sheets and gives the number that each sheet has afterwards, -1
// for one that is gone.
func (s *saver) showSheets(d *document, root element, v *ViewPatch, b *BookPatch, sheets int) (at []int, err error) {
	list, ok := d.child(root, "sheets")
	if !ok {
		return nil, broken(d.part, -1, "it lists no sheets")
	}
	n := 0
	for _, c := range d.children(list) {
		if c.local != "sheet" {
			continue
		}
		i := len(at)
		shown := len(v.Show) == 0 || slices.Contains(v.Show, i)
		if !shown && v.Others == OthersGone {
			d.edit(c.from, c.to, nil)
			at = append(at, -1)
			continue
		}
		was := c.tag(d.text)
		tag, state := was, attribute(was, "state")
		is, edited := b.Shown[i]
		switch {
		case len(v.Show) == 0 && edited && is != grid.Visible:
			tag = withAttribute(tag, "state", is.String())
		case len(v.Show) == 0 && edited:
			tag = withoutAttribute(tag, "state")
		case len(v.Show) > 0 && shown && state != nil:
			tag = withAttribute(tag, "state", "visible")
		case !shown && v.Others == OthersHidden && string(state) != "veryHidden":
			tag = withAttribute(tag, "state", "hidden")
		}
		if name, ok := v.Spelled[i]; ok {
			tag = withAttribute(tag, "name", name)
		}
		if !bytes.Equal(tag, was) {
			d.edit(c.from, c.tagEnd, tag)
		}
		at = append(at, n)
		n++
	}
	if len(at) != sheets {
		return nil, broken(d.part, -1, "its list of sheets cannot be changed")
	}
	return at, nil
}

// printAreas sets what is printed. A print area is a defined name of its sheet. Where names stay, those of
// the areas are for [saver.names] to write.
func (s *saver) printAreas(d *document, root element, v *ViewPatch, at []int) {
	if v.Others != OthersGone {
		return
	}
	names, ok := d.child(root, "definedNames")
	if !ok && len(v.Print) == 0 {
		return
	}
	var xml []byte
	for _, p := range v.Print {
		n := s.printArea(p)
		n.Sheet = at[p.Sheet]
		xml = append(xml, n.xml(root.prefix)...)
	}
	if len(xml) > 0 { // an empty list is none
		xml = slices.Concat([]byte("<"+root.prefix+"definedNames>"), xml, []byte("</"+root.prefix+"definedNames>"))
	}
	if ok {
		d.edit(names.from, names.to, xml)
		return
	}
	place := d.place(root, "definedNames", workbookOrder)
	d.edit(place, place, xml)
}

// printArea gives the name that says what is printed.
func (s *saver) printArea(p PrintArea) NamePatch {
	return NamePatch{Name: grid.Name{Name: grid.PrintArea, Sheet: p.Sheet, RefersTo: cell.QuoteSheet(s.f.Workbook().Sheets[p.Sheet].Name) + "!" + absolute(p.Range)}}
}

// namesToo gives a list of names with those that a view sets, which count before others.
func (s *saver) namesToo(list []NamePatch, v *ViewPatch) []NamePatch {
	if v.Others == OthersGone {
		return nil
	}
	for _, p := range v.Print {
		n := s.printArea(p)
		list = slices.DeleteFunc(slices.Clone(list), func(o NamePatch) bool { return o.Sheet == p.Sheet && strings.EqualFold(o.Name.Name, grid.PrintArea) })
		list = append(list, n)
	}
	return list
}

// absolute writes a range as defined names have it: $A$1:$C$9.
func absolute(r cell.Range) string {
	corner := func(b []byte, c cell.Ref) []byte {
		b = append(cell.AppendColumn(append(b, '$'), c.Col), '$')
		return strconv.AppendInt(b, int64(c.Row)+1, 10)
	}
	b := corner(nil, r.First)
	if r.First != r.Last {
		b = corner(append(b, ':'), r.Last)
	}
	return string(b)
}

// viewHead is how much of a sheet's part is looked at for its view, which stands in front.
const viewHead = 1 << 20

// gridlines gives the edits of a sheet's part that show its gridlines, or hide them.
func (s *saver) gridlines(part *xlsx.Part, stream *splice.Stream, on bool) ([]splice.Edit, error) {
	r := stream.ReaderAt(0)
	defer r.Close()
	var head []byte
	for len(head) < viewHead && !bytes.Contains(head, []byte("sheetData")) {
		chunk, err := r.Next(s.ctx)
		if err != nil {
			if s.ctx.Err() != nil {
				return nil, s.failed(part, err)
			}
			break // that it ends here, or how it is broken, is for who reads its cells
		}
		head = append(head, chunk...)
	}
	value := "0"
	if on {
		value = "1"
	}
	var list []splice.Edit
	place, prefix := -1, ""
	for p := 0; ; {
		i := bytes.IndexByte(head[p:], '<')
		if i < 0 || p+i+1 >= len(head) {
			break
		}
		p += i
		if c := head[p+1]; c == '!' || c == '?' {
			if p = scan.SkipMarkup(head, p); p < 0 {
				break
			}
			continue
		}
		end := scan.TagEnd(head, p)
		if end < 0 {
			break
		}
		tag := head[p:end]
		name := string(bytes.TrimPrefix(tag[1:scan.NameEnd(tag)], []byte("/")))
		space := ""
		if i := bytes.IndexByte([]byte(name), ':'); i >= 0 {
			space, name = name[:i+1], name[i+1:]
		}
		switch name {
		case "worksheet":
			place, prefix = end, space
		case "sheetPr", "dimension": // they stand before the views
			if space == prefix {
				place = end
			}
		case "sheetView":
			if tag[1] != '/' {
				list = append(list, splice.Edit{From: int64(p), To: int64(end), New: withAttribute(tag, "showGridLines", value)})
			}
		case "sheetFormatPr", "cols", "sheetData":
			if space != prefix {
				break
			}
			if len(list) == 0 {
				xml := "<" + prefix + `sheetViews><` + prefix + `sheetView showGridLines="` + value + `" workbookViewId="0"/></` + prefix + "sheetViews>"
				list = append(list, splice.Edit{From: int64(place), To: int64(place), New: []byte(xml)})
			}
			return list, nil
		}
		p = end
	}
	return list, nil
}
