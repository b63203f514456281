package patch

import (
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/numfmt"
	"gridflow/internal/xlsx/emit"
)

// styleList is one of the lists of a style sheet, to which entries are added.
type styleList struct {
	d           *document
	name, entry string
	list        element
	exists      bool
	entries     []element
	first       string // what a list that is made begins with, so that the numbers in use mean what they did
	added       []byte
	count       int
	by          map[string]int // the numbers of the entries by their XML
}

func newStyleList(d *document, root element, name, entry, first string) *styleList {
	l := &styleList{d: d, name: name, entry: entry, first: first}
	if l.list, l.exists = d.child(root, name); l.exists {
		for _, c := range d.children(l.list) {
			if c.local == entry {
				l.entries = append(l.entries, c)
			}
		}
	}
	l.count = len(l.entries)
	return l
}

// add appends an entry.
func (l *styleList) add(xml []byte) {
	if l.count == 0 && l.first != "" {
		l.added = append(l.added, l.first...)
		l.count++
	}
	l.added = append(l.added, xml...)
	l.count++
}

// id gives the number of an entry that reads so, adding it if there is none.
func (l *styleList) id(xml []byte) int {
	if l.by == nil {
		l.by = make(map[string]int)
		for i := len(l.entries) - 1; i >= 0; i-- {
			l.by[string(l.d.text[l.entries[i].from:l.entries[i].to])] = i
		}
	}
	if i, ok := l.by[string(xml)]; ok {
		return i
	}
	l.add(xml)
	l.by[string(xml)] = l.count - 1
	return l.count - 1
}

// styleLists are those of a style sheet, in order (ECMA-376 part 1, CT_Stylesheet).
var styleLists = []string{"numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs"}

func (l *styleList) save(root element) {
	if len(l.added) == 0 {
		return
	}
	d := l.d
	open := []byte("<" + root.prefix + l.name + ` count="` + strconv.Itoa(l.count) + `">`)
	end := []byte("</" + root.prefix + l.name + ">")
	switch {
	case !l.exists:
		at := root.tagEnd
		for _, c := range d.children(root) {
			if i := slices.Index(styleLists, c.local); i >= 0 && i < slices.Index(styleLists, l.name) {
				at = max(at, c.to)
			}
		}
		d.edit(at, at, slices.Concat(open, l.added, end))
	case l.list.empty:
		d.edit(l.list.from, l.list.to, slices.Concat(open, l.added, end))
	default:
		d.edit(l.list.from, l.list.tagEnd, withAttribute(l.list.tag(d.text), "count", strconv.Itoa(l.count)))
		d.edit(l.list.inner, l.list.inner, l.added)
	}
}

// everywhere are the built-in number formats that are the same in every language and
// country: a cell that gets one of the others changes with the machine that shows it.
var everywhere = []int{0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 45, 46, 47, 48, 49}

// numFmts are the number formats of a style sheet.
type numFmts struct {
	list   element
	exists bool
	byCode map[string]int
	taken  map[int]bool
	next   int
	added  []byte
	count  int
}

func newNumFmts(d *document, root element) *numFmts {
	n := &numFmts{byCode: make(map[string]int), taken: make(map[int]bool), next: 164}
	if n.list, n.exists = d.child(root, "numFmts"); !n.exists {
		n.list.prefix = root.prefix
		return n
	}
	for _, c := range d.children(n.list) {
		if c.local != "numFmt" {
			continue
		}
		n.count++
		id, err := strconv.Atoi(strings.TrimSpace(string(attribute(c.tag(d.text), "numFmtId"))))
		if err != nil {
			continue
		}
		// The reader takes the last of those with one id.
		n.taken[id] = true
		n.next = max(n.next, id+1)
		n.byCode[decoded(attribute(c.tag(d.text), "formatCode"))] = id
	}
	return n
}

// id gives the id of a code, adding it if there is none.
func (n *numFmts) id(code string) int {
	if id, ok := n.byCode[code]; ok {
		return id
	}
	for _, id := range everywhere {
		if c, _ := numfmt.Builtin(id); c == code && !n.taken[id] {
			return id
		}
	}
	id := n.next
	n.next++
	n.count++
	n.byCode[code] = id
	n.added = append(n.added, "<"+n.list.prefix+`numFmt numFmtId="`+strconv.Itoa(id)+`" formatCode="`...)
	n.added = emit.AppendAttribute(n.added, code)
	n.added = append(n.added, `"/>`...)
	return id
}

func (n *numFmts) save(d *document, root element) {
	if len(n.added) == 0 {
		return
	}
	added := n.added
	open, end := "<"+root.prefix+`numFmts count="`+strconv.Itoa(n.count)+`">`, "</"+root.prefix+"numFmts>"
	switch {
	case !n.exists: // it comes first in a style sheet
		d.edit(root.tagEnd, root.tagEnd, slices.Concat([]byte(open), added, []byte(end)))
	case n.list.empty:
		d.edit(n.list.from, n.list.to, slices.Concat([]byte(open), added, []byte(end)))
	default:
		d.edit(n.list.from, n.list.tagEnd, withAttribute(n.list.tag(d.text), "count", strconv.Itoa(n.count)))
		d.edit(n.list.inner, n.list.inner, added)
	}
}
