package structure

import "gridflow/internal/cell"

// span is a run of rows or columns, both ends included.
type span struct{ first, last int }

// lines is the insertion or deletion of rows or columns.
type lines struct {
	at, count int
	deletes   bool
	size      int // of a sheet
}

// place gives where a row or column is afterwards; false if it is gone.
func (l *lines) place(i int) (int, bool) {
	switch {
	case i < l.at:
		return i, true
	case !l.deletes:
		return i + l.count, i+l.count < l.size
	case i < l.at+l.count:
		return 0, false
	}
	return i - l.count, true
}

// span gives what is left of a run; false if that is nothing.
func (l *lines) span(s span) (span, bool) {
	if s.first == 0 && s.last == l.size-1 {
		return s, true // all of the sheet is so before and after
	}
	if !l.deletes {
		if s.first >= l.at {
			s.first += l.count
		}
		if s.last >= l.at {
			s.last = min(s.last+l.count, l.size-1)
		}
		return s, s.first <= s.last
	}
	end := l.at + l.count
	if s.first >= l.at && s.last < end {
		return span{}, false
	}
	if s.first >= l.at {
		s.first = max(s.first, end) - l.count
	}
	if s.last >= end {
		s.last -= l.count
	} else if s.last >= l.at {
		s.last = l.at - 1
	}
	return s, true
}

func rowsOf(r cell.Range) span { return span{r.First.Row, r.Last.Row} }
func colsOf(r cell.Range) span { return span{r.First.Col, r.Last.Col} }

func rangeOf(rows, cols span) cell.Range {
	return cell.Range{First: cell.Ref{Row: rows.first, Col: cols.first}, Last: cell.Ref{Row: rows.last, Col: cols.last}}
}
