package fn

import (
	"path"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// What formulas can ask of a cell and of the program that calculates them.
var cellFunctions = []Function{
	{Name: "CELL", Category: Information, Params: "text ref?", Since: 2007, Volatile: true, Eval: cellInfo},
	{Name: "INFO", Category: Information, Params: "text", Since: 2007, Volatile: true, Eval: info},
}

// cellInfo is CELL. Without a reference it tells of the formula's own cell: which cell was
// changed last, as Excel would then have it, is no property of a workbook.
func cellInfo(c *Context, a Args) Value {
	area := Area{Sheet: c.Sheet, Range: cell.Range{First: c.At, Last: c.At}}
	if a.Given(1) {
		area = a[1].Ref().Areas[0]
	}
	sheet, at := area.Sheet, area.Range.First
	format := c.Book.Format(sheet, at)
	switch strings.ToLower(a[0].Str()) {
	case "address":
		s := absolute(at)
		if area.Sheet != c.Sheet {
			name := c.Book.SheetName(sheet)
			if _, file := folderAndFile(c.Book.FileName()); file != "" {
				name = "[" + file + "]" + name
			}
			s = quoteSheet(name) + "!" + s
		}
		return Text(s)
	case "col":
		return Num(float64(at.Col + 1))
	case "color":
		return flag(format.Color(cell.NumberValue(-1)) != 0)
	case "contents":
		return Scalar(c.Book.Value(sheet, at))
	case "filename":
		folder, file := folderAndFile(c.Book.FileName())
		if file == "" {
			return Text("")
		}
		return Text(folder + "[" + file + "]" + c.Book.SheetName(sheet))
	case "format":
		return Text(formatLetter(format))
	case "parentheses":
		shown := string(format.AppendNumber(nil, 1, c.Dates))
		return flag(strings.Contains(shown, "("))
	case "row":
		return Num(float64(at.Row + 1))
	case "type":
		switch c.Book.Value(sheet, at).Kind() {
		case cell.Blank:
			return Text("b")
		case cell.Text:
			return Text("l")
		}
		return Text("v")
	case "prefix", "protect", "width":
		return c.Fail(cell.ErrNA, "a calculation does not know the alignment, the protection or the width of a cell")
	}
	return c.Fail(cell.ErrValue, "CELL knows no such information")
}

// folderAndFile cuts a file name as Excel on Windows shows it; the folder ends in a
// backslash.
func folderAndFile(name string) (folder, file string) {
	folder, file = path.Split(strings.ReplaceAll(name, `\`, "/"))
	return strings.ReplaceAll(folder, "/", `\`), file
}

func flag(b bool) Value {
	if b {
		return Num(1)
	}
	return Num(0)
}

// absolute writes an address with its dollar signs.
func absolute(at cell.Ref) string {
	b := cell.AppendColumn([]byte{'$'}, at.Col)
	return string(cell.AppendNumber(append(b, '$'), float64(at.Row+1)))
}

// formatLetter names a number format as CELL("format") does: a letter for its kind and
// the number of decimals, - for a colour and () for parentheses.
func formatLetter(f *numfmt.Format) string {
	if f == nil || f.Kind() == numfmt.General && f.Code() != "@" || f.Kind() == numfmt.Text {
		return "G"
	}
	code := strings.ToLower(f.Code())
	first, _, _ := strings.Cut(code, ";")
	decimals := 0
	if _, after, ok := strings.Cut(first, "."); ok {
		decimals = len(after) - len(strings.TrimLeft(after, "0#?"))
	}
	var s string
	switch f.Kind() {
	case numfmt.Date, numfmt.Datetime, numfmt.Time, numfmt.Duration:
		return dateLetter(first, f.Kind())
	case numfmt.Percent:
		s = "P"
	case numfmt.Scientific:
		s = "S"
	case numfmt.Currency:
		s = "C"
	case numfmt.Fraction:
		return "G"
	default:
		if s = "F"; strings.Contains(first, ",") {
			s = ","
		}
	}
	s += string(rune('0' + min(decimals, 9)))
	if f.Color(cell.NumberValue(-1)) != 0 {
		s += "-"
	}
	if strings.Contains(first, "(") {
		s += "()"
	}
	return s
}

// dateLetter tells date formats apart by the parts they have.
func dateLetter(code string, kind numfmt.Kind) string {
	has := func(s string) bool { return strings.Contains(code, s) }
	if kind == numfmt.Time || kind == numfmt.Duration {
		half, seconds := has("am/pm") || has("a/p"), has("s")
		switch {
		case half && seconds:
			return "D6"
		case half:
			return "D7"
		case seconds:
			return "D8"
		}
		return "D9"
	}
	named := has("mmm")
	switch {
	case has("d") && has("y") && named:
		return "D1"
	case has("d") && named:
		return "D2"
	case has("y") && named:
		return "D3"
	case has("d") && has("y"):
		return "D4"
	case has("d"):
		return "D5"
	}
	return "G"
}

// info is INFO. What it tells of is Excel on Windows, the program that workbooks with
// this function were made for.
func info(c *Context, a Args) Value {
	switch strings.ToLower(a[0].Str()) {
	case "directory":
		folder, _ := folderAndFile(c.Book.FileName())
		return Text(folder)
	case "numfile":
		return Num(float64(c.Book.Sheets()))
	case "origin":
		return Text("$A:$A$1")
	case "osversion":
		return Text("Windows (64-bit) NT 10.00")
	case "recalc":
		return Text("Automatic")
	case "release":
		return Text("16.0")
	case "system":
		return Text("pcdos")
	case "memavail", "memused", "totmem":
		return c.Fail(cell.ErrNA, "Excel does not tell of memory any more")
	}
	return c.Fail(cell.ErrValue, "INFO knows no such information")
}
