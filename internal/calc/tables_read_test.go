package calc

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
)

// tsv gives the fields of the lines of a table without its heading.
func tsv(text string, fields int) (rows [][]string) {
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
		f := strings.Split(line, "\t")
		if i > 0 && len(f) == fields {
			rows = append(rows, f)
		}
	}
	return rows
}

func readExcelize(text string) (rows []row) {
	for _, f := range tsv(text, 4) {
		r := row{group: f[0], formulas: []string{strings.TrimPrefix(f[1], "=")}, want: f[2], tolerance: 1e-9}
		if f[3] == "error" && !isErrorText(r.want) {
			r.skip = "an error that is a sentence of the program"
		}
		rows = append(rows, r)
	}
	return rows
}

var (
	decimalComma = regexp.MustCompile(`\d,\d+e`)
	addressDot   = regexp.MustCompile(`^Sheet\d\.\$?A`)
)

func readLibreOffice(text string) (rows []row) {
	for _, f := range tsv(text, 8) {
		r := row{group: strings.TrimSuffix(f[0], ".fods"), formulas: []string{strings.TrimPrefix(strings.TrimPrefix(f[4], "{"), "=")}, want: f[7], tolerance: 1e-9}
		r.formulas[0] = strings.TrimSuffix(r.formulas[0], "}=")
		if f[5] == "error" || strings.HasPrefix(f[7], "Err:") || f[7] == "error" {
			r.want = anyError // the codes are those of LibreOffice
		}
		switch {
		case f[5] == "date" || f[5] == "time" || f[5] == "":
			r.skip = "a date or time as a text, or no value"
		case f[7] == "" && (f[5] != "string" || f[6] != ""):
			r.skip = "no expected value"
		case decimalComma.MatchString(f[7]) || strings.Contains(f[7], "'.") || addressDot.MatchString(f[7]):
			r.skip = "a number or an address as another locale or program writes it"
		case strings.ContainsAny(f[4], ";") && !strings.Contains(f[4], "{"):
			r.skip = "no formula of Excel: separators of another locale, syntax of another program, or cut off"
		}
		if r.want == anyError && f[5] != "error" {
			r.skip = "an error is expected and not given there"
		}
		if f[5] == "boolean" && (f[7] == "1" || f[7] == "0") {
			r.want = map[string]string{"1": "TRUE", "0": "FALSE"}[f[7]]
		}
		rows = append(rows, r)
	}
	return rows
}

