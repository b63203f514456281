package analyze

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridflow/internal/cell"
)

// Header is the header rows of a range and the labels that they give its columns.
type Header struct {
	Row    int      // first header row, 0-based; means nothing while Rows is 0
	Rows   int      // 0, 1 or 2
	Labels []string // one for each column of the range
}

// headerWidthMax is the width above which no header row is looked for.
const headerWidthMax = 200

// FindHeader finds the header rows among the first three rows of r. A row that is as
// full as the one below it and holds nothing but different texts (years count as
// texts) is the header: the first such row wins. Where there is none, the rows are
// scored: texts count for, numbers and dates and what looks like a person's or a
// product's name count against, and the best row that is mostly texts wins, an earlier
// one where it is nearly as good. A second header row is joined where it is all texts above a
// row with numbers, and the first one leaves gaps that it fills.
//
// Without a header row the labels are the column letters.
func FindHeader(v View, r cell.Range) Header {
	if r.Cols() > headerWidthMax {
		return lettersOf(r)
	}
	var rows [5]headerRow
	n := min(len(rows), r.Rows())
	for i := range n {
		rows[i] = readHeaderRow(v, r, r.First.Row+i)
	}
	pick := -1
	for i := 0; i < min(3, n) && pick < 0; i++ {
		if rows[i].shaped(&rows[i+1]) {
			pick = i
		}
	}
	if pick < 0 {
		pick = bestScore(rows[:min(3, n)], r.Cols())
	}
	if pick < 0 {
		return lettersOf(r)
	}
	h := Header{Row: r.First.Row + pick, Rows: 1}
	if pick+2 < n && rows[pick].joins(&rows[pick+1], &rows[pick+2], v, r) {
		h.Rows = 2
	}
	h.Labels = HeaderLabels(v, r, h.Row, h.Rows)
	return h
}

// headerCell is what a cell counts as when rows are scored.
type headerCell uint8

const (
	headerBlank headerCell = iota
	headerText
	headerYear // a whole number in 1900…2100
	headerBool
	headerNumber
	headerDate
)

type headerRow struct {
	row      int
	cells    []headerCell
	filled   int
	texts    int // texts, years and logical values
	words    int // texts alone
	numbers  int
	dates    int
	distinct int
	longest  int
	score    float64
}

func readHeaderRow(v View, r cell.Range, row int) headerRow {
	h := headerRow{row: row, cells: make([]headerCell, r.Cols())}
	seen := make(map[string]bool)
	for c := range v.Cells(cell.Range{First: cell.Ref{Row: row, Col: r.First.Col}, Last: cell.Ref{Row: row, Col: r.Last.Col}}) {
		k := headerBlank
		switch v.KindOf(c) {
		case Text:
			s := c.Value.Text()
			k = headerText
			h.words++
			seen[strings.ToLower(s)] = true
			h.longest = max(h.longest, len(s))
			h.score -= textPenalty(s)
		case Bool:
			k = headerBool
			seen[c.Value.String()] = true
		case Number:
			k = headerNumber
			if f := c.Value.Number(); f >= 1900 && f <= 2100 && f == math.Trunc(f) {
				k = headerYear
				seen[c.Value.String()] = true
				h.score += 0.5
			}
		case Date:
			k = headerDate
		case Error:
			k = headerNumber
		}
		h.cells[c.Ref.Col-r.First.Col] = k
		switch k {
		case headerText, headerYear, headerBool:
			h.texts++
		case headerNumber:
			h.numbers++
		case headerDate:
			h.dates++
		}
	}
	h.filled = h.texts + h.numbers + h.dates
	h.distinct = len(seen)
	h.score += float64(h.texts) + 0.2*float64(h.distinct) - 0.3*float64(h.numbers) - float64(h.dates)
	return h
}

// textPenalty is what speaks against s as a header: length, the look of a name, and
// the look of an identifier.
func textPenalty(s string) (p float64) {
	if len(s) > 40 {
		return 1.5
	}
	var first rune
	lower, digit := false, false
	for i, c := range s {
		if i == 0 {
			first = c
		}
		lower = lower || unicode.IsLower(c)
		digit = digit || unicode.IsDigit(c)
	}
	if len(s) > 5 && unicode.IsUpper(first) && lower {
		p++
	}
	if len(s) > 3 && digit {
		p += 0.5
	}
	return p
}

// shaped reports whether h alone has the shape of a header above next.
func (h *headerRow) shaped(next *headerRow) bool {
	return h.words >= 2 && h.numbers == 0 && h.dates == 0 && h.words > h.filled/2 && !h.has(headerBool) &&
		h.distinct == h.texts && h.longest <= 40 && h.filled >= next.filled && next.filled > 0
}

