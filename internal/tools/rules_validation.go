package tools

import (
	"reflect"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type ruleMessage struct {
	Title   string `json:"title"`
	Message string `json:"message"`
	Style   string `json:"style" enum:"stop|warning|information" doc:"Of an error"`
}

type validationSpec struct {
	Kind       string       `json:"kind" required:"true" enum:"list|whole|decimal|date|time|text_length|custom|any" also:"textlength=text_length|none=any"`
	Operator   string       `json:"operator" enum:"less_than|less_than_or_equal|greater_than|greater_than_or_equal|equal|not_equal|between|not_between" also:"lessthan=less_than|lessthanorequal=less_than_or_equal|greaterthan=greater_than|greaterthanorequal=greater_than_or_equal|notequal=not_equal|notbetween=not_between|<:less_than|<=:less_than_or_equal|>:greater_than|>=:greater_than_or_equal|=:equal|<>:not_equal" doc:"between with formula2 and equal without, unless given"`
	Formula1   string       `json:"formula1" doc:"A value or formula; of a list its range, or \"a,b\" in quotes"`
	Formula2   string       `json:"formula2"`
	Values     []string     `json:"values" max:"1000" doc:"The entries of a list, in place of formula1"`
	AllowBlank *bool        `json:"allow_blank" doc:"true unless given"`
	DropDown   *bool        `json:"drop_down" doc:"A list shows its entries; true unless given"`
	Prompt     *ruleMessage `json:"prompt" doc:"Shown when the cell is selected"`
	Error      *ruleMessage `json:"error" doc:"Shown when what was typed is wrong"`
}

// ruleOperators have the operators as files have them.
var ruleOperators = map[string]string{"less_than": "lessThan", "less_than_or_equal": "lessThanOrEqual", "greater_than": "greaterThan", "greater_than_or_equal": "greaterThanOrEqual",
	"equal": "equal", "not_equal": "notEqual", "between": "between", "not_between": "notBetween"}

var validationTypes = map[string]string{"text_length": "textLength", "any": "none"}

// setValidation gives cells a validation. Rules of just these ranges go; of others the cells are taken out, since a cell has one.
func (p *ruled) setValidation(spec *validationSpec) error {
	v, err := p.validation(spec)
	if err != nil || p.bad {
		return err
	}
	sheet, err := p.b.snap.Sheet(p.b.ctx, p.sheet)
	if err != nil {
		return err
	}
	var list []grid.Validation
	replaced := 0
	for _, old := range sheet.Layout.Validations {
		if sameRanges(old.Ranges, p.ranges) {
			replaced = 1
			continue
		}
		list = append(list, p.cutValidation(&old)...)
	}
	list = append(list, v)
	p.b.counts["validations_set"]++
	p.b.counts["validations_replaced"] += replaced
	if sameValidations(list, sheet.Layout.Validations) {
		return nil
	}
	return p.b.do(book.Arrange{Sheet: p.name, Validations: &list})
}

func sameValidations(a, b []grid.Validation) bool {
	return len(a) == len(b) && (len(a) == 0 || reflect.DeepEqual(a, b))
}

// cutValidation gives what becomes of a validation when the cells of p are taken out.
func (p *ruled) cutValidation(old *grid.Validation) []grid.Validation {
	parts, changed := p.cutOut(old.Ranges, []string{old.Formula1, old.Formula2}, false)
	if !changed {
		return []grid.Validation{*old}
	}
	p.b.counts["validations_cut"]++
	p.b.warn("WARN_VALIDATION_CUT: the validation (%s) of %s does not apply to %s any more", old.Type, clip(rangesText(old.Ranges), 100), clip(rangesText(p.ranges), 100))
	var list []grid.Validation
	for _, ranges := range parts {
		v := *old
		v.Ranges = ranges
		v.Formula1, v.Formula2 = moved(v.Formula1, baseOf(old.Ranges), baseOf(ranges)), moved(v.Formula2, baseOf(old.Ranges), baseOf(ranges))
		list = append(list, v)
	}
	return list
}

func (p *ruled) clearValidations(exact bool) error {
	sheet, err := p.b.snap.Sheet(p.b.ctx, p.sheet)
	if err != nil {
		return err
	}
	var list []grid.Validation
	cleared := 0
	for _, old := range sheet.Layout.Validations {
		switch parts, changed := p.cutOut(old.Ranges, nil, exact); {
		case changed && len(parts) == 0:
			cleared++
		case changed:
			list = append(list, p.cutValidation(&old)...)
		default:
			list = append(list, old)
		}
	}
	p.b.counts["validations_cleared"] += cleared
	if sameValidations(list, sheet.Layout.Validations) {
		p.b.warn("WARN_NO_RULE: %s has no validation%s", clip(rangesText(p.ranges), 100), map[bool]string{true: " of just these ranges"}[exact])
		return nil
	}
	return p.b.do(book.Arrange{Sheet: p.name, Validations: &list})
}

// validation reads what is to be checked.
func (p *ruled) validation(spec *validationSpec) (v grid.Validation, err error) {
	v = grid.Validation{Ranges: p.ranges, Type: spec.Kind, Operator: "between", AllowBlank: orElse(spec.AllowBlank, true), HideDropDown: !orElse(spec.DropDown, true), ShowError: true}
	if t := validationTypes[spec.Kind]; t != "" {
		v.Type = t
	}
	first := spec.Formula1
	switch {
	case len(spec.Values) > 0 && (spec.Kind != "list" || first != ""):
		return v, invalid("Give one of them", "values are the entries of a list, in place of formula1")
	case len(spec.Values) > 0:
		for _, s := range spec.Values {
			if strings.ContainsAny(s, ",\"\n") || strings.TrimSpace(s) != s || s == "" {
				return v, invalid("Write the entries into cells and give their range as formula1", "an entry of a list that stands in its rule cannot be %q", clip(s, 40))
			}
		}
		v.Formula1 = `"` + strings.Join(spec.Values, ",") + `"`
	case spec.Kind == "list" && listText(first):
		v.Formula1 = `"` + strings.TrimSpace(first) + `"`
		p.b.warn("WARN_VALIDATION_LIST_QUOTED: formula1 was read as the entries %s", clip(v.Formula1, 100))
	default:
		if v.Formula1, err = p.formula("formula1", first, "WARN_VALIDATION_FORMULA_PREFIX"); err != nil {
			return v, err
		}
	}
	if v.Formula2, err = p.formula("formula2", spec.Formula2, "WARN_VALIDATION_FORMULA_PREFIX"); err != nil {
		return v, err
	}
	if p.b.policy == "off" {
		p.b.warn("WARN_VALIDATION_FORMULA_NOT_PARSED: Validation formulas are taken as they are (not parsed or validated).")
	}
	switch v.Type {
	case "list", "custom", "none":
		if spec.Operator != "" || v.Formula2 != "" {
			return v, invalid("Leave them out", "a validation of the kind %s takes no operator and no formula2", spec.Kind)
		}
		if v.Type == "none" && v.Formula1 != "" {
			return v, invalid("Leave it out, or give another kind", "a validation of the kind any takes no formula")
		}
	default:
		switch {
		case spec.Operator != "":
			v.Operator = ruleOperators[spec.Operator]
		case v.Formula2 == "":
			v.Operator = "equal"
		}
	}
	if v.Type == "list" && v.Formula1 == "" && !p.bad {
		return v, invalid(`Example: "validation":{"kind":"list","values":["open","done"]}, or "formula1":"Lists!$A$2:$A$9"`, "a list wants values, or formula1 with the cells that hold them")
	}
	if v.Type != "none" && v.Formula1 == "" && !p.bad {
		return v, invalid(`Example: "validation":{"kind":"whole","formula1":"1","formula2":"10"}`, "formula1 is missing")
	}
	if needs := book.RuleOperators[v.Operator]; v.Type != "list" && v.Type != "custom" && v.Type != "none" && (needs == 2) != (v.Formula2 != "") && !p.bad {
		return v, invalid("between and not_between take formula1 and formula2, the others formula1", "the operator %s does not fit the formulas", orText(spec.Operator, "equal"))
	}
	if m := spec.Prompt; m != nil {
		if v.ShowPrompt, v.PromptTitle, v.Prompt = true, m.Title, m.Message; m.Style != "" {
			return v, invalid("Leave it out", "a prompt has no style")
		}
	}
	if m := spec.Error; m != nil {
		if v.ErrorTitle, v.Error = m.Title, m.Message; m.Style != "stop" {
			v.ErrorStyle = m.Style
		}
	}
	return v, nil
}

func orText(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// listText tells whether a list's formula is its entries without the quotes, as people write it: a text with commas that
// are within no parentheses, and which is no formula.
func listText(s string) bool {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, ",") || strings.ContainsAny(s, "\"()!$:") || strings.HasPrefix(s, "=") {
		return false
	}
	return !slices.ContainsFunc(strings.Split(s, ","), func(w string) bool { _, ok := cell.ParseRef(strings.TrimSpace(w)); return ok })
}
