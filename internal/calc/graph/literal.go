package graph

import (
	"slices"
	"strings"

	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Copies of a formula may differ in their literals (formula.Literals): such a literal is a
// parameter of the template, which has that of the copy that was met first. Where a cell has
// another one, it stands in a page of its column and band, beside the spans and not in them: a
// span that is cut or widened moves no literal, and one literal that changes is one page. What
// pages hold of cells without a formula, or behind the parameters of one, means nothing.

// Literals is a page: the literals of the formulas of one column in one band, as far as they differ
// from those of their templates. It is immutable. A nil one has none.
type Literals struct {
	numbers []column[float64]
	texts   []column[string]
}

// Number gives literal number i of the formula in a row of the band, if it is not that of the
// template.
func (l *Literals) Number(i, row int) (f float64, ok bool) {
	if l == nil || i >= len(l.numbers) {
		return 0, false
	}
	return l.numbers[i].at(row)
}

// Text does so for a text.
func (l *Literals) Text(i, row int) (s string, ok bool) {
	if l == nil || i >= len(l.texts) {
		return "", false
	}
	return l.texts[i].at(row)
}

// Numbers puts literal number i of the formulas from row first of the band on into out, where it
// is not that of the template.
func (l *Literals) Numbers(i, first int, out []float64) {
	if l == nil || i >= len(l.numbers) {
		return
	}
	c := &l.numbers[i]
	for k := c.find(first); k < len(c.rows); k++ {
		end := grid.BandRows
		if k+1 < len(c.rows) {
			end = int(c.rows[k+1] &^ own)
		}
		from, to := max(int(c.rows[k]&^own)-first, 0), min(end-first, len(out))
		if from >= len(out) {
			return
		}
		if f := c.values[k]; c.rows[k]&own != 0 {
			for j := from; j < to; j++ {
				out[j] = f
			}
		}
	}
}

// column is one literal of the formulas of a page, in runs of cells that have the same.
type column[T comparable] struct {
	rows   []uint16 // where the runs begin, the first in row 0; with own for those that are not the template's
	values []T
}

const own = 1 << 15

// find gives the run that a row lies in; a column without runs has none.
func (c *column[T]) find(row int) int {
	i, found := slices.BinarySearchFunc(c.rows, row, func(r uint16, row int) int { return int(r&^own) - row })
	if !found {
		i--
	}
	return max(i, 0)
}

func (c *column[T]) at(row int) (v T, ok bool) {
	if len(c.rows) == 0 {
		return v, false
	}
	i := c.find(row)
	return c.values[i], c.rows[i]&own != 0
}

// open is a column that is being written.
type open[T comparable] struct {
	used   bool
	own    [grid.BandRows]bool
	values [grid.BandRows]T
}

// begin unpacks a column.
func (o *open[T]) begin(c *column[T]) {
	*o = open[T]{used: true}
	for i, r := range c.rows {
		if r&own == 0 {
			continue
		}
		end := grid.BandRows
		if i+1 < len(c.rows) {
			end = int(c.rows[i+1] &^ own)
		}
		for row := int(r &^ own); row < end; row++ {
			o.own[row], o.values[row] = true, c.values[i]
		}
	}
}

// end packs it again.
func (o *open[T]) end() (c column[T]) {
	n, any := 0, false
	for row := range o.own {
		if row == 0 || o.own[row] != o.own[row-1] || o.values[row] != o.values[row-1] {
			n++
		}
		any = any || o.own[row]
	}
	if !any {
		return column[T]{}
	}
	c = column[T]{make([]uint16, 0, n), make([]T, 0, n)}
	for row := range o.own {
		if row == 0 || o.own[row] != o.own[row-1] || o.values[row] != o.values[row-1] {
			r := uint16(row)
			if o.own[row] {
				r |= own
			}
			c.rows, c.values = append(c.rows, r), append(c.values, o.values[row])
		}
	}
	return c
}

// literalColumn is the pages of a column, by band.
type literalColumn struct {
	col   int
	pages []literalPage
}

type literalPage struct {
	band int
	*Literals
}

// literalsOf gives the page of a column and band, nil where there is none.
func (s *sheet) literalsOf(col, band int) *Literals {
	i, ok := slices.BinarySearchFunc(s.literals, col, func(c *literalColumn, col int) int { return c.col - col })
	if !ok {
		return nil
	}
	pages := s.literals[i].pages
	if i, ok = slices.BinarySearchFunc(pages, band, comparePages); !ok {
		return nil
	}
	return pages[i].Literals
}

func comparePages(p literalPage, band int) int { return p.band - band }

// Literals gives the literals of the formulas in one column of one band, nil where all are those of
// the templates.
func (g *Graph) Literals(sheet, col, band int) *Literals {
	if uint(sheet) >= uint(len(g.sheets)) {
		return nil
	}
	return g.sheets[sheet].literalsOf(col, band)
}

// literalBytes is about what pages keep alive.
func (s *sheet) literalBytes() (n int64) {
	for _, c := range s.literals {
		n += 40 + 16*int64(cap(c.pages))
		for _, p := range c.pages {
			n += 48 + 48*int64(len(p.numbers)+len(p.texts))
			for i := range p.numbers {
				n += 10 * int64(len(p.numbers[i].rows))
			}
			for i := range p.texts {
				n += 18 * int64(len(p.texts[i].rows))
				for _, s := range p.texts[i].values {
					n += int64(len(s))
				}
			}
		}
	}
	return n
}

// literalWriter writes the pages of a graph that is being made, one after another.
type literalWriter struct {
	g *Graph
	// owned are the columns that are the graph's own, and sheets those of which the list of columns is; nil
	// where all are.
	owned  map[*literalColumn]bool
	sheets map[int]bool

	sheet, col, band int // of the page
	page             Literals
	numbers          []*open[float64]
	texts            []*open[string]
	words            map[string]string // so that a text is kept once, and without the formula in which it stood
}

func newLiteralWriter(g *Graph) *literalWriter { return &literalWriter{g: g, sheet: -1} }

// put gives the formula of a cell its literals. tpl is those of its template.
func (w *literalWriter) put(sheet, col, row int, l, tpl *formula.Literals) {
	if band := row / grid.BandRows; sheet != w.sheet || col != w.col || band != w.band {
		w.finish()
		w.sheet, w.col, w.band = sheet, col, band
		if p := w.g.sheets[sheet].literalsOf(col, band); p != nil {
			w.page = *p
		}
	}
	row %= grid.BandRows
	for i, f := range l.Numbers {
		put(&w.numbers, w.page.numbers, i, row, f, f == tpl.Numbers[i])
	}
	for i, s := range l.Texts {
		same := s == tpl.Texts[i]
		if !same {
			s = w.word(s)
		}
		put(&w.texts, w.page.texts, i, row, s, same)
	}
}

// put gives literal i of the formula in a row a value, or makes it that of the template.
func put[T comparable](list *[]*open[T], there []column[T], i, row int, v T, same bool) {
	var c column[T]
	if i < len(there) {
		c = there[i]
	}
	if same && len(c.rows) == 0 && (i >= len(*list) || !(*list)[i].used) {
		return
	}
	for len(*list) <= i {
		*list = append(*list, new(open[T]))
	}
	o := (*list)[i]
	if !o.used {
		o.begin(&c)
	}
	if same {
		clear(o.values[row : row+1])
	} else {
		o.values[row] = v
	}
	o.own[row] = !same
}

// wordsMax bounds what a writer remembers.
const wordsMax = 1 << 14

func (w *literalWriter) word(s string) string {
	t, ok := w.words[s]
	if !ok {
		if w.words == nil || len(w.words) >= wordsMax {
			w.words = make(map[string]string)
		}
		t = strings.Clone(s)
		w.words[t] = t
	}
	return t
}

// finish puts the page into the graph.
func (w *literalWriter) finish() {
	if w.sheet < 0 {
		return
	}
	numbers, changed := packed(w.page.numbers, w.numbers)
	texts, too := packed(w.page.texts, w.texts)
	if changed || too {
		page := &Literals{numbers, texts}
		if len(numbers)+len(texts) == 0 {
			page = nil
		}
		w.set(page)
	}
	w.sheet, w.page = -1, Literals{}
}

// packed gives the columns of a page with those that were written, and whether there were any.
func packed[T comparable](there []column[T], written []*open[T]) (list []column[T], changed bool) {
	for i, o := range written {
		if !o.used {
			continue
		}
		if !changed {
			list, changed = slices.Clone(there), true
		}
		for len(list) <= i {
			list = append(list, column[T]{})
		}
		list[i] = o.end()
		o.used = false
	}
	if !changed {
		return there, false
	}
	for len(list) > 0 && len(list[len(list)-1].rows) == 0 {
		list = list[:len(list)-1]
	}
	return slices.Clip(list), true
}

// set puts a page into the graph, or with nil takes it out.
func (w *literalWriter) set(page *Literals) {
	s := &w.g.sheets[w.sheet]
	i, ok := slices.BinarySearchFunc(s.literals, w.col, func(c *literalColumn, col int) int { return c.col - col })
	if !ok && page == nil {
		return
	}
	if w.owned != nil && !w.sheets[w.sheet] {
		s.literals = slices.Clone(s.literals)
		w.sheets[w.sheet] = true
	}
	switch {
	case !ok:
		s.literals = slices.Insert(s.literals, i, &literalColumn{col: w.col})
	case w.owned != nil && !w.owned[s.literals[i]]:
		s.literals[i] = &literalColumn{w.col, slices.Clone(s.literals[i].pages)}
	}
	c := s.literals[i]
	if w.owned != nil {
		w.owned[c] = true
	}
	j, ok := slices.BinarySearchFunc(c.pages, w.band, comparePages)
	switch {
	case page == nil && ok:
		c.pages = slices.Delete(c.pages, j, j+1)
	case page == nil:
	case ok:
		c.pages[j].Literals = page
	default:
		c.pages = slices.Insert(c.pages, j, literalPage{w.band, page})
	}
	if len(c.pages) == 0 {
		s.literals = slices.Delete(s.literals, i, i+1)
	}
}
