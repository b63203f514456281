package book

// Which row of one sheet is which row of another, where rows were inserted or deleted in
// between: rows of equal content are matched as lines of a text are, by what is unique first
// (patience diff, Bram Cohen), then by the longest common subsequence where that is small.
// Content is values and formulas in relative form, so that a formula which moved is still itself.
//
// An alignment that explains no more rows than "each row is where it was" is not used: a
// row counts as inserted or deleted only where rows below it moved.

import (
	"cmp"
	"slices"

	"gridflow/internal/cell"
)

// contentRow is a row with stored cells and the hash of what is in it, 0 for blank ones.
type contentRow struct {
	row  int
	hash uint64
}

// block says that n rows from old on are the n rows from new on.
type block struct{ old, new, n int }

// alignment is blocks in ascending order. They cover the sheet up to its last row; rows
// between two blocks were deleted or inserted.
type alignment []block

// inPlace is the alignment in which every row is where it was.
var inPlace = alignment{{0, 0, cell.MaxRows}}

// inverse gives which row of the earlier state is which of the later one.
func (al alignment) inverse() alignment {
	back := make(alignment, len(al))
	for i, b := range al {
		back[i] = block{b.new, b.old, b.n}
	}
	return back
}

// row gives the row that row old became; ok is false where it was deleted.
func (al alignment) row(old int) (now int, ok bool) {
	i, found := slices.BinarySearchFunc(al, old, func(b block, old int) int { return cmp.Compare(b.old, old) })
	if !found {
		if i == 0 {
			return 0, false
		}
		i--
	}
	b := al[i]
	return old - b.old + b.new, old < b.old+b.n
}

// The bounds on work that goes by the product of two numbers of rows.
const (
	maxLCS   = 1 << 20 // pairs of rows that one longest common subsequence looks at
	maxLCSes = 1 << 24 // and all of them
	maxGap   = 1 << 12 // pairs of rows whose cells are compared
	maxDepth = 32      // searches for unique rows inside one another
)

// matcher finds the rows that are the same.
type matcher struct {
	found []match
	lcs   int // pairs of rows that were looked at
}

// match is the numbers of two rows that are the same, in the lists of contentRows.
type match struct{ old, new int }

// alignRows aligns two sheets by their rows with content, which ascend. alike tells how much
// two rows that differ have in common; it is asked for a bounded number of them.
func alignRows(old, new []contentRow, alike func(old, new int) int) alignment {
	var m matcher
	m.rows(old, new, 0, 0, 0)
	matches := m.found
	// Rows that are in their place: both lists ascend by row.
	still := 0
	for i, k := 0, 0; i < len(old) && k < len(new); {
		switch {
		case old[i].row < new[k].row:
			i++
		case old[i].row > new[k].row:
			k++
		default:
			if old[i].hash == new[k].hash {
				still++
			}
			i++
			k++
		}
	}
	if still >= len(matches) {
		return inPlace
	}
	var al alignment
	o, n := 0, 0 // the next rows that are in no block
	for _, m := range matches {
		before, after := old[m.old].row-o, new[m.new].row-n
		al = al.gap(o, before, n, after, alike)
		o, n = o+before, n+after
		al = al.add(block{o, n, 1})
		o++
		n++
	}
	return al.add(block{o, n, cell.MaxRows - max(o, n)})
}

// add adds a block behind all others.
func (al alignment) add(b block) alignment {
	if b.n == 0 {
		return al
	}
	if k := len(al) - 1; k >= 0 && al[k].old+al[k].n == b.old && al[k].new+al[k].n == b.new {
		al[k].n += b.n
		return al
	}
	return append(al, b)
}

// gap adds blocks for rows between two matches, none of which has its equal on the other
// side. As many on both sides are the same rows, modified; else those that have most in
// common are.
func (al alignment) gap(old, olds, new, news int, alike func(old, new int) int) alignment {
	if olds == news {
		return al.add(block{old, new, olds})
	}
	if olds == 0 || news == 0 {
		return al
	}
	if olds*news > maxGap {
		return al.add(block{old, new, min(olds, news)})
	}
	// best[i*w+k] is the most that rows from i and from k on have in common.
	w := news + 1
	best := make([]int, (olds+1)*w)
	score := make([]int, olds*news)
	for i := olds - 1; i >= 0; i-- {
		for k := news - 1; k >= 0; k-- {
			s := alike(old+i, new+k)
			score[i*news+k] = s
			best[i*w+k] = max(best[(i+1)*w+k], best[i*w+k+1], s+best[(i+1)*w+k+1])
		}
	}
	for i, k := 0, 0; i < olds && k < news; {
		s := score[i*news+k]
		switch {
		case s > 0 && best[i*w+k] == s+best[(i+1)*w+k+1]:
			al = al.add(block{old + i, new + k, 1})
			i++
			k++
		case best[i*w+k] == best[(i+1)*w+k]:
			i++
		default:
			k++
		}
	}
	return al
}

