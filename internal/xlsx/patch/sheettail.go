package patch

import (
	"bytes"
	"errors"
	"slices"
	"sort"

	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/scan"
	"gridflow/internal/xlsx/splice"
)

// sheetTail is what stands behind the cells of a sheet, to be changed.
type sheetTail struct {
	part   *xlsx.Part
	prefix string    // of spreadsheet elements
	d      *document // of the stretch from base on
	base   int64
	items  []element

	tables string // the new entries of tableParts
	count  int    // by how many these are more
}

// tail gives the tail of a sheet. The edits that are made of it are written with the sheet's cells.
func (s *saver) tail(sheet int) (*sheetTail, error) {
	if t := s.tails[sheet]; t != nil {
		return t, nil
	}
	part, stream, locate, err := s.f.SheetStream(sheet)
	if err != nil {
		return nil, err
	}
	if part == nil {
		return nil, invalid("", "sheet %d is of a kind that has no cells", sheet)
	}
	l := scan.NewLocator(nil, nil)
	l.Ascending, l.ToEnd = locate != nil, true
	r := stream.ReaderAt(0)
	err = find(s.ctx, r, l, locate)
	r.Close()
	t := &sheetTail{part: part}
	switch {
	case errors.Is(err, errNotUTF8):
		d, err := s.document(part)
		if err != nil {
			return nil, err
		}
		if _, err := l.Feed(d.text, true); err != nil {
			return nil, s.failed(part, err)
		}
		t.d = &document{part: part, text: d.text[l.DataEnd:]}
	case err != nil:
		return nil, s.failed(part, err)
	default:
		text, err := s.readTail(part, stream, l.DataEnd)
		if err != nil {
			return nil, err
		}
		t.d = &document{part: part, text: text}
	}
	t.prefix, t.base = l.Prefix, l.DataEnd
	t.items = elements(t.d.text, 0, len(t.d.text))
	if s.tails == nil {
		s.tails = map[int]*sheetTail{}
	}
	s.tails[sheet] = t
	return t, nil
}

// item gives an element of the tail by its name.
func (t *sheetTail) item(local string) (element, bool) {
	for _, e := range t.items {
		if e.local == local {
			return e, true
		}
	}
	return element{}, false
}

// insert puts an element of a name where the schema has it.
func (t *sheetTail) insert(local string, xml []byte) {
	at := t.end()
	for _, e := range t.items {
		if t.order(e) > slices.Index(tailOrder, local) {
			at = e.from
			break
		}
	}
	t.d.edit(at, at, xml)
}

// order gives the place of an element in tailOrder, -1 for one that the schema has not. One that there
// is in several versions has the place of what is in them.
func (t *sheetTail) order(e element) int {
	if e.local == "AlternateContent" {
		for _, choice := range t.d.children(e) {
			for _, c := range t.d.children(choice) {
				return slices.Index(tailOrder, c.local)
			}
		}
	}
	return slices.Index(tailOrder, e.local)
}

// end gives where the root's end tag begins.
func (t *sheetTail) end() int {
	end := 0
	for _, e := range t.items {
		end = e.to
	}
	if end > 0 {
		return end
	}
	// Without any element: behind the end tag of the cells, if they have one.
	text := t.d.text
	for p := 0; p < len(text); {
		if text[p] != '<' {
			p++
			continue
		}
		if p+1 < len(text) && text[p+1] == '/' {
			stop := scan.TagEnd(text, p)
			if stop < 0 {
				return p
			}
			name := text[p+2 : stop-1]
			if len(name) >= len("sheetData") && string(name[:min(len(name), len(t.prefix)+len("sheetData"))]) == t.prefix+"sheetData" {
				p = stop
				continue
			}
			return p
		}
		if next := scan.SkipMarkup(text, p); next > p {
			p = next
		} else {
			p++
		}
	}
	return len(text)
}

// edits gives the edits of the sheet's part.
func (t *sheetTail) edits() []splice.Edit {
	list := make([]splice.Edit, len(t.d.edits))
	for i, e := range t.d.edits {
		list[i] = splice.Edit{From: e.From + t.base, To: e.To + t.base, New: e.New}
	}
	return list
}

// orderBehind sorts edits as order does; of elements that are put in at one place behind the cells the one comes first
// that the schema has first.
func orderBehind(edits []splice.Edit) {
	place := func(e *splice.Edit) int {
		if e.From < e.To || len(e.New) < 2 || e.New[0] != '<' {
			return -1
		}
		name := e.New[1:scan.NameEnd(e.New)]
		if i := bytes.IndexByte(name, ':'); i >= 0 {
			name = name[i+1:]
		}
		return slices.Index(tailOrder, string(name))
	}
	sort.SliceStable(edits, func(i, j int) bool {
		a, b := &edits[i], &edits[j]
		if a.From != b.From {
			return a.From < b.From
		}
		if put, too := a.From == a.To, b.From == b.To; put != too {
			return put // before what stands there
		}
		p, q := place(a), place(b)
		return p >= 0 && q >= 0 && p < q
	})
}
