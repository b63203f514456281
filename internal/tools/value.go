package tools

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// values writes the values of one workbook's cells in the forms that results have. It
// is immutable.
type values struct {
	styles *grid.Styles
	dates  numfmt.DateSystem
}

func valuesOf(snap *book.Snapshot) values {
	wb := snap.Workbook()
	return values{wb.Styles, wb.Dates}
}

// kind gives the kind of c as results name it; a date is a number whose format shows
// one. It is "" for blank cells.
func (w values) kind(c grid.Cell) string {
	switch c.Value.Kind() {
	case cell.Number:
		if w.isDate(c) {
			return "Date"
		}
		return "Number"
	case cell.Text:
		return "Text"
	case cell.Bool:
		return "Bool"
	case cell.Error:
		return "Error"
	}
	return ""
}

// isDate reports whether c is a number that its format shows as a point in time or a
// length of time, and that is one in the workbook's date system.
func (w values) isDate(c grid.Cell) bool {
	if c.Value.Kind() != cell.Number {
		return false
	}
	f := w.styles.Format(c.Style)
	if f == nil || !f.IsDate() {
		return false
	}
	if f.Kind() == numfmt.Duration {
		return true
	}
	_, _, _, _, _, _, _, ok := numfmt.FromSerial(c.Value.Number(), w.dates)
	return ok
}

// appendDate writes a date in ISO 8601: a day where it has no time of day, a time
// where its format shows only that, and otherwise both.
func (w values) appendDate(b []byte, c grid.Cell) []byte {
	serial := c.Value.Number()
	kind := w.styles.Format(c.Style).Kind()
	if kind != numfmt.Duration && (kind != numfmt.Time || serial >= 1) {
		kind = numfmt.General // a day, with the time of day if there is any
	}
	return numfmt.AppendISO(b, serial, w.dates, kind)
}

// appendPlain writes the value of c without quotes or escapes.
func (w values) appendPlain(b []byte, c grid.Cell) []byte {
	if w.isDate(c) {
		return w.appendDate(b, c)
	}
	return c.Value.Append(b)
}

// clipped gives the value of c as appendPlain writes it, in n bytes at most.
func (w values) clipped(c grid.Cell, n int) string {
	if c.Value.Kind() == cell.Text {
		return strings.Clone(clip(c.Value.Text(), n))
	}
	return clip(string(w.appendPlain(nil, c)), n)
}

// appendPrimitive writes the value of c as a JSON string, number, boolean or null.
func (w values) appendPrimitive(b []byte, c grid.Cell) []byte {
	switch c.Value.Kind() {
	case cell.Blank:
		return append(b, "null"...)
	case cell.Number:
		if !w.isDate(c) {
			return cell.AppendNumber(b, c.Value.Number())
		}
		b = append(b, '"')
		return append(w.appendDate(b, c), '"')
	case cell.Bool:
		if c.Value.Bool() {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case cell.Text:
		return appendQuoted(b, c.Value.Text())
	}
	b = append(b, '"')
	return append(c.Value.Append(b), '"')
}

// appendTyped writes the value of c as {"kind":…,"value":…}, or null.
func (w values) appendTyped(b []byte, c grid.Cell) []byte {
	kind := w.kind(c)
	if kind == "" {
		return append(b, "null"...)
	}
	b = append(b, `{"kind":"`...)
	b = append(b, kind...)
	b = append(b, `","value":`...)
	b = w.appendPrimitive(b, c)
	return append(b, '}')
}

// typed is a cell value in a result: {"kind":…,"value":…}.
type typed struct {
	w values
	c grid.Cell
}

func (t *typed) appendJSON(b []byte) []byte {
	if t.c.Value.IsBlank() {
		return b
	}
	return t.w.appendTyped(b, t.c)
}

// typed gives the value of c for a result, nil where it is blank.
func (w values) typed(c grid.Cell) *typed {
	if c.Value.IsBlank() {
		return nil
	}
	return &typed{w, c}
}

// appendField writes the value of c as one field of a text line, escaped by
// appendEscaped. A text that could be read
// as something else (a number, date, boolean, error, formula or nothing) has an
// apostrophe before it, as one types it in Excel.
func (w values) appendField(b []byte, c grid.Cell) []byte { return w.appendFieldOf(b, &c) }

// appendFieldOf is appendField without the copies, for long loops.
func (w *values) appendFieldOf(b []byte, c *grid.Cell) []byte {
	switch c.Value.Kind() {
	case cell.Number:
		if f := w.styles.Format(c.Style); f != nil && f.IsDate() {
			return w.appendDate(b, *c) // or the plain number, if it is no date
		}
		return cell.AppendNumber(b, c.Value.Number())
	case cell.Text:
		start := len(b)
		b = appendEscaped(b, c.Value.Text())
		if looksTyped(b[start:]) {
			b = append(b, 0)
			copy(b[start+1:], b[start:])
			b[start] = '\''
		}
		return b
	}
	return c.Value.Append(b)
}

// looksTyped reports whether the text s, bare, would be taken for another type.
func looksTyped(s []byte) bool {
	if len(s) == 0 {
		return true
	}
	switch c := s[0]; {
	case c == '\'' || c == '=':
		return true
	case c == '#':
		_, ok := cell.ParseError(string(s))
		return ok
	case c|0x20 == 't':
		return len(s) == 4 && strings.EqualFold(string(s), "true")
	case c|0x20 == 'f':
		return len(s) == 5 && strings.EqualFold(string(s), "false")
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		digits := false
		for _, c := range s {
			switch {
			case c >= '0' && c <= '9':
				digits = true
			case strings.IndexByte("+-.:eETZ", c) < 0:
				return false
			}
		}
		return digits
	}
	return false
}

// appendEscaped writes s on one line, with nothing left out: tab, line ends and backslash
// as \t, \n, \r and \\, and what would not be seen, or would change how its surroundings
// are seen, as \u202E, or \U000E0041 where it needs more digits.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '\\' {
			i++
			continue
		}
		n := 1
		var with string
		switch {
		case c == '\t':
			with = `\t`
		case c == '\n':
			with = `\n`
		case c == '\r':
			with = `\r`
		case c == '\\':
			with = `\\`
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			n = size
			if !invisible(r) && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
			if with = "\ufffd"; r != utf8.RuneError { // bytes that are no character become one
				with = escapeOf(r)
			}
		default:
			with = escapeOf(rune(c))
		}
		b = append(b, s[start:i]...)
		b = append(b, with...)
		i += n
		start = i
	}
	return append(b, s[start:]...)
}

