package calc

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
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

// The reasons for which rows of the tables of expected results are not met, by the function: what
// is known of Excel and other in the table.
var disagreeReasons = map[string]string{
	"BESSELI": "Excel has eight digits, and its cells agree with ours to the last bit", "BESSELJ": "Excel has eight digits, and its cells agree with ours to the last bit",
	"BESSELK": "Excel has eight digits, and its cells agree with ours to the last bit", "BESSELY": "Excel has eight digits, and its cells agree with ours to the last bit",
	"PERCENTRANK": "Excel cuts digits off, the table rounds", "PERCENTRANK.INC": "Excel cuts digits off, the table rounds", "PERCENTRANK.EXC": "Excel cuts digits off, the table rounds",
	"BINOM.INV": "Excel wants probabilities between 0 and 1, both excluded", "CRITBINOM": "Excel wants probabilities between 0 and 1, both excluded",
	"AMORLINC": "Excel does not know basis 2 here", "AMORDEGRC": "errors in another order",
	"MDURATION": "on a coupon date the basis counts for nothing in Excel", "YIELD": "the days of a period are counted as Excel's cells show", "PRICE": "the days of a period are counted as Excel's cells show",
	"INTRATE": "basis 1: the length of a year as Excel's cells show", "RECEIVED": "basis 1: the length of a year as Excel's cells show",
	"PRICEDISC": "30/360 days as Excel's cells show", "TBILLEQ": "more than half a year goes by Excel's second formula", "TBILLPRICE": "actual days, as Excel counts them", "TBILLYIELD": "actual days, as Excel counts them",
	"MOD": "Excel refuses a quotient that is too large", "POWER": "0^0 is #NUM! in Excel", "YEAR": "serial 0 is the year 1900 in Excel", "MONTH": "serial 0 is January 1900 in Excel", "DAY": "serial 60 is 29 February 1900 in Excel, serial 0 day 0",
	"COMBINA": "Excel gives 1 where nothing is chosen", "DATEVALUE": "the order of day and month, or the year of a date without one", "DATEDIF": "YD counts in the year in which the first date lies",
	"EUROCONVERT": "Excel rounds to the currency's digits, and knows the first twelve", "ISNUMBER": "TRUE is a logical value in Excel, not a number", "TYPE": "TRUE is a logical value in Excel, not a number",
	"CEILING": "of two negative numbers CEILING goes away from 0 in Excel", "FLOOR": "of two negative numbers FLOOR goes towards 0 in Excel",
	"T.DIST": "the third argument is whether to add up, not the number of tails", "BIN2HEX": "Excel writes capital digits", "OCT2HEX": "Excel writes capital digits",
	"SEC": "cosine of a right angle is not quite 0", "TAN": "cosine of a right angle is not quite 0", "CSC": "the sine of π is not quite 0", "COT": "the tangent of π is not quite 0",
	"SUMX2MY2": "Excel passes pairs over that are no numbers, and ranges of different sizes are #N/A", "SUMX2PY2": "Excel passes pairs over that are no numbers, and ranges of different sizes are #N/A", "SUMXMY2": "Excel passes pairs over that are no numbers, and ranges of different sizes are #N/A",
	"XIRR": "Excel stops at 1e-8; both are roots", "MAX": "a text among the arguments is #VALUE! in Excel", "MIN": "a text among the arguments is #VALUE! in Excel", "MAXA": "a text among the arguments is #VALUE! in Excel", "MINA": "a text among the arguments is #VALUE! in Excel",
	"STDEVA": "a text among the arguments is #VALUE! in Excel", "VARPA": "a text among the arguments is #VALUE! in Excel", "COUNTIF": "Excel takes no array instead of a range", "COUNTIFS": "Excel takes no array instead of a range", "AVERAGEIFS": "Excel takes no array instead of a range",
	"COLUMNS": "Excel takes any array", "ROWS": "Excel takes any array", "IMPOWER": "Excel goes by way of the polar form, with its last digits", "IMSQRT": "Excel goes by way of the polar form, with its last digits",
	"GAMMA": "Excel's approximation, whose digits its cells show", "CONFIDENCE.NORM": "the inverse has full precision here", "CONFIDENCE.T": "the quantile of the table is wrong in the fourth digit", "LOGINV": "the inverse has full precision here", "NORMSINV": "the inverse has full precision here",
	"VALUETOTEXT": "quotes are escaped otherwise in the table", "FORMULATEXT": "spaces as they were typed", "SEARCHB": "bytes count only where the system's language has two-byte letters", "LENB": "bytes count only where the system's language has two-byte letters", "MIDB": "bytes count only where the system's language has two-byte letters",
	"N": "Excel's N of a text is 0", "FIXED": "Excel's FIXED has two decimals unless told", "DOLLAR": "negative amounts stand in parentheses in US English", "ADDRESS": "the separator between sheet and cell is that of LibreOffice",
	"ISTEXT": "the cell was typed with an apostrophe, which the table does not have", "SYD": "Excel wants a period from 1 on", "DATE": "a text that is no number in Excel",
}

// reasonOf says why a row disagrees: what is known of the function, or else the kind.
func reasonOf(r row, got string) string {
	kind := kindOf(r, got)
	text := r.forms[0].formula
	if strings.HasPrefix(r.group, "=") {
		text = r.group[1:]
	}
	name, _, _ := strings.Cut(strings.ToUpper(strings.TrimPrefix(text, "_xlfn.")), "(")
	if why := disagreeReasons[name]; why != "" && kind != otherError {
		return kind + ": " + why
	}
	if strings.Contains(text, `""`) {
		return kind + `: "" is a text in Excel and no blank`
	}
	return kind
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
