package calc

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/plain"
	"gridflow/internal/cell"
	"gridflow/internal/corpus"
	"gridflow/internal/formula"
)

// row is a formula of a table of expected results, with what the table's authors believe
// that it gives.
type row struct {
	group        string     // a file, a test or the formula, in the table
	forms        []callForm // of one call; the row agrees if one of them does
	want         string
	tolerance    float64 // as a part of the value
	delta        float64 // as a difference
	anyOf        bool    // an array lists what the table takes for right
	boolIsNumber bool    // the table's program has 1 for TRUE
	skip         string  // why the row is not evaluable
}

// callForm is a formula and the cells that it reads.
type callForm struct {
	sets    [][2]string // cells and what is typed into them, in order
	formula string
}

// expectedTables are the tables by file, with what reads them.
var expectedTables = []struct {
	name string
	read func(string) []row
}{
	{"phpspreadsheet_expected.jsonl", readPHP},
	{"libreoffice_functions.tsv", readLibreOffice},
	{"excelize_calc_tests.tsv", readExcelize},
	{"formulajs_tests.tsv", readFormulaJS},
	{"ironcalc_unit.tsv", readIronCalc},
	{"formualizer_doc_examples.tsv", readFormualizer},
}

// TestExpectedTables holds the functions to tables of results that the authors of other programs
// expect. Nobody says that they are right: where they differ from cells that Excel calculated, Excel
// is. testdata/disagreements.txt lists every row that is not met, with the reason that testdata/reasons.txt
// has for it; a row without one fails. The shares in testdata/tables.txt may rise and never fall.
func TestExpectedTables(t *testing.T) {
	t.Parallel()
	dir := corpus.Dir(t)
	var golden, list strings.Builder
	agrees, codes, all := 0, 0, 0
	reasons, verdicts := readReasons(t), map[string]int{}
	byCategory := map[string]*[2]int{}
	for _, table := range expectedTables {
		data, err := os.ReadFile(filepath.Join(dir, "_tables", table.name))
		if err != nil {
			t.Fatal(err)
		}
		skipped := map[string]int{}
		n, ok := 0, 0
		for _, r := range table.read(string(data)) {
			if r.skip == "" {
				r.skip = notEvaluable(r)
			}
			if r.skip != "" {
				skipped[r.skip]++
				continue
			}
			n++
			cat := categoryOf(r.forms[0].formula)
			if byCategory[cat] == nil {
				byCategory[cat] = new([2]int)
			}
			byCategory[cat][1]++
			got, wrong := r.run()
			if wrong == "" {
				ok++
				byCategory[cat][0]++
				continue
			}
			if kindOf(r, got) == otherError {
				codes++
			}
			line := fmt.Sprintf("%s\t%s\texpects %s\tgives %s", oneLine(r.group), oneLine(r.forms[0].formula), oneLine(r.want), oneLine(got))
			why := reasonFor(reasons, table.name, line)
			if why == nil {
				t.Errorf("testdata/reasons.txt does not say why: %s\t%s", table.name, line)
				continue
			}
			verdicts[why.verdict]++
			fmt.Fprintf(&list, "%s\t%s\t%s: %s\n", table.name, line, why.verdict, why.reason)
		}
		agrees, all = agrees+ok, all+n
		fmt.Fprintf(&golden, "%s\t%d\t%d\n", table.name, ok, n)
		t.Logf("%-32s %5d of %5d: %.2f %%", table.name, ok, n, 100*float64(ok)/float64(n))
		for _, why := range slices.Sorted(maps.Keys(skipped)) {
			t.Logf("    %5d not evaluable: %s", skipped[why], why)
			fmt.Fprintf(&golden, "\t%d\t%s\n", skipped[why], why)
		}
	}
	for _, cat := range slices.Sorted(maps.Keys(byCategory)) {
		fmt.Fprintf(&golden, "category %s\t%d\t%d\n", cat, byCategory[cat][0], byCategory[cat][1])
	}
	fmt.Fprintf(&golden, "an error, of whatever code\t%d\t%d\n", agrees+codes, all)
	fmt.Fprintf(&golden, "without what cells of Excel contradict\t%d\t%d\n", agrees, all-verdicts[byExcel])
	fmt.Fprintf(&golden, "with those that Excel or its description contradicts\t%d\t%d\n", agrees+verdicts[byExcel]+verdicts[byDocumentation], all)
	t.Logf("all %d of %d: %.2f %%; %.2f %% where an error is an error; %.2f %% without the rows that a cell of Excel's contradicts", agrees, all,
		100*float64(agrees)/float64(all), 100*float64(agrees+codes)/float64(all), 100*float64(agrees)/float64(all-verdicts[byExcel]))
	for _, v := range []string{byExcel, byDocumentation, byTable, undecided} {
		t.Logf("    %5d not met, decided by: %s", verdicts[v], v)
		fmt.Fprintf(&golden, "\t%d\tnot met, decided by: %s\n", verdicts[v], v)
	}
	for _, d := range reasons {
		if !d.used {
			t.Errorf("testdata/reasons.txt explains rows that are met: %q", d.text)
		}
	}
	if *update {
		writeGolden(t, "testdata/tables.txt", golden.String())
		writeGolden(t, "testdata/disagreements.txt", list.String())
		return
	}
	checkRates(t, "testdata/tables.txt", golden.String())
}

