package analyze

import (
	"context"
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// SheetClass is what a sheet as a whole seems to be for.
type SheetClass uint8

// The classes of sheet, in the order in which they are good places to start reading.
const (
	DataSheet SheetClass = iota
	MixedSheet
	CalculatorSheet
	MetadataSheet
	EmptySheet
)

// String gives the word for the class: "data", "mixed", "calculator", "metadata" or
// "empty".
func (c SheetClass) String() string {
	return [...]string{"data", "mixed", "calculator", "metadata", "empty"}[c]
}

// Classify tells what a sheet is for from its counts alone, without reading a cell.
func Classify(v View) SheetClass {
	filled := v.FilledCells()
	if filled == 0 {
		return EmptySheet
	}
	f := ratio(v.FormulaCells(), filled)
	rows, cols := Extent(v.Sheet)
	switch {
	case f > 0.7:
		return CalculatorSheet
	case f > 0.2:
		return MixedSheet
	case rows < 5, cols < 3, len(v.Layout.Comments) > 10:
		return MetadataSheet
	}
	return DataSheet
}

// Extent is the number of rows and columns from A1 to the last stored cell.
func Extent(s *grid.Sheet) (rows, cols int) {
	used, ok := s.Used()
	if !ok {
		return 0, 0
	}
	return used.Last.Row + 1, used.Last.Col + 1
}

// Narrative describes a sheet in one sentence.
func Narrative(v View) string {
	rows, cols := Extent(v.Sheet)
	return fmt.Sprintf("%s sheet with %d rows, %d columns, %.0f%% formulas", Classify(v), rows, cols, 100*ratio(v.FormulaCells(), v.FilledCells()))
}

// describe fills in all of r but its bounds. extent is the sheet's last cell.
func (r *Region) describe(ctx context.Context, v View, extent cell.Ref) error {
	counts, err := v.Count(ctx, r.Bounds)
	if err != nil {
		return err
	}
	r.Counts = counts
	r.KeyValue = keyValue(v, r.Bounds)
	if r.KeyValue {
		r.Header = lettersOf(r.Bounds)
	} else {
		r.Header = FindHeader(v, r.Bounds)
	}
	r.Kind = r.classify(extent)
	r.Confidence = r.confidence()
	return nil
}

// classify tells what the region is for; the first rule that fits counts.
func (r *Region) classify(extent cell.Ref) RegionKind {
	c := r.Counts
	height, width := r.Bounds.Rows(), r.Bounds.Cols()
	formulas, texts := c.FormulaRatio(), c.TextRatio()
	toBottom := extent.Row - r.Bounds.Last.Row
	switch {
	case formulas > 0.25 && r.inOutputsBand(extent):
		return OutputsRegion
	case formulas > 0.55:
		return CalculatorRegion
	case height <= 3 && width <= 4 && texts > 0.5 && toBottom <= 3:
		return MetadataRegion
	case r.KeyValue:
		return ParametersRegion
	case formulas < 0.25 && c.Numbers+c.Dates > 0 && c.Texts > 0 && texts >= 0.3 && (width <= 2 || width <= 3 && r.Header.Rows == 0):
		return ParametersRegion
	case height <= 4 && width <= 6 && formulas < 0.2 && texts > 0.4 && c.Density() < 0.5:
		return MetadataRegion
	}
	return DataRegion
}

// inOutputsBand reports whether the region lies where models put their results: low
// and flat at the bottom, or narrow at the right edge, of a sheet that is not tiny.
func (r *Region) inOutputsBand(extent cell.Ref) bool {
	b := r.Bounds
	if b.First == (cell.Ref{}) || extent.Row < 10 && extent.Col < 6 {
		return false
	}
	return b.Rows() <= 6 && extent.Row-b.Last.Row <= 6 || b.Cols() <= 6 && extent.Col-b.Last.Col <= 3
}

func (r *Region) confidence() float64 {
	c := 0.4 + min(0.2, 0.2*r.Counts.Density()) + min(0.2, 0.2*r.Counts.FormulaRatio())
	if r.Header.Rows > 0 {
		c += 0.2
	}
	if (r.Kind == ParametersRegion || r.Kind == MetadataRegion) && r.Bounds.Cols() <= 4 {
		c += 0.1
	}
	return math.Round(min(c, 1)*100) / 100
}

// How many rows the key-value test looks at: for pairs, and for which columns are dense.
const (
	pairRows  = 15
	denseRows = 20
)

// keyValue reports whether r is one or two lists of labels with a value beside each.
func keyValue(v View, r cell.Range) bool {
	width := r.Cols()
	if width < 2 || width > 6 {
		return false
	}
	if width == 2 {
		return isPairs(v, r, r.First.Col, r.Last.Col)
	}
	rows := min(r.Rows(), denseRows)
	enough := rows * 4 / 10
	var dense []int
	for col := r.First.Col; col <= r.Last.Col; col++ {
		n := 0
		for c := range v.Column(col, r.First.Row, r.First.Row+rows-1) {
			if v.KindOf(c) != Null {
				n++
			}
		}
		if n >= enough && n > 0 {
			dense = append(dense, col)
		}
	}
	switch len(dense) {
	case 2:
		return isPairs(v, r, dense[0], dense[1])
	case 4:
		return isPairs(v, r, dense[0], dense[1]) && isPairs(v, r, dense[2], dense[3])
	}
	return false
}

// isPairs reports whether the first rows of r hold labels in one column and values in
// another.
func isPairs(v View, r cell.Range, label, value int) bool {
	pairs, rows := 0, min(r.Rows(), pairRows)
	for row := r.First.Row; row < r.First.Row+rows; row++ {
		l, _ := v.At(cell.Ref{Row: row, Col: label})
		x, _ := v.At(cell.Ref{Row: row, Col: value})
		if v.KindOf(l) != Text || !labelText(l.Value.Text()) {
			continue
		}
		switch v.KindOf(x) {
		case Number, Date:
			pairs++
		case Text:
			if len(x.Value.Text()) > 2 {
				pairs++
			}
		}
	}
	return pairs >= 3 && float64(pairs) >= 0.3*float64(rows)
}

// labelText reports whether s reads like a label: short, with a letter and no digit.
func labelText(s string) bool {
	if utf8.RuneCountInString(s) > 25 {
		return false
	}
	letter := false
	for _, c := range s {
		if unicode.IsDigit(c) {
			return false
		}
		letter = letter || unicode.IsLetter(c)
	}
	return letter
}