// rows finds the rows that are the same, in order. fromOld and fromNew are the numbers of the
// first rows of old and new.
func (m *matcher) rows(old, new []contentRow, fromOld, fromNew, depth int) {
	n := 0
	for n < len(old) && n < len(new) && old[n].hash == new[n].hash {
		m.found = append(m.found, match{fromOld + n, fromNew + n})
		n++
	}
	old, new, fromOld, fromNew = old[n:], new[n:], fromOld+n, fromNew+n
	n = 0
	for n < len(old) && n < len(new) && old[len(old)-1-n].hash == new[len(new)-1-n].hash {
		n++
	}
	tailOld, tailNew := len(old)-n, len(new)-n
	m.middle(old[:tailOld], new[:tailNew], fromOld, fromNew, depth)
	for i := range n {
		m.found = append(m.found, match{fromOld + tailOld + i, fromNew + tailNew + i})
	}
}

// middle is rows for lists of which the first rows differ, and the last.
func (m *matcher) middle(old, new []contentRow, fromOld, fromNew, depth int) {
	if len(old) == 0 || len(new) == 0 || depth > maxDepth {
		return
	}
	anchors := uniqueMatches(old, new)
	if len(anchors) == 0 {
		m.longestCommon(old, new, fromOld, fromNew)
		return
	}
	o, n := 0, 0
	for _, a := range anchors {
		m.rows(old[o:a.old], new[n:a.new], fromOld+o, fromNew+n, depth+1)
		m.found = append(m.found, match{fromOld + a.old, fromNew + a.new})
		o, n = a.old+1, a.new+1
	}
	m.rows(old[o:], new[n:], fromOld+o, fromNew+n, depth+1)
}

// uniqueMatches gives the longest ascending sequence of rows whose content is in old once and
// in new once.
func uniqueMatches(old, new []contentRow) []match {
	type seen struct{ olds, news, old, new int }
	rows := make(map[uint64]seen, len(old))
	for i, r := range old {
		s := rows[r.hash]
		s.olds, s.old = s.olds+1, i
		rows[r.hash] = s
	}
	for i, r := range new {
		if s, ok := rows[r.hash]; ok {
			s.news, s.new = s.news+1, i
			rows[r.hash] = s
		}
	}
	var pairs []match
	for i, r := range old {
		if s := rows[r.hash]; s.olds == 1 && s.news == 1 && r.hash != 0 {
			pairs = append(pairs, match{i, s.new})
		}
	}
	return ascending(pairs)
}

// ascending gives the longest subsequence of pairs, which ascend by old, that ascends by new
// too (patience sorting).
func ascending(pairs []match) []match {
	var piles []int // for each length, the pair that ends the sequence with the lowest new
	before := make([]int, len(pairs))
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(piles, p.new, func(k, new int) int { return cmp.Compare(pairs[k].new, new) })
		before[i] = -1
		if n > 0 {
			before[i] = piles[n-1]
		}
		if n == len(piles) {
			piles = append(piles, i)
		} else {
			piles[n] = i
		}
	}
	if len(piles) == 0 {
		return nil
	}
	longest := make([]match, len(piles))
	for i, k := len(piles)-1, piles[len(piles)-1]; i >= 0; i-- {
		longest[i] = pairs[k]
		k = before[k]
	}
	return longest
}

// longestCommon finds a longest common subsequence, or nothing where that is too much work.
func (m *matcher) longestCommon(old, new []contentRow, fromOld, fromNew int) {
	pairs := len(old) * len(new)
	if pairs > maxLCS || m.lcs+pairs > maxLCSes {
		return
	}
	m.lcs += pairs
	w := len(new) + 1
	best := make([]int32, (len(old)+1)*w)
	for i := len(old) - 1; i >= 0; i-- {
		for k := len(new) - 1; k >= 0; k-- {
			if old[i].hash == new[k].hash {
				best[i*w+k] = best[(i+1)*w+k+1] + 1
			} else {
				best[i*w+k] = max(best[(i+1)*w+k], best[i*w+k+1])
			}
		}
	}
	for i, k := 0, 0; i < len(old) && k < len(new); {
		switch {
		case old[i].hash == new[k].hash:
			m.found = append(m.found, match{fromOld + i, fromNew + k})
			i++
			k++
		case best[(i+1)*w+k] >= best[i*w+k+1]:
			i++
		default:
			k++
		}
	}
}