func escapeOf(r rune) string {
	if r > 0xFFFF {
		return fmt.Sprintf(`\U%08X`, r)
	}
	return fmt.Sprintf(`\u%04X`, r)
}

// plain is s on one line, for texts that people and models read.
func plain(s string) string { return string(appendEscaped(nil, s)) }

// seen is [plain] of a text that has names quoted in it already: its backslashes stay as they are.
func seen(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || invisible(r) }) {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for _, r := range s {
		if r == '\\' {
			b = append(b, '\\')
		} else {
			b = appendEscaped(b, string(r))
		}
	}
	return string(b)
}

// invisible reports whether r controls how text is shown rather than being text, or is not
// seen at all: the C1 controls, those that reorder or hide what stands around them, fillers that look
// like blanks or like nothing, and those that can hold a message for a model: tags and supplementary
// variations. The joiners and variation selectors of emoji, of Indic scripts and of Mongolian are text.
func invisible(r rune) bool {
	switch {
	case r < 0xa0:
		return r >= 0x80
	case r < 0x2000:
		return r == 0xad || r == 0x34f || r == 0x61c || r == 0x115f || r == 0x1160 || r == 0x17b4 || r == 0x17b5 || r == 0x180e
	case r < 0x3000:
		return r == 0x200b || r == 0x200e || r == 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2060 && r <= 0x206f
	case r < 0x10000:
		return r == 0x3164 || r == 0xfeff || r == 0xffa0 || r >= 0xfff0 && r <= 0xfffb
	case r < 0xe0000:
		return r >= 0x1bca0 && r <= 0x1bca3 || r >= 0x1d173 && r <= 0x1d17a
	}
	return r <= 0xe0fff
}

// appendCSV writes the value of c as a field of RFC 4180.
func (w values) appendCSV(b []byte, c grid.Cell) []byte {
	if c.Value.Kind() == cell.Text {
		return appendCSVText(b, c.Value.Text())
	}
	return w.appendPlain(b, c)
}

// appendCSVText keeps every character, as CSV has no escapes; what is not seen is in quotes.
func appendCSVText(b []byte, s string) []byte {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == ',' || r == '"' || r == 0x7f || invisible(r) }) {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}

// snapshotCell is a cell with all its details, as the JSON shapes show it.
type snapshotCell struct {
	Address      string   `json:"address"`
	Value        *typed   `json:"value"`
	Formula      string   `json:"formula,omitempty"`
	CachedValue  *typed   `json:"cached_value"`
	NumberFormat string   `json:"number_format,omitempty"`
	StyleTags    []string `json:"style_tags"`
}

// sayGeneral names the format that goes without saying in all profiles but compat.
func (s *snapshotCell) sayGeneral() {
	if s.NumberFormat == "" {
		s.NumberFormat = "General"
	}
}

func (w values) snapshot(sheet *grid.Sheet, c grid.Cell, formulas, styles bool) snapshotCell {
	s := snapshotCell{Address: c.Ref.String(), Value: w.typed(c)}
	if formulas {
		if s.Formula = book.FormulaText(sheet, c); s.Formula != "" {
			s.CachedValue = s.Value
		}
	}
	if styles {
		if f := w.styles.Format(c.Style); f != nil && f.Code() != "" && !strings.EqualFold(f.Code(), "General") {
			s.NumberFormat = f.Code()
		}
		s.StyleTags = styleTags(w.styles, c.Style)
	}
	return s
}