func readIronCalc(text string) (rows []row) {
	for _, f := range tsv(text, 4) {
		var sets, wants [][2]string
		if json.Unmarshal([]byte(f[2]), &sets) != nil || json.Unmarshal([]byte(f[3]), &wants) != nil {
			continue
		}
		for _, w := range wants {
			r := row{group: f[1], sets: sets, formulas: []string{w[0]}, want: w[1], tolerance: 1e-8}
			for _, s := range sets {
				if s[0] == w[0] && strings.HasPrefix(s[1], "=") {
					r.group = s[1]
				}
			}
			switch {
			case w[1] == "#ERROR!":
				r.skip = "the error of a parser"
			case strings.Contains(f[1], "locale") || strings.Contains(f[0], "locale") || strings.Contains(f[0], "language"):
				r.skip = "another locale"
			case slices.ContainsFunc([]string{"insert", "delete", "move", "clear", "undo", "writing", "cse", "swap"}, func(s string) bool { return strings.Contains(f[1], s) }):
				r.skip = "edits between, or an array formula, which the table does not say"
			case strings.Contains(w[0], "!"):
				r.skip = "a sheet that the table does not have"
			case strings.ContainsAny(w[1], "$€%/:") && !isErrorText(w[1]):
				r.skip = "a value as formatted"
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func readFormualizer(text string) (rows []row) {
	for _, f := range tsv(text, 4) {
		r := row{group: f[0], formulas: []string{strings.TrimPrefix(f[1], "=")}, tolerance: 1e-9}
		var grid map[string]any
		if json.Unmarshal([]byte(f[3]), &grid) == nil {
			for _, at := range sorted(grid) {
				r.sets = append(r.sets, [2]string{at, fmt.Sprint(grid[at])})
			}
		}
		var want any
		if json.Unmarshal([]byte(f[2]), &want) != nil {
			want = f[2]
		}
		if text, ok := want.(string); ok && (strings.HasPrefix(text, "[[") || strings.HasPrefix(text, `"[[`)) {
			text, _ = strings.CutPrefix(text, `"`)
			text = strings.ReplaceAll(strings.TrimSuffix(text, `"`), `\"`, `"`)
			if json.Unmarshal([]byte(text), &want) != nil {
				r.skip = "no expected value"
			}
		}
		switch v := want.(type) {
		case []any:
			r.want = arrayText(v)
		case string:
			r.want = v
		default:
			r.want = fmt.Sprint(want)
		}
		if strings.HasPrefix(r.want, "{") && !strings.Contains(r.want, `"`) && strings.ContainsAny(r.want, "ABC") || strings.HasPrefix(r.want, "Pivot table") {
			r.skip = "a value in words"
		}
		if r.want == "" || r.want == "null" || r.want == "<nil>" {
			r.skip = "no expected value"
		}
		rows = append(rows, r)
	}
	return rows
}

func sorted(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	for i := range keys {
		for j := i; j > 0 && keys[j] < keys[j-1]; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

// literalOf writes a value of JSON as a formula has it; ok is false for what it cannot have.
func literalOf(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case bool:
		return strings.ToUpper(strconv.FormatBool(v)), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case json.Number:
		return v.String(), true
	case string:
		if _, ok := cell.ParseError(v); ok {
			return v, true
		}
		return `"` + strings.ReplaceAll(v, `"`, `""`) + `"`, true
	}
	return "", false
}

// arrayText writes an array of JSON as the tables do here.
func arrayText(v any) string {
	list, ok := v.([]any)
	if !ok {
		s, _ := literalOf(v)
		return s
	}
	var rows []string
	for _, r := range list {
		cols, ok := r.([]any)
		if !ok {
			cols = []any{r}
		}
		var texts []string
		for _, c := range cols {
			s, _ := literalOf(c)
			if s == "" {
				s = `""`
			}
			texts = append(texts, s)
		}
		sep := ","
		rows = append(rows, strings.Join(texts, sep))
	}
	if _, nested := list[0].([]any); !nested {
		return "{" + strings.Join(rows, ",") + "}"
	}
	return "{" + strings.Join(rows, ";") + "}"
}

// call makes the forms of a call with arguments: arrays stand in cells, single values are
// written out in one form and stand in cells in the other. column is the first free one.
func call(name string, args []any) (sets [][2]string, formulas []string, ok bool) {
	var direct, inCells []string
	col := 0
	put := func(row, col int, v any) {
		at := cell.Ref{Row: row, Col: col}.String()
		switch v := v.(type) {
		case nil:
		case string:
			if _, isErr := cell.ParseError(v); isErr {
				sets = append(sets, [2]string{at, v})
			} else {
				sets = append(sets, [2]string{at, "'" + v})
			}
		default:
			s, _ := literalOf(v)
			sets = append(sets, [2]string{at, s})
		}
	}
	for _, a := range args {
		list, isList := a.([]any)
		if !isList {
			lit, fits := literalOf(a)
			if !fits {
				return nil, nil, false
			}
			if s, isText := a.(string); isText && (strings.HasPrefix(s, "=") || strings.HasPrefix(s, `"`)) {
				return nil, nil, false
			}
			direct = append(direct, lit)
			if a == nil {
				inCells = append(inCells, cell.Ref{Row: 90, Col: col}.String())
			} else {
				put(90, col, a)
				inCells = append(inCells, cell.Ref{Row: 90, Col: col}.String())
			}
			col++
			continue
		}
		rows, cols := len(list), 1
		if rows == 0 {
			return nil, nil, false
		}
		nested := false
		for i, r := range list {
			if line, is := r.([]any); is {
				nested = true
				cols = max(cols, len(line))
				for j, v := range line {
					if _, deep := v.([]any); deep {
						return nil, nil, false
					}
					put(i, col+j, v)
				}
			}
		}
		if !nested {
			for i, v := range list {
				put(i, col, v)
			}
		}
		rng := cell.Range{First: cell.Ref{Row: 0, Col: col}, Last: cell.Ref{Row: rows - 1, Col: col + cols - 1}}.String()
		direct, inCells = append(direct, rng), append(inCells, rng)
		col += cols
	}
	formulas = []string{name + "(" + strings.Join(direct, ",") + ")"}
	if len(args) > 0 {
		formulas = append(formulas, name+"("+strings.Join(inCells, ",")+")")
		if len(sets) == 0 {
			sets = append(sets, [2]string{"XFD1048576", "0"})
		}
	}
	return sets, formulas, true
}

// functionNames are the names of functions without points, as file names have them.
func functionNames() map[string]string {
	m := map[string]string{}
	for _, f := range fn.All() {
		short := strings.ReplaceAll(f.Name, ".", "")
		if m[short] == "" || fn.Find(short) == nil {
			m[short] = f.Name
		}
		if fn.Find(short) != nil {
			m[short] = short
		}
	}
	return m
}

func readPHP(text string) (rows []row) {
	names := functionNames()
	for line := range strings.Lines(text) {
		var x struct {
			File string `json:"file"`
			Row  []any  `json:"row"`
		}
		if json.Unmarshal([]byte(line), &x) != nil || len(x.Row) == 0 {
			rows = append(rows, row{skip: "cut off, or no row"})
			continue
		}
		r := row{group: x.File, tolerance: 1e-9}
		parts := strings.Split(x.File, "/")
		name := names[parts[len(parts)-1]]
		first, isText := x.Row[0].(string)
		want := x.Row[0]
		switch {
		case x.File == "CalculationBinaryComparisonOperation" && len(x.Row) == 3:
			r.formulas, want = []string{strings.TrimPrefix(fmt.Sprint(x.Row[0]), "=")}, x.Row[1]
		case name == "INDIRECT" || name == "OFFSET":
			r.skip = "refers to cells or names that the table does not have"
		case name == "SEQUENCE" || strings.Contains(line, "<object>") || isText && (first == "incomplete" || strings.HasPrefix(first, "Y-")):
			r.skip = "arguments in a form of its own, or on a sheet that the table does not have"
		case len(parts) != 3 || parts[0] != "Calculation" || name == "":
			r.skip = "no test of one function of Excel: styles, dates of PHP, other programs' modes"
		case isText && (first == "exception" || strings.Contains(first, `\Exception`)):
			r.skip = "an exception of PHP"
		default:
			if isText && strings.HasPrefix(first, "#") && !isErrorText(first) {
				r.skip = "an error of PHP"
				break
			}
			args := x.Row[1:]
			if len(args) == 1 {
				list, isList := args[0].([]any)
				raw, isText := args[0].(string)
				switch {
				case isList && (parts[1] == "Financial" || parts[1] == "TextData"):
					args = list // the arguments in one
				case isText && parts[1] == "MathTrig": // the arguments as a formula has them
					if raw == "null" {
						r.skip = "arguments in a form of its own, or on a sheet that the table does not have"
					}
					r.formulas = []string{name + "(" + raw + ")"}
				}
			}
			if r.formulas != nil {
				break
			}
			sets, formulas, ok := call(name, args)
			if !ok {
				r.skip = "arguments in a form of its own, or on a sheet that the table does not have"
				break
			}
			r.sets, r.formulas = sets, formulas
		}
		switch v := want.(type) {
		case []any:
			if len(v) == 0 {
				r.skip = "no expected value"
				break
			}
			r.want, r.anyOf = arrayText(v), true
		case string:
			r.want = v
		case nil:
			r.skip = "no expected value"
		default:
			var ok bool
			if r.want, ok = literalOf(v); !ok {
				r.skip = "no expected value"
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func readFormulaJS(text string) (rows []row) {
	for _, f := range tsv(text, 4) {
		r := row{group: f[0], tolerance: 1e-9}
		args, ok := jsValues(f[2])
		want, okWant := f[3], true
		switch {
		case strings.HasPrefix(want, "error."):
			code := strings.TrimRight(strings.TrimPrefix(want, "error."), ")")
			r.want = map[string]string{"value": "#VALUE!", "num": "#NUM!", "na": "#N/A", "div0": "#DIV/0!", "ref": "#REF!", "name": "#NAME?", "nil": "#NULL!"}[code]
			okWant = r.want != ""
		default:
			var list []any
			if list, okWant = jsValues(want); !okWant || len(list) == 0 || len(list) > 2 {
				okWant = false
				break
			}
			if len(list) == 2 {
				r.tolerance, okWant = list[1].(float64)
				if okWant {
					r.tolerance = max(r.tolerance, 1e-9)
				}
			}
			switch v := list[0].(type) {
			case []any:
				if okWant = len(v) > 0; okWant {
					r.want, r.anyOf = arrayText(v), true
				}
			case string:
				r.want = v
			default:
				r.want, _ = literalOf(v)
			}
		}
		name := functionNames()[strings.ReplaceAll(f[1], ".", "")]
		if fn.Find(f[1]) != nil {
			name = f[1]
		}
		switch {
		case !ok || !okWant:
			r.skip = "an expression of JavaScript"
		case name == "":
			r.skip = "a function that Excel does not have"
		default:
			var made bool
			if r.sets, r.formulas, made = call(name, args); !made {
				r.skip = "arguments in a form of its own, or on a sheet that the table does not have"
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// jsValues reads a list of literals of JavaScript.
func jsValues(s string) ([]any, bool) {
	s = strings.TrimSpace(s)
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\'' || c == '"':
			end := i + 1
			for end < len(s) && s[end] != c {
				if s[end] == '\\' {
					return nil, false
				}
				end++
			}
			if end >= len(s) {
				return nil, false
			}
			q, _ := json.Marshal(s[i+1 : end])
			b.Write(q)
			i = end
		case strings.HasPrefix(s[i:], "undefined"):
			b.WriteString("null")
			i += len("undefined") - 1
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(']')
	var list []any
	if json.Unmarshal([]byte(b.String()), &list) != nil {
		return nil, false
	}
	return list, true
}
