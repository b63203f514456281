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
	"gridflow/internal/formula"
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

// escape matches characters that a table has as a program's source does.
var escape = regexp.MustCompile(`\\\\?(t|n|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`)

// unescaped gives a text with the characters that its escapes stand for.
func unescaped(s string) string {
	return escape.ReplaceAllStringFunc(s, func(m string) string {
		m = strings.TrimLeft(m, `\`)
		switch m[0] {
		case 't':
			return "\t"
		case 'n':
			return "\n"
		}
		r, _ := strconv.ParseUint(m[1:], 16, 32)
		return string(rune(r))
	})
}

// calls are the calls of functions in a tree.
func calls(n *formula.Node) (list []*formula.Node) {
	if n == nil {
		return nil
	}
	if n.Kind == formula.Call {
		list = append(list, n)
	}
	for _, k := range n.Kids {
		list = append(list, calls(k)...)
	}
	return list
}

func readExcelize(text string) (rows []row) {
	for _, f := range tsv(text, 4) {
		text := unescaped(strings.TrimPrefix(f[1], "="))
		r := row{group: f[0], forms: []callForm{{formula: text}}, want: unescaped(f[2]), tolerance: 1e-9}
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
		text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(f[4], "{"), "="), "}=")
		r := row{group: strings.TrimSuffix(f[0], ".fods"), forms: []callForm{{formula: text}}, want: f[7], tolerance: 1e-9, boolIsNumber: true}
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
			r := row{group: f[1], forms: []callForm{{sets, w[0]}}, want: unescaped(w[1]), tolerance: 1e-8}
			for _, s := range sets {
				if s[1] == "=" {
					r.skip = "no formula of Excel: separators of another locale, syntax of another program, or cut off"
				}
				if s[0] == w[0] && strings.HasPrefix(s[1], "=") {
					r.group = s[1]
				}
			}
			switch {
			case w[1] == "#ERROR!":
				r.skip = "the error of a parser"
			case strings.Contains(f[1], "locale") || strings.Contains(f[0], "locale") || strings.Contains(f[0], "language"):
				r.skip = "another locale"
			case slices.ContainsFunc([]string{"insert", "delete", "move", "clear", "undo", "writing", "cse", "swap", "re_evaluate", "reenter", "cell_and_function", "range_criteria"}, func(s string) bool { return strings.Contains(f[1], s) }):
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
		var sets [][2]string
		var grid map[string]any
		if json.Unmarshal([]byte(f[3]), &grid) == nil {
			for _, at := range sorted(grid) {
				sets = append(sets, [2]string{at, fmt.Sprint(grid[at])})
			}
		}
		r := row{group: f[0], forms: []callForm{{sets, strings.TrimPrefix(f[1], "=")}}, tolerance: 1e-9}
		var want any
		if json.Unmarshal([]byte(strings.ReplaceAll(f[2], `\\"`, `\"`)), &want) != nil {
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

// elsewhere is a cell that no table has: sets are not empty where all arguments are single values.
var elsewhere = [2]string{"XFD1048576", "0"}

// call makes the forms of a call with arguments: lists stand in cells, single values are written out in
// one form and stand in cells in the other. A list that is not nested lies in no direction, so it stands
// in a column in some forms and in a row in others; and where the last arguments are null they are left
// empty in some forms and left out in others. A list's texts that begin with = are formulas, as they are
// where PhpSpreadsheet writes a list to a sheet.
func call(name string, args []any) (forms []callForm, ok bool) {
	least := 0
	if f := fn.Find(name); f != nil {
		p := f.Takes()
		least = p.Min
	}
	given := len(args)
	for given > least && args[given-1] == nil {
		given--
	}
	flat := slices.ContainsFunc(args, func(a any) bool {
		list, is := a.([]any)
		return is && len(list) > 1 && !slices.ContainsFunc(list, isList)
	})
	counts := slices.Compact([]int{len(args), given})
	for _, lying := range []bool{false, true} {
		if lying && !flat {
			break
		}
		for _, n := range counts {
			made, ok := callForms(name, args[:n], lying)
			if !ok {
				return nil, false
			}
			forms = append(forms, made...)
		}
	}
	return forms, true
}

func isList(v any) bool { _, is := v.([]any); return is }

// callForms makes the form with single values written out and the one with all in cells; lying says that
// lists that are not nested are rows.
func callForms(name string, args []any, lying bool) (forms []callForm, ok bool) {
	var sets [][2]string
	var direct, inCells []string
	col := 0
	put := func(row, col int, v any, single bool) {
		at := cell.Ref{Row: row, Col: col}.String()
		switch v := v.(type) {
		case nil:
		case string:
			_, isErr := cell.ParseError(v)
			if isErr || !single && len(v) > 1 && v[0] == '=' {
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
		list, is := a.([]any)
		if !is {
			lit, fits := literalOf(a)
			if !fits {
				return nil, false
			}
			if s, isText := a.(string); isText && (strings.HasPrefix(s, "=") || strings.HasPrefix(s, `"`)) {
				return nil, false
			}
			direct = append(direct, lit)
			put(90, col, a, true)
			inCells = append(inCells, cell.Ref{Row: 90, Col: col}.String())
			col++
			continue
		}
		if len(list) == 0 {
			return nil, false
		}
		nested := slices.ContainsFunc(list, isList)
		rows, cols := len(list), 1
		if !nested && lying {
			rows, cols = 1, len(list)
		}
		for i, r := range list {
			line, is := r.([]any)
			switch {
			case !nested && lying:
				put(0, col+i, r, false)
				continue
			case !is:
				line = []any{r}
			}
			cols = max(cols, len(line))
			for j, v := range line {
				if isList(v) {
					return nil, false
				}
				put(i, col+j, v, false)
			}
		}
		rng := cell.Range{First: cell.Ref{Row: 0, Col: col}, Last: cell.Ref{Row: rows - 1, Col: col + cols - 1}}.String()
		direct, inCells = append(direct, rng), append(inCells, rng)
		col += cols
	}
	if len(args) > 0 && len(sets) == 0 {
		sets = append(sets, elsewhere)
	}
	forms = []callForm{{sets, name + "(" + strings.Join(direct, ",") + ")"}}
	if len(args) > 0 {
		forms = append(forms, callForm{sets, name + "(" + strings.Join(inCells, ",") + ")"})
	}
	return forms, true
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

// phpDelta is how far from the expected number a result may be in the tests of PhpSpreadsheet, where that
// is not 1e-8 of it: the rows are written with that in mind (its BesselJTest.php and the like).
var phpDelta = map[string]float64{
	"BESSELI": 1e-8, "BESSELJ": 1e-8, "BESSELK": 1e-8, "BESSELY": 1e-8, "MDETERM": 1e-8, "TIMEVALUE": 1e-8, "XNPV": 1e-4,
}

// flattened gives the values of nested lists in one; what is no list as it is.
func flattened(v any) any {
	list, is := v.([]any)
	if !is {
		return v
	}
	var flat []any
	for _, x := range list {
		if inner, is := flattened(x).([]any); is {
			flat = append(flat, inner...)
		} else {
			flat = append(flat, x)
		}
	}
	return flat
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
		parts := strings.Split(x.File, "/")
		name := names[parts[len(parts)-1]]
		r := row{group: x.File, tolerance: 1e-8, delta: phpDelta[name]}
		if name == "XIRR" || name == "IRR" || name == "XNPV" {
			r.tolerance = 1e-6
		}
		first, isText := x.Row[0].(string)
		want := x.Row[0]
		switch {
		case x.File == "CalculationBinaryComparisonOperation" && len(x.Row) == 3:
			r.forms, want = []callForm{{formula: strings.TrimPrefix(fmt.Sprint(x.Row[0]), "=")}}, x.Row[1]
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
				case name == "IRR":
				case isList && (parts[1] == "Financial" || parts[1] == "TextData"):
					args = list // the arguments in one
				case isText && parts[1] == "MathTrig": // the arguments as a formula has them
					if raw == "null" {
						r.skip = "arguments in a form of its own, or on a sheet that the table does not have"
					}
					r.forms = []callForm{{formula: name + "(" + raw + ")"}}
				}
			}
			if r.forms != nil {
				break
			}
			if name == "XIRR" && len(args) == 3 && args[2] == "C1" {
				args[2] = nil // its test takes this text for the cell, which is empty
			}
			if name == "IRR" || name == "MIRR" {
				args = append([]any{flattened(args[0])}, args[1:]...) // one list of payments, whatever is nested
			}
			var made bool
			if r.forms, made = call(name, args); !made {
				r.skip = "arguments in a form of its own, or on a sheet that the table does not have"
			}
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
			if r.forms, made = call(name, args); !made {
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
