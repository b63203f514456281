package tools

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

type ruleStop struct {
	Type  string   `json:"type" enum:"min|max|num|percent|percentile|formula" also:"number=num" doc:"num with a value unless given"`
	Value *Scalars `json:"value"`
	Color string   `json:"color" doc:"color_scale: #RRGGBB"`
	Above bool     `json:"above" default:"false" doc:"icon_set: the value itself lies below"`
}

type ruleSpec struct {
	Kind     string     `json:"kind" required:"true" enum:"cell_is|expression|text|date|top|bottom|above_average|below_average|duplicates|unique|blanks|not_blanks|errors|not_errors|color_scale|data_bar|icon_set" also:"cellis=cell_is|formula=expression|duplicate_values=duplicates|unique_values=unique|top10=top|colorscale=color_scale|databar=data_bar|iconset=icon_set"`
	Operator string     `json:"operator" enum:"less_than|less_than_or_equal|greater_than|greater_than_or_equal|equal|not_equal|between|not_between|contains|not_contains|begins_with|ends_with" also:"lessthan=less_than|lessthanorequal=less_than_or_equal|greaterthan=greater_than|greaterthanorequal=greater_than_or_equal|notequal=not_equal|notbetween=not_between|notcontains=not_contains|beginswith=begins_with|endswith=ends_with|<:less_than|<=:less_than_or_equal|>:greater_than|>=:greater_than_or_equal|=:equal|<>:not_equal" doc:"Of cell_is; of text contains, not_contains, begins_with or ends_with"`
	Formula  string     `json:"formula" alias:"formula1" doc:"Of expression, or the first operand of cell_is"`
	Formula2 string     `json:"formula2" doc:"The second operand of between and not_between"`
	Text     string     `json:"text" doc:"Of text"`
	Period   string     `json:"period" enum:"today|yesterday|tomorrow|last_7_days|this_week|last_week|next_week|this_month|last_month|next_month" doc:"Of date"`
	Rank     *int       `json:"rank" min:"1" max:"1000" doc:"Of top and bottom; 10 unless given"`
	Percent  bool       `json:"percent" default:"false" doc:"Of top and bottom"`
	Equal    bool       `json:"equal" default:"false" doc:"above_average, below_average: the average counts, too"`
	StdDev   int        `json:"std_dev" default:"0" min:"0" max:"3" doc:"above_average, below_average: so many standard deviations from it"`
	Stops    []ruleStop `json:"stops" max:"5" doc:"color_scale: 2 or 3; data_bar: 2; icon_set: one for each icon; the usual ones unless given"`
	Color    string     `json:"color" doc:"Of data_bar"`
	IconSet  string     `json:"icon_set" doc:"3Arrows, 3TrafficLights1, 4Rating, 5Quarters, …"`
	Values   *bool      `json:"show_value" doc:"data_bar, icon_set: the values are shown, too; true unless given"`
	Reverse  bool       `json:"reverse" default:"false" doc:"icon_set"`
	Stop     bool       `json:"stop_if_true" default:"false"`
	Priority string     `json:"priority" enum:"last|first" default:"last" doc:"Which of several rules on a cell counts more"`
}

type ruleStyle struct {
	Fill      *string `json:"fill_color" doc:"#RRGGBB; none for no fill"`
	Font      *string `json:"font_color"`
	Bold      *bool   `json:"bold"`
	Italic    *bool   `json:"italic"`
	Underline *bool   `json:"underline"`
	Strike    *bool   `json:"strikethrough"`
	Border    *string `json:"border_color" doc:"A thin line around"`
}

