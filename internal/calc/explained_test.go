package calc

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The reasons for which formulas of the corpus give another value than Excel left in the file, by
// what stands in the line: the file, the formula or both values. The first that fits counts.
var missReasons = []struct{ file, text, reason string }{
	{"number_format.xlsm", "", "a function of the workbook's macros, or what reads it"},
	{"comments_stress_test", "Comment(", "a function of the workbook's macros"},
	{"metadata_2019", "_FV(", "a field of a data type of the web, which is not asked"},
	{"metadata_2019", "UNIQUE(", "#SPILL!, for which the file has #VALUE! with a rich value, which is not read"},
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
	{"ERROR.TYPE", "", "an error for which the file has #VALUE! with a rich value, which is not read"},
	{"T_VALUE_VALUETOTEXT", "VALUE(", "calculated by Excel in British English: the day before the month"},
	{"CalcChain", "", "written by another program without calculating"},
	{"dynamic_array01", "", "written by another program without calculating"},
	{"ConditionalFormattingSamples", "SUBTOTAL", "a row hidden by hand in a table with a filter, which here counts as hidden by it"},
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
