package book

import (
	"cmp"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// MaxMerges is how many merged ranges a sheet may have.
const MaxMerges = 1 << 19

var mergesPart = part{
	name:  "merges",
	given: func(o *Arrange) bool { return o.Merges != nil },
	check: (*Arrange).checkMerges,
	fits:  (*Arrange).mergesFit,
	apply: func(o *Arrange, l *grid.Layout) { l.Merges = slices.Clone(*o.Merges) },
	change: func(o *Arrange, was, is *grid.Layout) {
		if !slices.Equal(was.Merges, is.Merges) {
			list := Ranges(is.Merges)
			o.Merges = &list
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		if list := mergeMerges(base.Merges, onto.Merges, from.Merges, wins); !slices.Equal(list, onto.Merges) {
			o.Merges = (*Ranges)(&list)
		}
	},
}

func (o *Arrange) checkMerges() *Error {
	if len(*o.Merges) > MaxMerges {
		return errorf(TooMany, "", "there are more than %d merged ranges", MaxMerges)
	}
	for _, r := range *o.Merges {
		if !validRange(r) || r.Cells() < 2 {
			return errorf(BadLayout, "Merge two cells or more.", "%v cannot be a merged range", r)
		}
	}
	return nil
}

// validRange tells whether r lies in a worksheet and its corners stand the right way round.
func validRange(r cell.Range) bool {
	return r.First.Valid() && r.Last.Valid() && r.First.Row <= r.Last.Row && r.First.Col <= r.Last.Col
}

// mergesFit refuses merges that Excel knows none of: those that meet another, a table or an array formula.
// What the sheet has already is not asked.
func (o *Arrange) mergesFit(d *draft, index int, sheet *grid.Sheet) error {
	have := make(map[cell.Range]bool, len(sheet.Layout.Merges))
	for _, m := range sheet.Layout.Merges {
		have[m] = true
	}
	isNew := func(r cell.Range) bool { return !have[r] }
	if !slices.ContainsFunc(*o.Merges, isNew) {
		return nil
	}
	if a, b, meet := firstMeeting(*o.Merges, isNew); meet {
		return errorf(BadLayout, "Unmerge one of them first.", "the merged ranges %v and %v would share cells", a, b)
	}
	tables, err := d.next.Tables(d.ctx)
	if err != nil {
		return err
	}
	for _, r := range *o.Merges {
		if have[r] {
			continue
		}
		for i := range tables {
			if _, meet := tables[i].Range.Intersect(r); meet && tables[i].Sheet == index {
				return errorf(BadLayout, "Choose cells outside of the table.", "%v lies in table %q, in which no cells can be merged", r, tables[i].Name)
			}
		}
		for f := range sheet.Arrays(r) {
			if f.Kind != grid.DynamicArray {
				return errorf(BadLayout, "Clear the array formula first, or choose other cells.", "%v has cells of the array formula in %v, which cannot be merged", r, f.Range)
			}
		}
	}
	return nil
}

// firstMeeting finds two ranges of list that share cells and of which one is meant. It goes down the
// rows with those that have begun and not ended, ordered by column: they are apart unless two meet.
func firstMeeting(list []cell.Range, meant func(cell.Range) bool) (a, b cell.Range, found bool) {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b cell.Range) int {
		return a.First.Compare(b.First)
	})
	var open []cell.Range
	for _, r := range sorted {
		at, _ := slices.BinarySearchFunc(open, r, func(x, r cell.Range) int { return cmp.Compare(x.First.Col, r.First.Col) })
		from, to := at, at
		for from > 0 && open[from-1].Last.Col >= r.First.Col {
			from--
		}
		for to < len(open) && open[to].First.Col <= r.Last.Col {
			to++
		}
		for _, x := range open[from:to] {
			if _, meet := x.Intersect(r); meet && (meant(x) || meant(r)) {
				return x, r, true
			}
		}
		open = slices.Replace(open, from, to, r)
	}
	return a, b, false
}

// mergeMerges gives the merged ranges of onto with what from changed of base. Two that share cells and come
// of different sides cannot both be: those of onto stay, unless wins says that from has the say.
func mergeMerges(base, onto, from []cell.Range, wins bool) []cell.Range {
	list := mergeLists(base, onto, from, func(r cell.Range) cell.Range { return r }, func(a, b cell.Range) bool { return a == b }, wins)
	for {
		theirs := make(map[cell.Range]bool, len(onto))
		for _, r := range onto {
			theirs[r] = true
		}
		a, b, meet := firstMeeting(list, func(r cell.Range) bool { return !theirs[r] })
		if !meet {
			return list
		}
		goes := a
		if theirs[a] != wins {
			goes = b
		}
		list = slices.DeleteFunc(list, func(r cell.Range) bool { return r == goes })
	}
}

// mergeLists gives the entries of onto with what from changed of base: entries are of one thing where they
// have one key. What both changed stays as onto has it, unless wins says that from has the say. What is new comes
// last, in the order of from.
func mergeLists[T any, K comparable](base, onto, from []T, key func(T) K, same func(a, b T) bool, wins bool) []T {
	index := func(list []T) map[K]T {
		m := make(map[K]T, len(list))
		for _, x := range list {
			m[key(x)] = x
		}
		return m
	}
	was, to := index(base), index(from)
	there := make(map[K]bool, len(onto))
	var out []T
	for _, x := range onto {
		k := key(x)
		there[k] = true
		old, hadOld := was[k]
		now, hasNow := to[k]
		changed := hadOld != hasNow || hadOld && !same(old, now)
		clash := !hadOld || !same(old, x) // onto changed it as well
		switch {
		case !changed || clash && !wins:
			out = append(out, x)
		case hasNow:
			out = append(out, now)
		}
	}
	for _, x := range from {
		k := key(x)
		if there[k] {
			continue
		}
		old, hadOld := was[k]
		if !hadOld || wins && !same(old, x) { // else onto took it away, or nobody has it any more
			out = append(out, x)
			there[k] = true
		}
	}
	return out
}