// format adds a rule, or sets it in place of others.
func (p *ruled) format(op *ruleOp, exact, compat bool) error {
	f, err := p.conditional(op.Rule)
	if err != nil || p.bad {
		return err
	}
	if scaled := len(f.Stops) > 0; scaled && op.Style != nil {
		return invalid("Leave it out", "a rule of the kind %s takes no style: it has colours or icons", op.Rule.Kind)
	} else if !scaled {
		if f.Look, err = p.look(op.Style, compat); err != nil {
			return err
		}
	}
	sheet, err := p.b.snap.Sheet(p.b.ctx, p.sheet)
	if err != nil {
		return err
	}
	have := sheet.Layout.Conditional
	var list []grid.ConditionalFormat
	if op.Kind == "add_conditional_format" {
		for i := range have {
			if sameRanges(have[i].Ranges, p.ranges) && sameRule(&have[i], &f) {
				p.b.counts["conditional_formats_skipped"]++
				return nil
			}
		}
		list = slices.Clone(have)
		p.b.counts["conditional_formats_added"]++
	} else {
		of := slices.DeleteFunc(slices.Clone(have), func(x grid.ConditionalFormat) bool { return !sameRanges(x.Ranges, p.ranges) })
		if len(of) == 1 && sameRule(&of[0], &f) && maps.Equal(book.RuleLook(p.b.snap.Workbook().Styles, &of[0]), book.RuleLook(p.b.snap.Workbook().Styles, &f)) {
			p.b.counts["conditional_formats_set_skipped"]++
			return nil
		}
		replaced := 0
		list, replaced = p.withoutFormats(have, exact)
		p.b.counts["conditional_formats_set"]++
		p.b.counts["conditional_formats_replaced"] += replaced
	}
	most := 0
	for i := range list {
		most = max(most, list[i].Priority)
	}
	f.Priority = most + 1
	if op.Rule.Priority == "first" {
		f.Priority = 1
		if slices.ContainsFunc(list, func(x grid.ConditionalFormat) bool { return x.Priority == 1 }) {
			list = slices.Clone(list)
			for i := range list {
				if !list[i].Extension {
					list[i].Priority++
				}
			}
		}
	}
	list = append(list, f)
	return p.b.do(book.Arrange{Sheet: p.name, Conditional: &list})
}

func (p *ruled) clearFormats(exact bool) error {
	sheet, err := p.b.snap.Sheet(p.b.ctx, p.sheet)
	if err != nil {
		return err
	}
	list, cleared := p.withoutFormats(sheet.Layout.Conditional, exact)
	p.b.counts["conditional_formats_cleared"] += cleared
	if len(list) == len(sheet.Layout.Conditional) && (len(list) == 0 || reflect.DeepEqual(list, sheet.Layout.Conditional)) {
		p.b.warn("WARN_NO_RULE: %s has no conditional format%s", clip(rangesText(p.ranges), 100), map[bool]string{true: " of just these ranges"}[exact])
		return nil
	}
	return p.b.do(book.Arrange{Sheet: p.name, Conditional: &list})
}

// withoutFormats takes the rules of the cells of p out of a list, and tells how many went.
func (p *ruled) withoutFormats(have []grid.ConditionalFormat, exact bool) (list []grid.ConditionalFormat, gone int) {
	for _, old := range have {
		parts, changed := p.cutOut(old.Ranges, old.Formulas, exact)
		switch {
		case !changed:
			list = append(list, old)
			continue
		case len(parts) == 0:
			gone++
			continue
		}
		if old.Extension && len(parts) > 1 { // nobody can make a second one of it
			parts = [][]cell.Range{slices.Concat(parts...)}
		}
		p.b.counts["conditional_formats_cut"]++
		p.b.warn("WARN_RULE_CUT: the conditional format (%s) of %s does not apply to %s any more", old.Type, clip(rangesText(old.Ranges), 100), clip(rangesText(p.ranges), 100))
		for _, ranges := range parts {
			f := old
			f.Ranges, f.Formulas = ranges, slices.Clone(old.Formulas)
			for i := range f.Formulas {
				f.Formulas[i] = moved(f.Formulas[i], baseOf(old.Ranges), baseOf(ranges))
			}
			list = append(list, f)
		}
	}
	return list, gone
}

// sameRule tells whether two rules hold for the same cells of the same ranges, however these look then.
func sameRule(a, b *grid.ConditionalFormat) bool {
	key := func(f grid.ConditionalFormat) string {
		f.Ranges, f.Priority, f.DxfID, f.Look, f.Detail, f.StopIfTrue = nil, 0, 0, nil, "", false
		text, _ := json.Marshal(f)
		return string(text)
	}
	return key(*a) == key(*b)
}

// The look that spreadsheet-mcp gives where none is said.
const (
	usualFill = "FFFFE0E0"
	usualFont = "FF000000"
)

