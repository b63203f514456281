package numfmt

// builtin holds the codes that a file names by number only (ECMA-376 part 1,
// 18.8.30). Where the standard's table and Excel differ, this is what an en-US Excel
// shows: 14 and 22 follow the system's short date, which the standard writes as
// mm-dd-yy, and 37 to 40 keep the width of a closing bracket.
//
// The codes 27 to 36 and 50 to 58 are dates of East Asian calendars, for which the
// standard gives a table per language and none for English: there they are the short
// date, and 32 to 35 the time.
var builtin = map[int]string{
	0: `General`, 1: `0`, 2: `0.00`, 3: `#,##0`, 4: `#,##0.00`,
	5:  `"$"#,##0_);\("$"#,##0\)`,
	6:  `"$"#,##0_);[Red]\("$"#,##0\)`,
	7:  `"$"#,##0.00_);\("$"#,##0.00\)`,
	8:  `"$"#,##0.00_);[Red]\("$"#,##0.00\)`,
	9:  `0%`,
	10: `0.00%`,
	11: `0.00E+00`,
	12: `# ?/?`,
	13: `# ??/??`,
	14: shortDateCode,
	15: `d-mmm-yy`,
	16: `d-mmm`,
	17: `mmm-yy`,
	18: `h:mm AM/PM`,
	19: `h:mm:ss AM/PM`,
	20: `h:mm`,
	21: `h:mm:ss`,
	22: `m/d/yyyy h:mm`,
	27: shortDateCode, 28: shortDateCode, 29: shortDateCode, 30: shortDateCode, 31: shortDateCode,
	32: `h:mm:ss`, 33: `h:mm:ss`, 34: `h:mm:ss`, 35: `h:mm:ss`,
	36: shortDateCode,
	37: `#,##0_);(#,##0)`,
	38: `#,##0_);[Red](#,##0)`,
	39: `#,##0.00_);(#,##0.00)`,
	40: `#,##0.00_);[Red](#,##0.00)`,
	41: `_(* #,##0_);_(* (#,##0);_(* "-"_);_(@_)`,
	42: `_("$"* #,##0_);_("$"* (#,##0);_("$"* "-"_);_(@_)`,
	43: `_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)`,
	44: `_("$"* #,##0.00_);_("$"* (#,##0.00);_("$"* "-"??_);_(@_)`,
	45: `mm:ss`,
	46: `[h]:mm:ss`,
	47: `mm:ss.0`,
	48: `##0.0E+0`,
	49: `@`,
	50: shortDateCode, 51: shortDateCode, 52: shortDateCode, 53: shortDateCode, 54: shortDateCode,
	55: shortDateCode, 56: shortDateCode, 57: shortDateCode, 58: shortDateCode,
}

const shortDateCode = `m/d/yyyy`

// Builtin gives the code of a built-in number format as en-US Excel has it. ok is
// false where id has none: 23 to 26, and everything from 59 up, which is for the
// codes that a workbook brings itself or for languages other than English.
func Builtin(id int) (code string, ok bool) {
	code, ok = builtin[id]
	return code, ok
}