func writeGolden(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checkRates fails where fewer rows of a group agree than in the golden file.
func checkRates(t *testing.T, name, now string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	read := func(text string) map[string][2]int {
		m := map[string][2]int{}
		for line := range strings.Lines(text) {
			f := strings.Split(strings.TrimSpace(line), "\t")
			if len(f) == 3 {
				a, _ := strconv.Atoi(f[1])
				b, _ := strconv.Atoi(f[2])
				m[f[0]] = [2]int{a, b}
			}
		}
		return m
	}
	have := read(now)
	for group, was := range read(string(data)) {
		if have[group][0] < was[0] {
			t.Errorf("%s: %d rows agree, there were %d (go test ./internal/calc -run %s -update shows which)", group, have[group][0], was[0], t.Name())
		}
	}
}

// categoryOf gives the category of the outermost function of a formula.
func categoryOf(text string) string {
	name, _, ok := strings.Cut(strings.TrimPrefix(text, "="), "(")
	if f := fn.Find(strings.ToUpper(name)); ok && f != nil {
		return string(f.Category)
	}
	return "Operators"
}

// notEvaluable says by what rule a row cannot be evaluated.
func notEvaluable(r row) string {
	for _, f := range r.forms {
		if why := f.notEvaluable(r.want); why != "" {
			return why
		}
	}
	return ""
}

func (f callForm) notEvaluable(want string) string {
	set := map[cell.Ref]bool{}
	texts := []string{f.formula}
	for _, s := range f.sets {
		if at, ok := cell.ParseRef(s[0]); ok {
			set[at] = true
		}
		if len(s[1]) > 1 && s[1][0] == '=' {
			texts = append(texts, s[1][1:])
		}
	}
	if foreignDate.MatchString(f.formula) {
		return "a date as another locale or language has it"
	}
	if foreignNumber.MatchString(f.formula) || byteCount.MatchString(f.formula) {
		return "a number, or bytes of letters, as another locale has them"
	}
	for _, text := range texts {
		tree, err := formula.Parse(text)
		if err != nil {
			return "no formula of Excel: separators of another locale, syntax of another program, or cut off"
		}
		if why := refused(tree.Root, len(f.sets) == 0); why != "" {
			return why
		}
		for name := range formula.Functions(tree.Root) {
			if fn.Find(name) == nil && want != "#NAME?" {
				return "a function that Excel does not have"
			}
			switch name {
			case "RAND", "RANDBETWEEN", "RANDARRAY", "NOW", "TODAY", "CELL", "INFO":
				if !isErrorText(want) {
					return "depends on time, chance or the program"
				}
			}
		}
		if why := missingData(tree.Root, set); why != "" {
			return why
		}
	}
	return ""
}

// takesRanges are the functions whose ranges Excel does not let anybody write out.
var takesRanges = map[string]bool{"COUNTIF": true, "COUNTIFS": true, "AVERAGEIF": true, "AVERAGEIFS": true, "MAXIFS": true, "MINIFS": true}

// refused says whether Excel would not take a formula, or whether it asks where it stands or for
// cells by their text.
func refused(n *formula.Node, alone bool) string {
	if n == nil {
		return ""
	}
	if n.Kind == formula.Call {
		f := fn.Find(n.Function())
		if f != nil {
			p := f.Takes()
			if len(n.Kids) < p.Min || len(n.Kids) > p.Max {
				return "a number of arguments that Excel does not take"
			}
			for i, k := range n.Kids {
				shape := p.Shape(i)
				constant := k.Kind == formula.Number || k.Kind == formula.Text || k.Kind == formula.Array || k.Kind == formula.Logical
				if constant && (shape == fn.ShapeRef || shape == fn.ShapeRange && takesRanges[f.Name]) {
					return "a constant where Excel takes a reference only"
				}
			}
			if f.Offline() {
				return "asks the web, a cube or a server"
			}
			switch f.Name {
			case "ROW", "COLUMN", "SHEET", "SHEETS":
				if len(n.Kids) == 0 || alone {
					return "asks where it stands"
				}
			case "INDIRECT", "OFFSET", "ADDRESS", "FORMULATEXT", "ISFORMULA":
				if alone && f.Name != "ADDRESS" {
					return "refers to cells or names that the table does not have"
				}
			}
		}
	}
	for _, k := range n.Kids {
		if why := refused(k, alone); why != "" {
			return why
		}
	}
	return ""
}

var (
	// foreignDate matches texts with ordinals, with a day before the month, and with hyphens between day,
	// month and year, which PHP reads in that order.
	foreignDate = regexp.MustCompile(`\d(st|nd|rd|th)\b|"(1[3-9]|2\d|3[01])[-/.]\d|"\d\d?-\d\d?-\d{4}"`)
	// foreignNumber matches texts with a blank between thousands.
	foreignNumber = regexp.MustCompile(`"\d+ \d{3}\b`)
	// byteCount matches functions of bytes that are given letters of two bytes: only where the system's
	// language has such do they count for two.
	byteCount = regexp.MustCompile(`(LENB|LEFTB|RIGHTB|MIDB|FINDB|SEARCHB|REPLACEB)\([^)]*[^\x00-\x7f]`)
)

// missingData says whether a formula reads cells that the table does not give.
func missingData(n *formula.Node, set map[cell.Ref]bool) string {
	if n == nil {
		return ""
	}
	if n.Kind == formula.Ref && n.Ref != nil {
		if len(set) == 0 {
			return "refers to cells or names that the table does not have"
		}
		if n.Ref.Sheet() != "" || n.Ref.Kind == formula.NameRef || n.Ref.Kind == formula.TableRef {
			return "refers to cells or names that the table does not have"
		}
	}
	for _, k := range n.Kids {
		if why := missingData(k, set); why != "" {
			return why
		}
	}
	return ""
}

func oneLine(s string) string {
	return strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}

func isErrorText(s string) bool {
	_, ok := cell.ParseError(s)
	return ok || s == anyError
}

// anyError is what a table says of an error whose code is not one of Excel's.
const anyError = "an error"

// run evaluates a row and says what is wrong. got is what the first form gives.
func (r *row) run() (got, wrong string) {
	for i, f := range r.forms {
		b := plain.New("Sheet1", "Sheet2")
		for _, s := range f.sets {
			at, _ := cell.ParseRef(s[0])
			if strings.HasPrefix(s[1], "=") && len(s[1]) > 1 {
				if err := b.SetFormula(0, at, s[1], true, cell.Range{}); err != nil {
					b.Set(0, at, cell.TextValue(s[1]))
				}
				continue
			}
			if v := typed(s[1]); !v.IsBlank() {
				b.Set(0, at, v)
			}
		}
		b.Calculate()
		at, isRef := cell.ParseRef(f.formula)
		if isRef { // an empty cell is not 0
			v := fn.Scalar(b.Value(0, at))
			if r.agrees(v) {
				return "", ""
			}
			return showValue(v), showValue(v)
		}
		v, err := b.Ask(0, cell.Ref{Row: 499, Col: 60}, f.formula, true)
		if err != nil {
			return err.Error(), err.Error()
		}
		shown := showValue(v)
		if i == 0 {
			got = shown
		}
		if r.agrees(v) {
			return got, ""
		}
	}
	return got, got
}

// typed gives the value of what is typed into a cell.
func typed(s string) cell.Value {
	if strings.HasPrefix(s, "'") {
		return cell.TextValue(s[1:])
	}
	switch u := strings.ToUpper(s); {
	case s == "":
		return cell.Value{}
	case u == "TRUE" || u == "FALSE":
		return cell.BoolValue(u == "TRUE")
	case s[0] == '#':
		if e, ok := cell.ParseError(s); ok {
			return cell.ErrorValue(e)
		}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) && !strings.ContainsAny(s, "xXpP_") {
		return cell.NumberValue(f)
	}
	return cell.TextValue(s)
}

// showValue writes a value as the tables' expectations are written.
func showValue(v fn.Value) string {
	a := v.Array()
	if a == nil {
		return showScalar(v.Scalar())
	}
	var b strings.Builder
	b.WriteByte('{')
	for i := range a.Rows {
		for j := range a.Cols {
			switch {
			case j > 0:
				b.WriteByte(',')
			case i > 0:
				b.WriteByte(';')
			}
			b.WriteString(showScalar(a.At(i, j)))
		}
		if b.Len() > 300 {
			break
		}
	}
	return b.String() + "}"
}

func showScalar(v cell.Value) string {
	if v.Kind() == cell.Text {
		return `"` + strings.ReplaceAll(v.Text(), `"`, `""`) + `"`
	}
	return v.String()
}

// agrees compares a value with the one of the table. Tables give texts, and of most it is not
// known whether a number or a text was meant.
func (r *row) agrees(v fn.Value) bool {
	want := r.want
	if a := v.Array(); a != nil && (want == "" || want[0] != '{') {
		v = fn.Scalar(a.Cells[0])
	}
	if want != "" && want[0] == '{' && v.Array() == nil && r.anyOf {
		for _, one := range split(strings.Trim(want, "{}"), ',') {
			if differs(v, one) == "" {
				return true
			}
		}
		return false
	}
	if want != "" && want[0] == '{' && (v.Array() != nil || !strings.ContainsAny(want, ",;")) {
		want = strings.Trim(want, "{}")
		// A list of JavaScript or PHP lies in no direction.
		return differsArray(v, want, r.tolerance) == "" || r.anyOf && differsArray(v, strings.ReplaceAll(want, ",", ";"), r.tolerance) == ""
	}
	got := v.Scalar()
	switch {
	case want == anyError:
		return got.Kind() == cell.Error
	case got.Kind() == cell.Error:
		return got.String() == want
	case got.Kind() == cell.Number:
		f, err := strconv.ParseFloat(strings.Trim(want, `"`), 64)
		if err != nil && strings.HasSuffix(want, "%") {
			f, err = strconv.ParseFloat(strings.TrimSuffix(want, "%"), 64)
			f /= 100
		}
		return err == nil && (closeTo(got.Number(), f, r.tolerance, want) || math.Abs(got.Number()-f) <= r.delta)
	case got.IsBlank():
		return want == "" || want == "0" || want == `""`
	case got.Kind() == cell.Bool:
		return strings.EqualFold(got.String(), want) || r.boolIsNumber && want == map[bool]string{true: "1", false: "0"}[got.Bool()]
	}
	if want == `"`+got.Text()+`"` || want == got.Text() {
		return true
	}
	return sameComplex(got.Text(), strings.Trim(want, `"`), r.tolerance)
}

// closeTo compares numbers to a tolerance, and to as many digits as the table gives.
func closeTo(got, want, tolerance float64, text string) bool {
	d := math.Abs(got - want)
	if d <= tolerance*max(math.Abs(got), math.Abs(want)) || d <= 1e-14 {
		return true
	}
	text = strings.Trim(text, `"`)
	mantissa, exp, _ := strings.Cut(strings.ToLower(text), "e")
	_, frac, ok := strings.Cut(mantissa, ".")
	if !ok || len(frac) < 3 && len(mantissa) < 6 {
		return false
	}
	e, _ := strconv.Atoi(exp)
	return d <= 0.5000001*math.Pow(10, float64(e-len(frac)))
}

// sameComplex compares texts by the numbers in them.
func sameComplex(a, b string, tolerance float64) bool {
	x, restA := numbersIn(a)
	y, restB := numbersIn(b)
	if restA != restB || len(x) != len(y) || len(x) == 0 {
		return false
	}
	scale := 0.0
	for _, v := range y {
		scale = max(scale, math.Abs(v))
	}
	for i := range x {
		if math.Abs(x[i]-y[i]) > max(tolerance, 1e-12)*scale {
			return false
		}
	}
	return true
}

// numbersIn takes a text of the form of a complex number apart.
func numbersIn(s string) (list []float64, rest string) {
	for i := 0; i < len(s); {
		end := i
		for j := i + 1; j <= len(s); j++ {
			if _, err := strconv.ParseFloat(s[i:j], 64); err == nil && !strings.ContainsAny(s[i:j], "xXnNiIpP_") {
				end = j
			}
		}
		if end == i {
			rest += s[i : i+1]
			i++
			continue
		}
		f, _ := strconv.ParseFloat(s[i:end], 64)
		list = append(list, f)
		i = end
	}
	return list, strings.ReplaceAll(rest, "+", "")
}