// look reads a style. spreadsheet-mcp fills in what is missing of it; here the usual look is for where nothing is said.
func (p *ruled) look(s *ruleStyle, compat bool) (map[string]string, error) {
	look := map[string]string{}
	if s == nil || *s == (ruleStyle{}) {
		s, compat = &ruleStyle{}, true
	}
	color := func(field string, given *string, usual string) (string, error) {
		if given == nil {
			if compat {
				return usual, nil
			}
			return "", nil
		}
		if strings.EqualFold(*given, "none") {
			return "", nil
		}
		c, err := xf.CheckColor(strings.TrimSpace(*given))
		if err != nil {
			return "", fail("BAD_STYLE", "", "style.%s: %v", field, err)
		}
		if len(strings.TrimPrefix(strings.TrimSpace(*given), "#")) < 8 {
			p.b.warn("WARN_COLOR_ALPHA_DEFAULT: Defaulted alpha to FF for style.%s", field)
		}
		return c, nil
	}
	fill, err := color("fill_color", s.Fill, usualFill)
	if err != nil {
		return nil, err
	}
	font, err := color("font_color", s.Font, usualFont)
	if err != nil {
		return nil, err
	}
	border, err := color("border_color", s.Border, "")
	if err != nil {
		return nil, err
	}
	if fill != "" { // programs differ in which of the two they show
		look["fill.pattern_type"], look["fill.foreground_color"], look["fill.background_color"] = "solid", fill, fill
	}
	if font != "" {
		look["font.color"] = font
	}
	for leaf, on := range map[string]*bool{"font.bold": s.Bold, "font.italic": s.Italic, "font.strikethrough": s.Strike} {
		if on != nil && *on {
			look[leaf] = xf.Yes
		}
	}
	if s.Underline != nil && *s.Underline {
		look["font.underline"] = "single"
	}
	if border != "" {
		for _, side := range []string{"left", "right", "top", "bottom"} {
			look["borders."+side+".style"], look["borders."+side+".color"] = "thin", border
		}
	}
	if len(look) == 0 {
		return nil, invalid(`Example: "style":{"fill_color":"#FFC7CE"}`, "the style says nothing")
	}
	return look, nil
}

// conditional reads a rule.
func (p *ruled) conditional(spec *ruleSpec) (f grid.ConditionalFormat, err error) {
	f = grid.ConditionalFormat{Ranges: p.ranges, DxfID: -1, StopIfTrue: spec.Stop}
	if err := spec.fits(); err != nil {
		return f, err
	}
	switch spec.Kind {
	case "cell_is", "expression":
		return f, p.comparison(spec, &f)
	case "color_scale", "data_bar", "icon_set":
		return f, p.scale(spec, &f)
	case "top", "bottom":
		f.Type, f.Rank, f.Percent, f.Bottom = "top10", orElse(spec.Rank, 10), spec.Percent, spec.Kind == "bottom"
		if f.Percent && f.Rank > 100 {
			return f, invalid("", "there are no best %d percent", f.Rank)
		}
	case "above_average", "below_average":
		f.Type, f.Below, f.Equal, f.StdDev = "aboveAverage", spec.Kind == "below_average", spec.Equal, spec.StdDev
	case "duplicates":
		f.Type = "duplicateValues"
	case "unique":
		f.Type = "uniqueValues"
	case "date":
		if spec.Period == "" {
			return f, invalid(`Example: "rule":{"kind":"date","period":"last_week"}`, "period is missing")
		}
		f.Type, f.TimePeriod = "timePeriod", timePeriods[spec.Period]
		f.Formulas = []string{strings.ReplaceAll(timeFormulas[f.TimePeriod], "@", p.base.String())}
	default:
		is := cellRules[spec.Kind]
		if spec.Kind == "text" {
			if spec.Text == "" {
				return f, invalid(`Example: "rule":{"kind":"text","operator":"contains","text":"late"}`, "text is missing")
			}
			is = textRules[orText(spec.Operator, "contains")]
			f.Operator, f.Text = is.operator, spec.Text
		}
		f.Type = is.kind
		f.Formulas = []string{strings.NewReplacer("@", p.base.String(), "#", `"`+strings.ReplaceAll(spec.Text, `"`, `""`)+`"`).Replace(is.formula)}
	}
	return f, nil
}

// fits refuses what a rule of the kind does not take.
func (spec *ruleSpec) fits() error {
	given := map[string]bool{"operator": spec.Operator != "", "formula": spec.Formula != "", "formula2": spec.Formula2 != "", "text": spec.Text != "", "period": spec.Period != "",
		"rank": spec.Rank != nil, "percent": spec.Percent, "equal": spec.Equal, "std_dev": spec.StdDev != 0, "stops": len(spec.Stops) > 0, "color": spec.Color != "",
		"icon_set": spec.IconSet != "", "show_value": spec.Values != nil, "reverse": spec.Reverse}
	takes := ruleTakes[spec.Kind]
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if given[name] && !slices.Contains(takes, name) {
			return invalid(fmt.Sprintf("It takes %s", orText(strings.Join(takes, ", "), "nothing else")), "a rule of the kind %s takes no %s", spec.Kind, name)
		}
	}
	_, ofText := textRules[spec.Operator]
	if spec.Operator != "" && ofText != (spec.Kind == "text") {
		return invalid("cell_is compares, text has contains, not_contains, begins_with and ends_with", "a rule of the kind %s has no operator %s", spec.Kind, spec.Operator)
	}
	return nil
}

