package patch

import (
	"encoding/json"
	"slices"
	"strconv"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/emit"
)

// origins finds for each entry of a new list the one of the old that it is, or is made of: -1 where it is new. Entries
// that are equal come first, by turns; then those that are kin.
func origins[T any](old, new []T, kin func(a, b *T) bool) (from []int, equal []bool) {
	key := func(x *T) string { b, _ := json.Marshal(x); return string(b) } // it has nothing that JSON has not
	have := make(map[string][]int, len(old))
	for i := range old {
		k := key(&old[i])
		have[k] = append(have[k], i)
	}
	from, equal = make([]int, len(new)), make([]bool, len(new))
	used := make([]bool, len(old))
	for i := range new {
		from[i] = -1
		k := key(&new[i])
		if list := have[k]; len(list) > 0 {
			from[i], equal[i], used[list[0]] = list[0], true, true
			have[k] = list[1:]
		}
	}
	next := 0
	for i := range new {
		if equal[i] {
			continue
		}
		for next < len(old) && used[next] {
			next++
		}
		for k := next; k < len(old); k++ {
			if !used[k] && kin(&old[k], &new[i]) {
				from[i], used[k] = k, true
				break
			}
		}
	}
	return from, equal
}

// split gives the entries that stand in the sheet's own lists, and those of an extension.
func split[T any](list []T, extension func(*T) bool) (own, ext []T) {
	for i := range list {
		if extension(&list[i]) {
			ext = append(ext, list[i])
		} else {
			own = append(own, list[i])
		}
	}
	return own, ext
}

// sqref writes a list of ranges as such attributes have it.
func sqref(list []cell.Range) string {
	var b []byte
	for i, r := range list {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, corners(r)...)
	}
	return string(b)
}

// unreadable is the error for a list that reads otherwise here than it did when it was loaded.
func (t *tail) unreadable(name string) error {
	return &xlsx.Error{Code: xlsx.Unsupported, Part: t.part.Name, Offset: -1, Message: "its " + name + " stand in a form in which they cannot be changed",
		Hint: "Save it once in a spreadsheet program, and try again."}
}

// set gives a start tag in which an attribute says value, or nothing where it is empty.
func set(tag []byte, name, value string) []byte {
	if value == "" {
		return withoutAttribute(tag, name)
	}
	return withAttribute(tag, name, string(emit.AppendAttribute(nil, value)))
}

func flagged(tag []byte, name string, on bool) []byte {
	if truth(attribute(tag, name)) == on {
		return tag
	}
	return set(tag, name, map[bool]string{true: "1"}[on])
}

// validations writes the validations. Those that the file has stay as they stand in it, but for what is another.
func (t *tail) validations(p *LayoutPatch) error {
	isExt := func(v *grid.Validation) bool { return v.Extension }
	old, oldExt := split(t.loaded.Layout.Validations, isExt)
	list, ext := split(*p.Validations, isExt)
	var have []element
	for _, l := range t.find("dataValidations") {
		for _, c := range t.children(l) {
			if c.local == "dataValidation" {
				have = append(have, c)
			}
		}
	}
	if len(have) != len(old) {
		return t.unreadable("validations")
	}
	from, equal := origins(old, list, func(a, b *grid.Validation) bool {
		return a.Type == b.Type && (sqref(a.Ranges) == sqref(b.Ranges) || a.Formula1 == b.Formula1)
	})
	changed := len(old) != len(list)
	var inner []byte
	for i := range list {
		changed = changed || !equal[i] || from[i] != i
		if equal[i] {
			inner = append(inner, t.text[have[from[i]].from:have[from[i]].to]...)
			continue
		}
		var was *grid.Validation
		tag, formulas := []byte("<"+t.e.l.Prefix+"dataValidation>"), []byte(nil)
		if from[i] >= 0 {
			c := have[from[i]]
			was, tag, formulas = &old[from[i]], openTag(c, t.text), t.text[c.tagEnd:c.inner]
		}
		inner = append(inner, t.validation(&list[i], was, tag, formulas)...)
	}
	if changed {
		t.put("dataValidations", t.list("dataValidations", len(list), inner))
	}
	return t.extended("dataValidation", extensionRules(oldExt, func(v *grid.Validation) extRule {
		return extRule{ranges: v.Ranges, formulas: []string{v.Formula1, v.Formula2}}
	}), extensionRules(ext, func(v *grid.Validation) extRule {
		return extRule{ranges: v.Ranges, formulas: []string{v.Formula1, v.Formula2}}
	}))
}

