package patch

import (
	"math"
	"slices"
	"strconv"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx/scan"
)

// rowList gives the rows of spans, which ascend and lie apart, one by one.
func rowList(spans *[]grid.RowSpan) (rows []int) {
	if spans == nil {
		return nil
	}
	for _, s := range *spans {
		for row := s.First; row <= s.Last; row++ {
			rows = append(rows, row)
		}
	}
	return rows
}

// rowIs gives what a row is to be; ok is false where it stays as it is.
func (e *sheetEditor) rowIs(row int) (r grid.RowSpan, ok bool) {
	i, found := slices.BinarySearchFunc(e.rows, row, func(s grid.RowSpan, row int) int {
		switch {
		case s.Last < row:
			return -1
		case s.First > row:
			return 1
		}
		return 0
	})
	if !found {
		return r, false
	}
	return e.rows[i], true
}

// rowAttributes are what a row says of itself, in the order of CT_Row, "" for what it does not say.
func rowAttributes(r grid.RowSpan) [7]struct{ name, value string } {
	flag := func(on bool) string {
		if on {
			return "1"
		}
		return ""
	}
	height, level, style := "", "", ""
	if r.HasStyle {
		style = itoa(int(r.Style))
	}
	if r.Height > 0 || r.Custom {
		height = decimal(r.Height)
	}
	if r.Outline > 0 {
		level = strconv.Itoa(int(r.Outline))
	}
	return [7]struct{ name, value string }{
		{"s", style}, {"customFormat", flag(r.HasStyle)}, {"ht", height}, {"hidden", flag(r.Hidden)}, {"customHeight", flag(r.Custom)}, {"outlineLevel", level}, {"collapsed", flag(r.Collapsed)},
	}
}

// sizeRow makes the edits of the start tag of a row that is there, attribute by attribute: others may make some of
// the same tag.
func (e *sheetEditor) sizeRow(row *scan.RowSpot, r grid.RowSpan) {
	list := scan.Attributes(row.Tag)
	last := scan.NameEnd(row.Tag)
	if n := len(list); n > 0 {
		last = list[n-1].To + 1
	}
	var added []byte
	formatted := slices.ContainsFunc(list, func(a scan.Attribute) bool { return string(a.Name) == "customFormat" && truth(a.Value) })
	for _, want := range rowAttributes(r) {
		if !r.HasStyle && !formatted && (want.name == "s" || want.name == "customFormat") {
			continue // a style that does not count stays
		}
		before := scan.NameEnd(row.Tag)
		found := false
		for _, a := range list {
			if string(a.Name) == want.name {
				found = true
				switch {
				case want.value == "":
					e.edit(row.From+int64(before), row.From+int64(a.To)+1, nil)
				case want.name == "ht" && parsed(a.Value) == r.Height, want.name != "ht" && string(a.Value) == want.value:
				default:
					e.edit(row.From+int64(a.From), row.From+int64(a.To), []byte(want.value))
				}
				break
			}
			before = a.To + 1
		}
		if !found && want.value != "" {
			added = append(added, " "+want.name+`="`+want.value+`"`...)
		}
	}
	if len(added) > 0 {
		e.edit(row.From+int64(last), row.From+int64(last), added)
	}
}

// rowTag gives the start tag of a new row, without its end.
func (e *sheetEditor) rowTag(row int) []byte {
	tag := []byte("<" + e.l.Prefix + `row r="` + strconv.Itoa(row+1) + `"`)
	if r, ok := e.rowIs(row); ok {
		for _, a := range rowAttributes(r) {
			if a.value != "" {
				tag = append(tag, " "+a.name+`="`+a.value+`"`...)
			}
		}
	}
	return tag
}

// parsed reads the number of an attribute, NaN where it is none.
func parsed(raw []byte) float64 {
	f, err := strconv.ParseFloat(decoded(raw), 64)
	if err != nil {
		return math.NaN()
	}
	return f
}

// outlines notes before the cells how deep rows and columns are grouped: without it Excel leaves no room for
// the lines and signs of groups.
func (e *sheetEditor) outlines(d *document, place func(string) (int, element, bool), rows, cols int) {
	at, old, there := place("sheetFormatPr")
	if !there {
		if rows == 0 && cols == 0 {
			return
		}
		old = element{from: at, tagEnd: at}
	}
	tag := []byte("<" + e.l.Prefix + `sheetFormatPr defaultRowHeight="15"/>`)
	if there {
		tag = slices.Clone(old.tag(d.text))
	}
	is := tag
	for _, a := range []struct {
		name string
		n    int
	}{{"outlineLevelRow", rows}, {"outlineLevelCol", cols}} {
		switch was := attribute(is, a.name); {
		case was == nil && a.n == 0, was != nil && parsed(was) == float64(a.n):
		case a.n == 0:
			is = withoutAttribute(is, a.name)
		default:
			is = withAttribute(is, a.name, itoa(a.n))
		}
	}
	if !there || string(is) != string(tag) {
		e.edit(int64(old.from), int64(old.tagEnd), is)
	}
}