var ruleTakes = map[string][]string{
	"cell_is": {"operator", "formula", "formula2"}, "expression": {"formula"}, "text": {"operator", "text"}, "date": {"period"},
	"top": {"rank", "percent"}, "bottom": {"rank", "percent"}, "above_average": {"equal", "std_dev"}, "below_average": {"equal", "std_dev"},
	"color_scale": {"stops"}, "data_bar": {"stops", "color", "show_value"}, "icon_set": {"stops", "icon_set", "show_value", "reverse"},
}

func (p *ruled) comparison(spec *ruleSpec, f *grid.ConditionalFormat) error {
	first, err := p.formula("rule.formula", spec.Formula, "WARN_CF_FORMULA_PREFIX")
	if err != nil {
		return err
	}
	second, err := p.formula("rule.formula2", spec.Formula2, "WARN_CF_FORMULA_PREFIX")
	if err != nil || p.bad {
		return err
	}
	f.Type, f.Formulas = "expression", []string{first}
	if first == "" {
		return invalid(`Example: "rule":{"kind":"expression","formula":"$C2>10"}`, "rule.formula is required")
	}
	if spec.Kind == "expression" {
		return nil
	}
	if f.Type, f.Operator = "cellIs", ruleOperators[spec.Operator]; f.Operator == "" {
		return invalid(`Example: "rule":{"kind":"cell_is","operator":"less_than","formula":"0"}`, "operator is missing")
	}
	if two := book.RuleOperators[f.Operator] == 2; two != (second != "") {
		return invalid("between and not_between take formula and formula2, the others formula", "the operator %s does not fit the formulas", spec.Operator)
	}
	if second != "" {
		f.Formulas = append(f.Formulas, second)
	}
	return nil
}

// scale reads a colour scale, a data bar or a set of icons; what is not said is as Excel's galleries have it.
func (p *ruled) scale(spec *ruleSpec, f *grid.ConditionalFormat) error {
	stops := spec.Stops
	f.HideValue, f.Reverse = !orElse(spec.Values, true), spec.Reverse
	least, most := 2, 2
	switch spec.Kind {
	case "color_scale":
		if f.Type, most = "colorScale", 3; len(stops) == 0 {
			stops = []ruleStop{{Type: "min", Color: "FFF8696B"}, {Type: "percentile", Value: scalar("50"), Color: "FFFFEB84"}, {Type: "max", Color: "FF63BE7B"}}
		}
	case "data_bar":
		if f.Type = "dataBar"; len(stops) == 0 {
			stops = []ruleStop{{Type: "min"}, {Type: "max"}}
		}
		c, err := xf.CheckColor(orText(spec.Color, "FF638EC6"))
		if err != nil {
			return fail("BAD_STYLE", "", "rule.color: %v", err)
		}
		f.Colors = []string{c}
	default:
		f.Type, f.IconSet = "iconSet", orText(spec.IconSet, "3TrafficLights1")
		sets := book.IconSets()
		if sets[f.IconSet] == 0 {
			return invalid("There are "+strings.Join(slices.Sorted(maps.Keys(sets)), ", "), "there are no icons %s", clip(f.IconSet, 40))
		}
		least, most = sets[f.IconSet], sets[f.IconSet]
		for i := range most {
			if len(spec.Stops) == 0 {
				stops = append(stops, ruleStop{Type: "percent", Value: scalar(strconv.Itoa((100*i + most/2) / most))})
			}
		}
	}
	if len(stops) < least || len(stops) > most {
		return invalid("", "a rule of the kind %s has %d stops, and not %d", spec.Kind, most, len(stops))
	}
	for i, s := range stops {
		stop := grid.Stop{Type: s.Type, Above: s.Above}
		if s.Value != nil && len(*s.Value) == 1 {
			stop.Value = strings.TrimPrefix(strings.TrimSpace((*s.Value)[0].Text), "=")
		}
		if stop.Type == "" {
			stop.Type = "num"
		}
		number, err := strconv.ParseFloat(stop.Value, 64)
		switch ends := stop.Type == "min" || stop.Type == "max"; {
		case ends && stop.Value != "":
			return invalid("Leave it out", "a stop of the type %s has no value", stop.Type)
		case ends:
		case stop.Type == "formula":
			if stop.Value, err = p.formula("rule.stops.value", stop.Value, "WARN_CF_FORMULA_PREFIX"); err != nil || p.bad {
				return err
			}
		case stop.Type == "num" && err != nil && stop.Value != "": // a number may be calculated, too
			if stop.Value, err = p.formula("rule.stops.value", stop.Value, "WARN_CF_FORMULA_PREFIX"); err != nil || p.bad {
				return err
			}
		case err != nil || stop.Type != "num" && !(number >= 0 && number <= 100):
			return invalid("A percent or percentile is 0 to 100", "%q is no value of a stop of the type %s", clip(stop.Value, 40), stop.Type)
		}
		f.Stops = append(f.Stops, stop)
		if spec.Kind != "color_scale" {
			if s.Color != "" {
				return invalid("Leave it out", "a stop of a %s has no colour", spec.Kind)
			}
			continue
		}
		c, err := xf.CheckColor(s.Color)
		if err != nil {
			return fail("BAD_STYLE", `Example: {"type":"min","color":"#F8696B"}`, "rule.stops: stop %d: %v", i+1, err)
		}
		f.Colors = append(f.Colors, c)
	}
	return nil
}

