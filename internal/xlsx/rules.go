package xlsx

import (
	"strings"
	"unsafe"

	"gridflow/internal/grid"
	"gridflow/internal/xf"
	"gridflow/internal/xlsx/xmltext"
)

// dataValidations reads <dataValidations>, or what an extension holds of them: there
// formulas stand in elements of their own, and the ranges as well.
func (p *layoutReader) dataValidations() {
	r := p.r
	for d := r.Depth(); r.Child(d); {
		if string(r.Local()) != "dataValidation" || !p.room(1, unsafe.Sizeof(grid.Validation{})) {
			continue
		}
		v := grid.Validation{
			Ranges: p.ranges(r.Attr("sqref")), Type: r.Value("type"), Operator: r.Value("operator"),
			AllowBlank: r.Bool("allowBlank", false), HideDropDown: r.Bool("showDropDown", false), ErrorStyle: r.Value("errorStyle"),
			ErrorTitle: xmltext.Unescape(r.Value("errorTitle")), Error: xmltext.Unescape(r.Value("error")),
			ShowError: r.Bool("showErrorMessage", false), ShowPrompt: r.Bool("showInputMessage", false), Extension: !r.InMain(),
			PromptTitle: xmltext.Unescape(r.Value("promptTitle")), Prompt: xmltext.Unescape(r.Value("prompt")),
		}
		if v.Type == "" {
			v.Type = "none"
		}
		if v.Operator == "" {
			v.Operator = "between"
		}
		for d := r.Depth(); r.Child(d); {
			switch string(r.Local()) {
			case "formula1":
				v.Formula1 = formulaText(r)
			case "formula2":
				v.Formula2 = formulaText(r)
			case "sqref":
				v.Ranges = append(v.Ranges, p.ranges(r.AppendText(nil))...)
			}
		}
		p.l.Validations = append(p.l.Validations, v)
	}
}

// formulaText gives the formula in the current element, which is its text or, in
// extensions, that of an xm:f in it.
func formulaText(r *xmltext.Reader) string {
	var direct, inner []byte
	for depth := r.Depth(); ; {
		switch r.Next() {
		case xmltext.Text:
			if r.Depth() == depth {
				direct = r.AppendToken(direct)
			}
		case xmltext.Start:
			if r.Depth() == depth+1 && string(r.Local()) == "f" {
				inner = r.AppendText(inner)
			}
		case xmltext.End:
			if r.Depth() < depth {
				if inner != nil {
					return string(inner)
				}
				return string(direct)
			}
		case xmltext.EOF:
			return string(direct)
		}
	}
}

// conditionalFormatting reads one <conditionalFormatting>, or its form in an extension.
// A rule there that only details one of the sheet's own is left out.
func (p *layoutReader) conditionalFormatting() {
	r := p.r
	ranges := p.ranges(r.Attr("sqref"))
	first := len(p.l.Conditional)
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "cfRule":
			if rule, ok := p.conditionalRule(); ok && p.room(1, unsafe.Sizeof(rule)) {
				p.l.Conditional = append(p.l.Conditional, rule)
			}
		case "sqref":
			ranges = append(ranges, p.ranges(r.AppendText(nil))...)
		}
	}
	for i := first; i < len(p.l.Conditional); i++ {
		p.l.Conditional[i].Ranges = ranges
	}
}

// conditionalRule reads a <cfRule>; ok is false for one that is known already.
func (p *layoutReader) conditionalRule() (rule grid.ConditionalFormat, ok bool) {
	r := p.r
	rule = grid.ConditionalFormat{
		Type: r.Value("type"), Operator: r.Value("operator"), Priority: r.Int("priority", 0), DxfID: max(-1, r.Int("dxfId", -1)),
		StopIfTrue: r.Bool("stopIfTrue", false), Text: r.Value("text"), Rank: r.Int("rank", 0),
		Percent: r.Bool("percent", false), Bottom: r.Bool("bottom", false), TimePeriod: r.Value("timePeriod"),
		Below: !r.Bool("aboveAverage", true), Equal: r.Bool("equalAverage", false), StdDev: max(0, r.Int("stdDev", 0)), Extension: !r.InMain(),
	}
	known := r.InMain() || !p.ruleIDs[string(r.Attr("id"))]
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "formula", "f":
			if p.room(1, unsafe.Sizeof("")) {
				rule.Formulas = append(rule.Formulas, r.Text())
			}
		case "colorScale", "dataBar", "iconSet":
			p.scale(&rule)
		case "extLst":
			rule.Detail = p.ruleExtension()
		}
	}
	return rule, known
}

// ruleExtension remembers the id under which an extension details the current rule, and gives it.
func (p *layoutReader) ruleExtension() (id string) {
	r := p.r
	for d := r.Depth(); r.Child(d); {
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) == "id" && p.room(1, 64) {
				if p.ruleIDs == nil {
					p.ruleIDs = make(map[string]bool)
				}
				id = strings.TrimSpace(r.Text())
				p.ruleIDs[id] = true
			}
		}
	}
	return id
}

// scale reads what a scale of colours, a data bar or a set of icons says.
func (p *layoutReader) scale(rule *grid.ConditionalFormat) {
	r := p.r
	rule.HideValue, rule.Reverse = !r.Bool("showValue", true), r.Bool("reverse", false)
	if string(r.Local()) == "iconSet" {
		if rule.IconSet = r.Value("iconSet"); rule.IconSet == "" {
			rule.IconSet = "3TrafficLights1"
		}
	}
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "cfvo":
			stop := grid.Stop{Type: r.Value("type"), Value: r.Value("val"), Above: !r.Bool("gte", true)}
			if value := formulaText(r); strings.TrimSpace(value) != "" { // in an extension
				stop.Value = strings.TrimSpace(value)
			}
			if p.room(1, unsafe.Sizeof(stop)) {
				rule.Stops = append(rule.Stops, stop)
			}
		case "color", "fillColor":
			if c := xf.Color(parseColor(r, nil)); p.room(1, unsafe.Sizeof(c)) {
				rule.Colors = append(rule.Colors, c)
			}
		}
	}
}