func (h *headerRow) has(k headerCell) bool {
	for _, c := range h.cells {
		if c == k {
			return true
		}
	}
	return false
}

// bestScore gives the index of the row that scores best, or -1 where none is eligible.
func bestScore(rows []headerRow, width int) int {
	best, earliest := -1, -1
	for i := range rows {
		h := &rows[i]
		if h.texts < 1 || 2*h.texts <= h.filled && h.filled > 1 || width == 1 && h.score <= 1.5 {
			continue
		}
		if earliest < 0 {
			earliest = i
		}
		if best < 0 || h.score > rows[best].score {
			best = i
		}
	}
	if best >= 0 && rows[earliest].score >= rows[best].score-0.3 {
		return earliest
	}
	return best
}

// joins reports whether second is a second header row below h, with body below it.
func (h *headerRow) joins(second, body *headerRow, v View, r cell.Range) bool {
	if second.words < 1 || second.numbers > 0 || second.dates > 0 || second.score < 0.6*h.score && second.texts < h.texts {
		return false
	}
	contrast, gap := false, false
	for i, c := range second.cells {
		if c != headerText && c != headerYear {
			continue
		}
		contrast = contrast || body.cells[i] == headerNumber || body.cells[i] == headerDate
		gap = gap || h.cells[i] == headerBlank
	}
	if !gap {
		for _, m := range v.Layout.Merges {
			if m.First.Row == h.row && m.Last.Row == h.row && m.Cols() > 1 && r.Contains(m.First) {
				gap = true
				break
			}
		}
	}
	return contrast && gap
}

// labelMax bounds a label in bytes: it is written with every value below it.
const labelMax = 1000

func clipLabel(s string) string {
	if len(s) <= labelMax {
		return s
	}
	n := labelMax
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// HeaderLabels gives the labels that rows first … first+n-1 give the columns of r.
// Several rows are joined by " / ", an equal text not twice; a merged cell speaks for
// all of its columns where there are several rows. A column without text gets its
// letters.
func HeaderLabels(v View, r cell.Range, first, n int) []string {
	labels := make([]string, r.Cols())
	var spread map[cell.Ref]cell.Ref // of merged cells in the header rows
	if n > 1 {
		budget := int64(mergedMax)
		band := cell.Range{First: cell.Ref{Row: first, Col: r.First.Col}, Last: cell.Ref{Row: first + n - 1, Col: r.Last.Col}}
		for _, m := range v.Layout.Merges {
			m0 := m.First
			if m, ok := m.Intersect(band); ok {
				if budget -= m.Cells(); budget < 0 {
					break
				}
				if spread == nil {
					spread = make(map[cell.Ref]cell.Ref)
				}
				for row := m.First.Row; row <= m.Last.Row; row++ {
					for col := m.First.Col; col <= m.Last.Col; col++ {
						spread[cell.Ref{Row: row, Col: col}] = m0
					}
				}
			}
		}
	}
	for i := range labels {
		var parts []string
		for row := first; row < first+n; row++ {
			at := cell.Ref{Row: row, Col: r.First.Col + i}
			if m, ok := spread[at]; ok {
				at = m
			}
			c, _ := v.At(at)
			text := strings.TrimSpace(v.Shown(c))
			if text != "" && (len(parts) == 0 || parts[len(parts)-1] != text) {
				parts = append(parts, text)
			}
		}
		for j := range parts {
			parts[j] = clipLabel(parts[j])
		}
		labels[i] = clipLabel(strings.Join(parts, " / "))
		if labels[i] == "" {
			labels[i] = cell.ColumnName(r.First.Col + i)
		}
	}
	return labels
}

// UniqueLabels gives labels in which every one is different: the second "Total"
// becomes "Total_2".
func UniqueLabels(labels []string) []string {
	taken := make(map[string]bool, len(labels))
	for _, l := range labels {
		taken[l] = true
	}
	out := make([]string, len(labels))
	count := make(map[string]int)
	for i, l := range labels {
		count[l]++
		out[i] = l
		for n := count[l]; count[l] > 1; n++ {
			if out[i] = l + "_" + strconv.Itoa(n); !taken[out[i]] {
				taken[out[i]] = true
				count[l] = n
				break
			}
		}
	}
	return out
}

// lettersOf is the header of a range without header rows.
func lettersOf(r cell.Range) Header {
	labels := make([]string, min(r.Cols(), cell.MaxCols))
	for i := range labels {
		labels[i] = cell.ColumnName(r.First.Col + i)
	}
	return Header{Labels: labels}
}