func scalar(text string) *Scalars { return &Scalars{{Kind: TextScalar, Text: text}} }

// The formulas that Excel writes beside such rules, for programs that do not know them: @ is the first cell, # the text.
var (
	cellRules = map[string]struct{ kind, operator, formula string }{
		"blanks": {"containsBlanks", "", "LEN(TRIM(@))=0"}, "not_blanks": {"notContainsBlanks", "", "LEN(TRIM(@))>0"},
		"errors": {"containsErrors", "", "ISERROR(@)"}, "not_errors": {"notContainsErrors", "", "NOT(ISERROR(@))"},
	}
	textRules = map[string]struct{ kind, operator, formula string }{
		"contains":     {"containsText", "containsText", "NOT(ISERROR(SEARCH(#,@)))"},
		"not_contains": {"notContainsText", "notContains", "ISERROR(SEARCH(#,@))"},
		"begins_with":  {"beginsWith", "beginsWith", "LEFT(@,LEN(#))=#"},
		"ends_with":    {"endsWith", "endsWith", "RIGHT(@,LEN(#))=#"},
	}
	timePeriods = map[string]string{"today": "today", "yesterday": "yesterday", "tomorrow": "tomorrow", "last_7_days": "last7Days", "this_week": "thisWeek", "last_week": "lastWeek",
		"next_week": "nextWeek", "this_month": "thisMonth", "last_month": "lastMonth", "next_month": "nextMonth"}
	timeFormulas = map[string]string{
		"today": "FLOOR(@,1)=TODAY()", "yesterday": "FLOOR(@,1)=TODAY()-1", "tomorrow": "FLOOR(@,1)=TODAY()+1",
		"last7Days": "AND(TODAY()-FLOOR(@,1)<=6,FLOOR(@,1)<=TODAY())",
		"thisWeek":  "AND(TODAY()-ROUNDDOWN(@,0)<=WEEKDAY(TODAY())-1,ROUNDDOWN(@,0)-TODAY()<=7-WEEKDAY(TODAY()))",
		"lastWeek":  "AND(TODAY()-ROUNDDOWN(@,0)>=(WEEKDAY(TODAY())),TODAY()-ROUNDDOWN(@,0)<(WEEKDAY(TODAY())+7))",
		"nextWeek":  "AND(ROUNDDOWN(@,0)-TODAY()>(7-WEEKDAY(TODAY())),ROUNDDOWN(@,0)-TODAY()<(15-WEEKDAY(TODAY())))",
		"thisMonth": "AND(MONTH(@)=MONTH(TODAY()),YEAR(@)=YEAR(TODAY()))",
		"lastMonth": "AND(MONTH(@)=MONTH(EDATE(TODAY(),0-1)),YEAR(@)=YEAR(EDATE(TODAY(),0-1)))",
		"nextMonth": "AND(MONTH(@)=MONTH(EDATE(TODAY(),0+1)),YEAR(@)=YEAR(EDATE(TODAY(),0+1)))",
	}
)