// validation writes one, on the start tag and the contents that it had, if it was there.
func (t *tail) validation(v, was *grid.Validation, tag, formulas []byte) []byte {
	kind, operator := v.Type, v.Operator
	if kind == "none" {
		kind = ""
	}
	if operator == "between" {
		operator = ""
	}
	tag = set(tag, "type", kind)
	tag = set(tag, "errorStyle", v.ErrorStyle)
	tag = set(tag, "operator", operator)
	tag = flagged(tag, "allowBlank", v.AllowBlank)
	tag = flagged(tag, "showDropDown", v.HideDropDown)
	tag = flagged(tag, "showInputMessage", v.ShowPrompt)
	tag = flagged(tag, "showErrorMessage", v.ShowError)
	tag = set(tag, "errorTitle", v.ErrorTitle)
	tag = set(tag, "error", v.Error)
	tag = set(tag, "promptTitle", v.PromptTitle)
	tag = set(tag, "prompt", v.Prompt)
	tag = set(tag, "sqref", sqref(v.Ranges))
	if was == nil || was.Formula1 != v.Formula1 || was.Formula2 != v.Formula2 {
		formulas = t.formula(t.formula(nil, "formula1", v.Formula1), "formula2", v.Formula2)
	}
	return slices.Concat(tag, formulas, []byte("</"+t.e.l.Prefix+"dataValidation>"))
}

// formula appends an element with a formula, nothing where it is empty.
func (t *tail) formula(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, "<"+t.e.l.Prefix+name+">"...)
	return append(emit.AppendText(b, text), "</"+t.e.l.Prefix+name+">"...)
}

// conditional writes the conditional formats. Rules that the file has stay as they stand in it, in the element with the
// others of their ranges as far as they still have these.
func (t *tail) conditional(p *LayoutPatch) error {
	isExt := func(f *grid.ConditionalFormat) bool { return f.Extension }
	old, oldExt := split(t.loaded.Layout.Conditional, isExt)
	list, ext := split(*p.Conditional, isExt)
	groups := t.find("conditionalFormatting")
	var have []element
	var in []int // the group of each
	size := make([]int, len(groups))
	for g, group := range groups {
		for _, c := range t.children(group) {
			if c.local == "cfRule" {
				have, in = append(have, c), append(in, g)
				size[g]++
			}
		}
	}
	if len(have) != len(old) {
		return t.unreadable("conditional formats")
	}
	from, equal := origins(old, list, func(a, b *grid.ConditionalFormat) bool {
		return a.Type == b.Type && a.Operator == b.Operator && b.Look == nil
	})
	changed := len(old) != len(list)
	var xml []byte
	for i := 0; i < len(list); {
		g, whole := -1, true
		if from[i] >= 0 {
			g = in[from[i]]
		}
		end := i
		for ; end < len(list); end++ {
			og := -1
			if from[end] >= 0 {
				og = in[from[end]]
			}
			if og != g || sqref(list[end].Ranges) != sqref(list[i].Ranges) {
				break
			}
			whole = whole && equal[end] && (end == i || from[end] == from[end-1]+1)
			changed = changed || !equal[end] || from[end] != end
		}
		if g >= 0 && whole && end-i == size[g] {
			xml = append(xml, t.text[groups[g].from:groups[g].to]...)
			i = end
			continue
		}
		tag := []byte("<" + t.e.l.Prefix + "conditionalFormatting>")
		if g >= 0 {
			tag = openTag(groups[g], t.text)
		}
		xml = append(xml, withAttribute(tag, "sqref", sqref(list[i].Ranges))...)
		for ; i < end; i++ {
			rule, err := t.rule(&list[i], from[i], equal[i], old, have)
			if err != nil {
				return err
			}
			xml = append(xml, rule...)
		}
		xml = append(xml, "</"+t.e.l.Prefix+"conditionalFormatting>"...)
	}
	if changed {
		t.put("conditionalFormatting", xml)
	}
	was := extensionRules(oldExt, extOf)
	is := extensionRules(ext, extOf)
	details := map[string][]cell.Range{} // where the rules of the sheet's own that an extension details are now
	for i := range list {
		if from[i] >= 0 && old[from[i]].Detail != "" {
			details[old[from[i]].Detail] = list[i].Ranges
		}
	}
	for i := range old {
		if id := old[i].Detail; id != "" {
			was = append(was, extRule{id: id, ranges: old[i].Ranges})
			if r, ok := details[id]; ok {
				is = append(is, extRule{id: id, ranges: r})
			}
		}
	}
	return t.extended("cfRule", was, is)
}

