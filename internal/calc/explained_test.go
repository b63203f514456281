package calc

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// The reasons for which formulas of the corpus give another value than Excel left in the file, by
// what stands in the line: the file, the formula or both values. The first that fits counts.
var missReasons = []struct{ file, text, reason string }{
	{"number_format.xlsm", "", "a function of the workbook's macros, or what reads it"},
	{"comments_stress_test", "Comment(", "a function of the workbook's macros"},
	{"metadata_2019", "_FV(", "a field of a data type of the web, which is not asked"},
	{"", "CUBE", "a cube, to which nothing is connected"},
	{"", "GETPIVOTDATA", "the values of a pivot table are not calculated"},
	{"56737", "NR_", "a name of another workbook"},
	{"47813", "RADIANS", "next to a zero of sine or cosine: one last bit of the angle is all of the value"},
	{"", "XNPV", "next to zero, where rounding is all of the value"},
	{"", "NORM.INV(", "next to zero, where rounding is all of the value"},
	{"", "NORMINV(", "next to zero, where rounding is all of the value"},
	{"", "CHAR(C20)", "calculated by Excel for Mac, which has the letters of the Mac"},
	{"", "CODE(C21)", "calculated by Excel for Mac, which has the letters of the Mac"},
	{"", "PHONETIC", "calculated by Excel for Mac, which has no phonetic texts"},
	{"", "RANDARRAY", "chance"},
	{"T_VALUE_VALUETOTEXT", "VALUE(", "calculated by Excel in British English: the day before the month"},
	{"CalcChain", "", "written by another program without calculating"},
	{"dynamic_array01", "", "written by another program without calculating"},
	{"issue.2301", "", "values of cells that the formula reads were changed after Excel calculated it"},
	{"gantt_project_tracker", "", "depends on the day, by way of the dates on Tasks"},
}

// explained puts the reason behind each miss.
func explained(list string) string {
	lines := strings.Split(strings.TrimSpace(list), "\n")
	slices.Sort(lines)
	var b strings.Builder
	counts := map[string]int{}
	for _, line := range lines {
		if line == "" {
			continue
		}
		reason := missReason(line)
		counts[reason]++
		b.WriteString(line + "\t" + reason + "\n")
	}
	var head strings.Builder
	for _, r := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&head, "# %4d %s\n", counts[r], r)
	}
	return head.String() + b.String()
}

// unexplained is the reason of a miss that nobody has looked into.
const unexplained = "not explained yet"

func missReason(line string) string {
	for _, r := range missReasons {
		if strings.Contains(line, r.file) && strings.Contains(line, r.text) {
			return r.reason
		}
	}
	return unexplained
}

// The verdicts on rows of the tables of expected results that are not met: testdata/reasons.txt says what
// they mean.
const (
	byExcel         = "Excel"
	byDocumentation = "documentation"
	byTable         = "table"
	undecided       = "open"
)

// disagreement is a line of testdata/reasons.txt.
type disagreement struct {
	table, text string // what the table's name begins with and what a row holds
	verdict     string
	reason      string
	evidence    string // a row of testdata/functions that Excel calculated; only where the verdict is Excel's
	used        bool
}

func readReasons(t *testing.T) []*disagreement {
	t.Helper()
	data, err := os.ReadFile("testdata/reasons.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []*disagreement
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 5 || !slices.Contains([]string{byExcel, byDocumentation, byTable, undecided}, f[2]) || (f[2] == byExcel) != (f[4] != "") {
			t.Fatalf("testdata/reasons.txt: %q", line)
		}
		list = append(list, &disagreement{table: f[0], text: f[1], verdict: f[2], reason: f[3], evidence: f[4]})
	}
	return list
}

// reasonFor gives the first line that fits a row, or nil.
func reasonFor(list []*disagreement, table, line string) *disagreement {
	for _, d := range list {
		if strings.HasPrefix(table, d.table) && strings.Contains(line, d.text) {
			d.used = true
			return d
		}
	}
	return nil
}

// TestEvidence: what is said to be a cell that Excel calculated stands in a table of such.
func TestEvidence(t *testing.T) {
	files, err := filepath.Glob("testdata/functions/*_excel.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			rows[strings.TrimSpace(line)] = true
		}
	}
	for _, d := range readReasons(t) {
		if d.evidence != "" && !rows[d.evidence] {
			t.Errorf("%s: there is no row %q that Excel calculated", d.text, d.evidence)
		}
	}
}

// otherError is the kind of a row where both sides give an error, but not the same.
const otherError = "another error"

func kindOf(r row, got string) string {
	_, gotErr := cell.ParseError(got)
	wantErr := isErrorText(r.want)
	switch {
	case gotErr && wantErr:
		return otherError
	case gotErr:
		return "an error here"
	case wantErr:
		return "an error there"
	}
	g, err1 := strconv.ParseFloat(strings.Trim(got, `"`), 64)
	w, err2 := strconv.ParseFloat(strings.Trim(r.want, `"`), 64)
	if err1 == nil && err2 == nil && closeTo(g, w, 1e-5, "") {
		return "precision"
	}
	return "another value"
}
