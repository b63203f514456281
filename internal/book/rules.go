package book

import (
	"encoding/json"
	"reflect"
	"slices"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// The bounds of Excel for the rules of a sheet: texts in UTF-16 code units.
const (
	MaxRules       = 1 << 17 // validations, or conditional formats, of one sheet; ours
	MaxRuleTitle   = 32
	MaxRulePrompt  = 255
	MaxRuleError   = 225
	MaxRuleFormula = 8192
)

var validationsPart = part{
	name:  "validations",
	given: func(o *Arrange) bool { return o.Validations != nil },
	check: func(o *Arrange) *Error {
		if len(*o.Validations) > MaxRules {
			return errorf(TooMany, "", "there are more than %d validations", MaxRules)
		}
		for i := range *o.Validations {
			v := &(*o.Validations)[i]
			if err := checkRule(v.Ranges, v.Type, v.Operator, v.Formula1, v.Formula2, v.ErrorStyle, v.ErrorTitle, v.Error, v.PromptTitle, v.Prompt); err != nil {
				return err
			}
		}
		return nil
	},
	fits: func(o *Arrange, _ *draft, _ int, sheet *grid.Sheet) error {
		known := knownRules(sheet.Layout.Validations)
		extended := 0
		for i := range *o.Validations {
			v := &(*o.Validations)[i]
			if v.Extension {
				extended++
			}
			if !known(*v) {
				if err := fitValidation(v); err != nil {
					return err
				}
			}
		}
		return fewer(extended, countIf(sheet.Layout.Validations, func(v *grid.Validation) bool { return v.Extension }))
	},
	apply: func(o *Arrange, l *grid.Layout) { l.Validations = slices.Clone(*o.Validations) },
	change: func(o *Arrange, was, is *grid.Layout) {
		if !sameList(was.Validations, is.Validations) {
			o.Validations = &is.Validations
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		key := func(v grid.Validation) string { return rangesKey(v.Ranges) }
		same := func(a, b grid.Validation) bool { return reflect.DeepEqual(a, b) }
		list := mergeLists(base.Validations, onto.Validations, from.Validations, key, same, wins)
		if !sameList(list, onto.Validations) {
			o.Validations = &list
		}
	},
}

var conditionalPart = part{
	name:  "conditional_formats",
	given: func(o *Arrange) bool { return o.Conditional != nil },
	check: func(o *Arrange) *Error {
		if len(*o.Conditional) > MaxRules {
			return errorf(TooMany, "", "there are more than %d conditional formats", MaxRules)
		}
		for i := range *o.Conditional {
			f := &(*o.Conditional)[i]
			if err := checkRule(f.Ranges, append([]string{f.Type, f.Operator, f.Text, f.TimePeriod, f.IconSet, f.Detail}, f.Formulas...)...); err != nil {
				return err
			}
			for path, value := range f.Look {
				leaf, ok := xf.Named(path)
				if !ok {
					return errorf(BadFormat, "", "a format has no %.40q", path)
				}
				if v, err := xf.Check(leaf, value); err != nil || v != value {
					return errorf(BadFormat, "", "%.40q is no value of %s", value, path)
				}
			}
			for _, c := range f.Colors {
				if v, err := xf.CheckColor(c); err != nil || v != c {
					return errorf(BadFormat, "", "%.40q is no colour", c)
				}
			}
			for _, stop := range f.Stops {
				if err := checkRule(nil, stop.Type, stop.Value); err != nil {
					return err
				}
			}
		}
		return nil
	},
	fits: func(o *Arrange, _ *draft, _ int, sheet *grid.Sheet) error {
		known := knownRules(sheet.Layout.Conditional)
		extended := 0
		for i := range *o.Conditional {
			f := &(*o.Conditional)[i]
			if f.Extension {
				extended++
			}
			if !known(*f) {
				if err := fitConditional(f); err != nil {
					return err
				}
			}
		}
		return fewer(extended, countIf(sheet.Layout.Conditional, func(f *grid.ConditionalFormat) bool { return f.Extension }))
	},
	apply: func(o *Arrange, l *grid.Layout) { l.Conditional = slices.Clone(*o.Conditional) },
	change: func(o *Arrange, was, is *grid.Layout) {
		if !sameList(was.Conditional, is.Conditional) {
			o.Conditional = &is.Conditional
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		list := mergeConditional(base.Conditional, onto.Conditional, from.Conditional, wins)
		if !sameList(list, onto.Conditional) {
			o.Conditional = &list
		}
	},
}

// RuleLook gives how cells look that a rule holds for, by the leaves of package xf; styles are those of its workbook.
func RuleLook(styles *grid.Styles, f *grid.ConditionalFormat) map[string]string {
	if f.Look != nil || f.DxfID < 0 || styles == nil || f.DxfID >= len(styles.Dxfs) {
		return f.Look
	}
	look := map[string]string{}
	leaves := xf.Of(styles.Dxfs[f.DxfID])
	for i, v := range leaves {
		leaf, d := xf.Leaf(i), &styles.Dxfs[f.DxfID]
		if v != "" && !(leaf == xf.ProtectLocked && d.Protection == nil) && !(leaf == xf.NumberFormat && d.NumFmt == "") {
			look[leaf.String()] = v
		}
	}
	return look
}

// mergeConditional merges rules. They are the same where they say the same, whatever number and priority a file gives
// them: those are of onto, as far as it has the rule.
func mergeConditional(base, onto, from []grid.ConditionalFormat, wins bool) []grid.ConditionalFormat {
	key := func(f grid.ConditionalFormat) string {
		f.Priority, f.DxfID = 0, 0
		b, _ := json.Marshal(f) // it has nothing that JSON has not
		return string(b)
	}
	shape := func(f grid.ConditionalFormat) string { f.Ranges = nil; return key(f) }
	same := func(a, b grid.ConditionalFormat) bool { return a.Priority == b.Priority }
	dxf := map[string]int{} // in onto, by what rules of the file say
	for _, f := range onto {
		if f.Look == nil {
			dxf[shape(f)] = f.DxfID
		}
	}
	list := mergeLists(base, onto, from, key, same, wins)
	for i := range list {
		if f := &list[i]; f.Look == nil && f.DxfID >= 0 {
			if id, ok := dxf[shape(*f)]; ok {
				f.DxfID = id
			}
		}
	}
	return list
}

// checkRule finds texts that no file can hold, and ranges outside of a sheet.
func checkRule(list []cell.Range, texts ...string) *Error {
	for _, r := range list {
		if !validRange(r) {
			return errorf(BadCell, "", "%v is no range of a worksheet", r)
		}
	}
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return errorf(BadValue, "Texts are UTF-8.", "a text of a rule is not valid UTF-8")
		}
	}
	return nil
}

// validationTypes have the types of validation with the number of operands that their formulas may be; operators
// are asked for where there can be two.
var validationTypes = map[string]int{"none": 0, "list": 1, "custom": 1, "whole": 2, "decimal": 2, "date": 2, "time": 2, "textLength": 2}

// RuleOperators have the operators of validations and of conditional formats of the type cellIs, and how many operands each takes.
var RuleOperators = map[string]int{"between": 2, "notBetween": 2, "equal": 1, "notEqual": 1, "greaterThan": 1, "lessThan": 1, "greaterThanOrEqual": 1, "lessThanOrEqual": 1}

// fitValidation refuses a validation that Excel knows none of.
func fitValidation(v *grid.Validation) error {
	operands, known := validationTypes[v.Type]
	if operands == 2 {
		operands = RuleOperators[v.Operator]
		known = known && operands > 0
	}
	have := 0
	for _, f := range []string{v.Formula1, v.Formula2} {
		if f != "" {
			have++
		}
	}
	switch {
	case len(v.Ranges) == 0:
		return errorf(BadLayout, "", "a validation is of no cells")
	case !known:
		return errorf(BadLayout, "", "there is no validation %.40q with the operator %.40q", v.Type, v.Operator)
	case have != operands || operands > 0 && v.Formula1 == "":
		return errorf(BadLayout, "", "a validation of the type %s has %d formulas, and it takes %d", v.Type, have, operands)
	case !slices.Contains([]string{"", "stop", "warning", "information"}, v.ErrorStyle):
		return errorf(BadLayout, "There are stop, warning and information.", "a validation has no style %.40q", v.ErrorStyle)
	case utf16Longer(v.Formula1, MaxRuleFormula) || utf16Longer(v.Formula2, MaxRuleFormula):
		return errorf(TooLong, "Put it into a cell or a name.", "the formula of a validation is longer than %d characters", MaxRuleFormula)
	case v.Type == "list" && len(v.Formula1) > 1 && v.Formula1[0] == '"' && utf16Longer(v.Formula1, 255+2):
		return errorf(TooLong, "Write the entries into cells and name their range.", "a list that stands in its rule is longer than 255 characters")
	case utf16Longer(v.PromptTitle, MaxRuleTitle) || utf16Longer(v.ErrorTitle, MaxRuleTitle):
		return errorf(TooLong, "", "the title of a message is longer than %d characters", MaxRuleTitle)
	case utf16Longer(v.Prompt, MaxRulePrompt):
		return errorf(TooLong, "", "a prompt is longer than %d characters", MaxRulePrompt)
	case utf16Longer(v.Error, MaxRuleError):
		return errorf(TooLong, "", "an error message is longer than %d characters", MaxRuleError)
	}
	return nil
}

// conditionalTypes have the types of conditional format that edits make with the number of formulas that they
// have, -1 where the operator says it.
var conditionalTypes = map[string]int{"cellIs": -1, "expression": 1, "colorScale": 0, "dataBar": 0, "iconSet": 0, "top10": 0, "aboveAverage": 0,
	"duplicateValues": 0, "uniqueValues": 0, "containsText": 1, "notContainsText": 1, "beginsWith": 1, "endsWith": 1, "timePeriod": 1,
	"containsBlanks": 1, "notContainsBlanks": 1, "containsErrors": 1, "notContainsErrors": 1}

// iconSets are those of ECMA-376 part 1, 18.18.42, with the number of their icons.
var iconSets = map[string]int{"3Arrows": 3, "3ArrowsGray": 3, "3Flags": 3, "3TrafficLights1": 3, "3TrafficLights2": 3, "3Signs": 3, "3Symbols": 3, "3Symbols2": 3,
	"4Arrows": 4, "4ArrowsGray": 4, "4RedToBlack": 4, "4Rating": 4, "4TrafficLights": 4, "5Arrows": 5, "5ArrowsGray": 5, "5Rating": 5, "5Quarters": 5}

// IconSets are the names of the sets of icons, with how many each has. It is not to be changed.
func IconSets() map[string]int { return iconSets }

// TimePeriods are those of ECMA-376 part 1, 18.18.82.
var TimePeriods = [...]string{"today", "yesterday", "tomorrow", "last7Days", "thisWeek", "lastWeek", "nextWeek", "thisMonth", "lastMonth", "nextMonth"}

var stopTypes = []string{"num", "percent", "max", "min", "formula", "percentile"}

// fitConditional refuses a rule that Excel knows none of.
func fitConditional(f *grid.ConditionalFormat) error {
	if len(f.Ranges) == 0 {
		return errorf(BadLayout, "", "a conditional format is of no cells")
	}
	if f.Extension {
		return nil // it was the file's
	}
	formulas, known := conditionalTypes[f.Type]
	if formulas < 0 {
		formulas = RuleOperators[f.Operator]
		known = formulas > 0
	}
	stops, colors := 0, 0
	switch f.Type {
	case "colorScale":
		stops, colors = max(2, min(len(f.Stops), 3)), max(2, min(len(f.Stops), 3))
	case "dataBar":
		stops, colors = 2, 1
	case "iconSet":
		stops = iconSets[f.IconSet]
		known = stops > 0
	}
	switch {
	case !known:
		return errorf(BadLayout, "", "there is no conditional format %.40q of the kind %.40q", f.Type, f.Operator+f.IconSet)
	case len(f.Formulas) != formulas || slices.Contains(f.Formulas, ""):
		return errorf(BadLayout, "", "a conditional format of the type %s has %d formulas, and it takes %d", f.Type, len(f.Formulas), formulas)
	case len(f.Stops) != stops || len(f.Colors) != colors:
		return errorf(BadLayout, "", "a conditional format of the type %s has %d thresholds and %d colours, and it takes %d and %d", f.Type, len(f.Stops), len(f.Colors), stops, colors)
	case f.Type == "top10" && (f.Rank < 1 || f.Rank > 1000 || f.Percent && f.Rank > 100):
		return errorf(BadLayout, "It is 1 to 1000, or to 100 percent.", "there are no best %d", f.Rank)
	case f.Type == "aboveAverage" && (f.StdDev < 0 || f.StdDev > 3):
		return errorf(BadLayout, "", "%d standard deviations from the average are not 0 to 3", f.StdDev)
	case f.Type == "timePeriod" && !slices.Contains(TimePeriods[:], f.TimePeriod):
		return errorf(BadLayout, "", "there is no time period %.40q", f.TimePeriod)
	}
	for _, one := range f.Formulas {
		if utf16Longer(one, MaxRuleFormula) {
			return errorf(TooLong, "Put it into a cell or a name.", "the formula of a conditional format is longer than %d characters", MaxRuleFormula)
		}
	}
	for _, stop := range f.Stops {
		if !slices.Contains(stopTypes, stop.Type) || (stop.Type == "min" || stop.Type == "max") != (stop.Value == "") {
			return errorf(BadLayout, "", "a threshold of the type %.40q with the value %.40q is none", stop.Type, stop.Value)
		}
	}
	return nil
}

// fewer refuses rules that only newer versions of Excel know where the sheet has fewer of them: no edit makes them.
func fewer(want, have int) error {
	if want > have {
		return errorf(BadLayout, "", "%d rules are to stand in an extension, where the sheet has %d", want, have)
	}
	return nil
}

func countIf[T any](list []T, is func(*T) bool) (n int) {
	for i := range list {
		if is(&list[i]) {
			n++
		}
	}
	return n
}

// knownRules tells of rules whether they are among list.
func knownRules[T any](list []T) func(T) bool {
	have := make(map[string]bool, len(list))
	key := func(x T) string { b, _ := json.Marshal(x); return string(b) } // it has nothing that JSON has not
	for _, x := range list {
		have[key(x)] = true
	}
	return func(x T) bool { return have[key(x)] }
}

// sameList compares lists by what they say.
func sameList[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || reflect.DeepEqual(a, b))
}

// rangesKey gives a text that lists of ranges share if they are the same.
func rangesKey(list []cell.Range) string {
	b, _ := Ranges(list).MarshalText()
	return string(b)
}

// less gives the parts of a range that lie in none of others.
func less(r cell.Range, others []cell.Range) []cell.Range {
	rest := []cell.Range{r}
	for _, o := range others {
		var next []cell.Range
		for _, x := range rest {
			next = append(next, without(x, o)...)
		}
		rest = next
	}
	return rest
}

// Cut gives the ranges without the cells of others, as parts that do not meet. What meets none of them stays as it is.
func Cut(list, others []cell.Range) []cell.Range {
	var out []cell.Range
	for _, r := range list {
		out = append(out, less(r, others)...)
	}
	return out
}
