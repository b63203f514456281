package calc

import (
	"gridflow/internal/calc/graph"
	"gridflow/internal/grid"
)

// SameNames reports whether the defined names of a workbook say what they do in m.
func (m *Model) SameNames(names []grid.Name) bool { return sameNames(m.words.in.Book.Names, names) }

func sameNames(a, b []grid.Name) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true // versions of a workbook share their list
	}
	for i := range a {
		if a[i].Sheet != b[i].Sheet || a[i].RefersTo != b[i].RefersTo || fold(a[i].Name) != fold(b[i].Name) {
			return false
		}
	}
	return true
}

// renamed reports whether one of some words, in upper case, is another defined name than it was, on any
// sheet: which of them a formula means goes by the sheet that it stands on.
func (w *words) renamed(was *words, list []string) bool {
	for _, word := range list {
		a, b := was.names[word], w.names[word]
		if len(a) != len(b) {
			return true
		}
		for i := range a {
			x, y := &was.in.Book.Names[a[i]], &w.in.Book.Names[b[i]]
			if x.Sheet != y.Sheet || x.RefersTo != y.RefersTo {
				return true
			}
		}
	}
	return false
}

// NameReaders gives the cells whose formula goes through a defined name that says something else in m
// than among names, or was not there, or is there no more. It is the names of an earlier version.
func (m *Model) NameReaders(names []grid.Name) []graph.Area {
	book := *m.words.in.Book
	book.Names = names
	was := &words{in: Input{Book: &book}, names: indexed(names)}
	var areas []graph.Area
	for s := range m.graph.Spans() {
		if p := programOf(s); p != nil && m.words.renamed(was, p.Names) {
			areas = append(areas, graph.Area{Sheet: s.Template.Sheet, Range: s.Area})
		}
	}
	return areas
}

// indexed gives the places of names in their list, by their folded form.
func indexed(names []grid.Name) map[string][]int {
	index := make(map[string][]int, len(names))
	for i := range names {
		key := fold(names[i].Name)
		index[key] = append(index[key], i)
	}
	return index
}