func extOf(f *grid.ConditionalFormat) extRule {
	return extRule{ranges: f.Ranges, formulas: f.Formulas}
}

// rule writes one rule: as it stands in the file, or with what is another, or anew.
func (t *tail) rule(f *grid.ConditionalFormat, from int, equal bool, old []grid.ConditionalFormat, have []element) ([]byte, error) {
	if from < 0 {
		return t.newRule(f)
	}
	was, c := &old[from], have[from]
	if equal || was.Priority == f.Priority && was.StopIfTrue == f.StopIfTrue && slices.Equal(was.Formulas, f.Formulas) {
		return t.text[c.from:c.to], nil
	}
	tag, inner := openTag(c, t.text), t.text[c.tagEnd:c.inner]
	tag = withAttribute(tag, "priority", strconv.Itoa(f.Priority))
	tag = flagged(tag, "stopIfTrue", f.StopIfTrue)
	if !slices.Equal(was.Formulas, f.Formulas) {
		inner = nil
		for _, one := range f.Formulas {
			inner = t.formula(inner, "formula", one)
		}
		for _, x := range t.children(c) {
			if x.local != "formula" {
				inner = append(inner, t.text[x.from:x.to]...)
			}
		}
	}
	return slices.Concat(tag, inner, []byte("</"+t.e.l.Prefix+"cfRule>")), nil
}

// newRule writes a rule of an edit (ECMA-376 part 1, CT_CfRule).
func (t *tail) newRule(f *grid.ConditionalFormat) ([]byte, error) {
	prefix := t.e.l.Prefix
	dxf := f.DxfID
	if f.Look != nil {
		var err error
		if dxf, err = t.e.s.look(f.Look); err != nil {
			return nil, err
		}
	}
	tag := set([]byte("<"+prefix+"cfRule>"), "type", f.Type)
	if dxf >= 0 {
		tag = withAttribute(tag, "dxfId", strconv.Itoa(dxf))
	}
	tag = withAttribute(tag, "priority", strconv.Itoa(max(f.Priority, 1)))
	tag = flagged(tag, "stopIfTrue", f.StopIfTrue)
	if f.Below {
		tag = withAttribute(tag, "aboveAverage", "0")
	}
	tag = flagged(tag, "percent", f.Percent)
	tag = flagged(tag, "bottom", f.Bottom)
	tag = set(tag, "operator", f.Operator)
	tag = set(tag, "text", f.Text)
	tag = set(tag, "timePeriod", f.TimePeriod)
	if f.Rank > 0 {
		tag = withAttribute(tag, "rank", strconv.Itoa(f.Rank))
	}
	if f.StdDev > 0 {
		tag = withAttribute(tag, "stdDev", strconv.Itoa(f.StdDev))
	}
	tag = flagged(tag, "equalAverage", f.Equal)
	xml := tag
	for _, one := range f.Formulas {
		xml = t.formula(xml, "formula", one)
	}
	if f.Type == "colorScale" || f.Type == "dataBar" || f.Type == "iconSet" {
		scale := []byte("<" + prefix + f.Type + ">")
		scale = set(scale, "iconSet", f.IconSet)
		if f.HideValue {
			scale = withAttribute(scale, "showValue", "0")
		}
		scale = flagged(scale, "reverse", f.Reverse)
		for _, stop := range f.Stops {
			one := set([]byte("<"+prefix+"cfvo/>"), "type", stop.Type)
			one = set(one, "val", stop.Value)
			if stop.Above {
				one = withAttribute(one, "gte", "0")
			}
			scale = append(scale, one...)
		}
		for _, c := range f.Colors {
			scale = append(appendColor(append(scale, "<"+prefix+"color"...), c), "/>"...)
		}
		xml = append(append(xml, scale...), "</"+prefix+f.Type+">"...)
	}
	return append(xml, "</"+prefix+"cfRule>"...), nil
}
