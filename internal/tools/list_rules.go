package tools

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type listRulesIn struct {
	Book
	Sheet  string `json:"sheet_name" doc:"All sheets unless given"`
	Range  string `json:"range" doc:"Only rules of some of these cells"`
	Kinds  string `json:"kinds" enum:"all|validations|conditional_formats|filters" default:"all" doc:"Tables whose filter has no criteria only with filters"`
	Limit  int    `json:"limit" default:"100" min:"1" max:"5000"`
	Offset int    `json:"offset" default:"0" min:"0"`
}

type listRulesOut struct {
	Cut
	WorkbookID string     `json:"workbook_id"`
	Rules      []ruleItem `json:"rules"`
	NextOffset int        `json:"next_offset,omitempty"`
}

type ruleItem struct {
	Sheet    string   `json:"sheet_name"`
	Rule     string   `json:"rule"` // "validation", "conditional_format" or "filter"
	Range    string   `json:"range"`
	Type     string   `json:"type,omitempty"` // as files have it
	Operator string   `json:"operator,omitempty"`
	Formulas []string `json:"formulas"`

	// Of validations.
	AllowBlank   bool         `json:"allow_blank,omitempty"`
	HideDropDown bool         `json:"hide_drop_down,omitempty"`
	Prompt       *ruleMessage `json:"prompt"`
	Error        *ruleMessage `json:"error"`

	// Of filters.
	Table   string       `json:"table_name,omitempty"`
	Columns []filterItem `json:"columns"`

	// Of conditional formats.
	Priority   int               `json:"priority,omitempty"`
	StopIfTrue bool              `json:"stop_if_true,omitempty"`
	Text       string            `json:"text,omitempty"`
	Period     string            `json:"period,omitempty"`
	Rank       int               `json:"rank,omitempty"`
	Percent    bool              `json:"percent,omitempty"`
	Bottom     bool              `json:"bottom,omitempty"`
	Below      bool              `json:"below_average,omitempty"`
	Equal      bool              `json:"equal,omitempty"`
	StdDev     int               `json:"std_dev,omitempty"`
	Stops      []grid.Stop       `json:"stops"`
	Colors     []string          `json:"colors"`
	IconSet    string            `json:"icon_set,omitempty"`
	HideValue  bool              `json:"hide_value,omitempty"`
	Reverse    bool              `json:"reverse,omitempty"`
	Style      map[string]string `json:"style"` // leaf by leaf

	Extension bool `json:"extension,omitempty"` // only newer versions of Excel know it
}

var listRules = define(Spec{
	Name: "list_rules", Title: "List validations, conditional formats and filters", Toolset: "read", Reach: ReachBook,
	Description: "The data validations, conditional formats and filters of a workbook or sheet, each with its cells, formulas, messages, thresholds, criteria, and how cells look that it holds for. rules_batch and filter_batch change them.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1"}`,
}, viewed(readRules))

func readRules(ctx context.Context, env *Env, snap *book.Snapshot, in listRulesIn) (*listRulesOut, error) {
	out := &listRulesOut{WorkbookID: snap.ID}
	lim := env.budget(in.Limit)
	total, full := 0, false
	tables, err := snap.Tables(ctx)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	err = eachLayout(ctx, snap, in.Sheet, in.Range, func(sheet string, l *grid.Layout, within []cell.Range) {
		add := func(item ruleItem) {
			total++
			if total <= in.Offset || full {
				return
			}
			if full = !lim.takeEntry(&item); !full {
				out.Rules = append(out.Rules, item)
			}
		}
		all := in.Kinds == "all" || in.Kinds == ""
		if all || in.Kinds == "validations" {
			for i := range l.Validations {
				if meets(l.Validations[i].Ranges, within) {
					add(validationItem(sheet, &l.Validations[i]))
				}
			}
		}
		if all || in.Kinds == "conditional_formats" {
			for i := range l.Conditional {
				if meets(l.Conditional[i].Ranges, within) {
					add(conditionalItem(sheet, snap.Workbook().Styles, &l.Conditional[i]))
				}
			}
		}
		if all || in.Kinds == "filters" { // every table has buttons: they are told only where they were asked for
			if f := l.Filter(); !f.None && meets([]cell.Range{f.Range}, within) {
				add(ruleItem{Sheet: sheet, Rule: "filter", Range: f.Range.String(), Columns: filterItems(f, func(k int) string { return cell.ColumnName(f.Range.First.Col + k) })})
			}
			index, _ := snap.SheetIndex(sheet)
			for i := range tables {
				t := &tables[i]
				if t.Sheet != index || !t.AutoFilter || all && len(t.Filters) == 0 || !meets([]cell.Range{t.Range}, within) {
					continue
				}
				f := grid.Filter{Range: t.Range, Columns: t.Filters}
				f.Range.Last.Row -= t.TotalsRows
				add(ruleItem{Sheet: sheet, Rule: "filter", Range: f.Range.String(), Table: t.Name, Columns: filterItems(f, func(k int) string {
					if k >= len(t.Columns) {
						return cell.ColumnName(f.Range.First.Col + k)
					}
					return t.Columns[k].Name
				})})
			}
		}
	})
	if err != nil {
		return nil, err
	}
	onward(&out.Cut, &out.NextOffset, portion{"entries", len(out.Rules), total, false}, "list_rules", &in, &in.Offset)
	return out, nil
}

// filterItem is the criterion of a column, in the words of filter_batch.
type filterItem struct {
	Column  string           `json:"column"`
	Values  []string         `json:"values"`
	Blanks  bool             `json:"blanks,omitempty"`
	Tests   []filterTestItem `json:"tests"`
	Match   string           `json:"match,omitempty"`
	Top     float64          `json:"top,omitempty"`
	Bottom  float64          `json:"bottom,omitempty"`
	Percent bool             `json:"percent,omitempty"`
	Other   string           `json:"other,omitempty"` // a kind that filter_batch does not set, as files call it
}

type filterTestItem struct {
	Operator string `json:"operator"`
	Value    string `json:"value"` // as files have it: * and ? are wildcards, dates are serials
}

// filterItems words criteria; name gives that of a column.
func filterItems(f grid.Filter, name func(k int) string) (list []filterItem) {
	operators := map[string]string{}
	for word, o := range filterOperators {
		if o.value == "%" {
			operators[o.file] = word
		}
	}
	for _, c := range f.Columns {
		item := filterItem{Column: name(c.Column), Values: c.Values, Blanks: c.Blank, Percent: c.Percent, Other: c.Other}
		for _, t := range c.Custom {
			item.Tests = append(item.Tests, filterTestItem{operators[cmp.Or(t.Operator, "equal")], t.Value})
		}
		if len(c.Custom) == 2 && !c.And {
			item.Match = "any"
		}
		if c.Bottom {
			item.Bottom = c.Top
		} else {
			item.Top = c.Top
		}
		list = append(list, item)
	}
	return list
}

// String words a criterion.
func (f *filterItem) String() string {
	b := []byte(f.Column)
	switch {
	case f.Other != "":
		b = fmt.Appendf(b, " by %s", f.Other)
	case f.Top > 0 || f.Bottom > 0:
		b = fmt.Appendf(b, " %s %v", map[bool]string{true: "top", false: "bottom"}[f.Top > 0], f.Top+f.Bottom)
		if f.Percent {
			b = append(b, " percent"...)
		}
	case len(f.Tests) > 0:
		for k, t := range f.Tests {
			if k > 0 {
				b = append(b, map[bool]string{true: " or", false: " and"}[f.Match == "any"]...)
			}
			b = fmt.Appendf(b, " %s %q", t.Operator, t.Value)
		}
	default:
		shown := f.Values[:min(len(f.Values), filterValuesShown)]
		b = fmt.Appendf(b, " is %q", shown)
		if more := len(f.Values) - len(shown); more > 0 {
			b = fmt.Appendf(b, " or one of %d more", more)
		}
		if f.Blanks {
			b = append(b, " or blank"...)
		}
	}
	return string(b)
}

// filterValuesShown is how many texts of a criterion are told in words.
const filterValuesShown = 20

// eachLayout calls fn for what stands around the cells of a sheet, or of all; within are the ranges that are asked for, nil
// for all.
func eachLayout(ctx context.Context, snap *book.Snapshot, sheet, rng string, fn func(sheet string, l *grid.Layout, within []cell.Range)) error {
	only, within := -1, []cell.Range(nil)
	if sheet == "" && rng != "" {
		return invalid("Give sheet_name, too", "range %q is of no sheet", clip(rng, 64))
	}
	if sheet != "" {
		var err error
		if only, err = sheetNamed(snap, sheet); err != nil {
			return err
		}
		if rng != "" {
			list, err := areas(ctx, snap, only, rng)
			if err != nil {
				return err
			}
			for _, a := range list {
				if a.sheet != list[0].sheet {
					return invalid("Make two calls of it", "%q is on two sheets", clip(rng, 64))
				}
				within = append(within, a.rng)
			}
			only = list[0].sheet
		}
	}
	for i, info := range snap.Workbook().Sheets {
		if only >= 0 && i != only || only < 0 && (info.Kind != grid.Worksheet || info.Problem != "") {
			continue
		}
		s, err := snap.Sheet(ctx, i)
		if err != nil {
			return err
		}
		fn(info.Name, s.Layout, within)
	}
	return nil
}

// meets tells whether some range of a list has cells of one of others; nil others are all cells.
func meets(list, others []cell.Range) bool {
	if others == nil {
		return true
	}
	for _, a := range list {
		if slices.ContainsFunc(others, func(b cell.Range) bool { _, meet := a.Intersect(b); return meet }) {
			return true
		}
	}
	return false
}

// allRanges writes a list of ranges whole.
func allRanges(list []cell.Range) string {
	text, _ := book.Ranges(list).MarshalText()
	return string(text)
}

func validationItem(sheet string, v *grid.Validation) ruleItem {
	item := ruleItem{Sheet: sheet, Rule: "validation", Range: allRanges(v.Ranges), Type: v.Type, AllowBlank: v.AllowBlank, HideDropDown: v.HideDropDown, Extension: v.Extension}
	if _, compares := textOrNumber[v.Type]; compares {
		item.Operator = v.Operator
	}
	for _, f := range []string{v.Formula1, v.Formula2} {
		if f != "" {
			item.Formulas = append(item.Formulas, f)
		}
	}
	if v.PromptTitle != "" || v.Prompt != "" {
		item.Prompt = &ruleMessage{Title: v.PromptTitle, Message: v.Prompt}
	}
	if v.ShowError || v.ErrorTitle != "" || v.Error != "" {
		item.Error = &ruleMessage{Title: v.ErrorTitle, Message: v.Error, Style: orText(v.ErrorStyle, "stop")}
	}
	return item
}

// textOrNumber are the types of validation that compare.
var textOrNumber = map[string]bool{"whole": true, "decimal": true, "date": true, "time": true, "textLength": true}

func conditionalItem(sheet string, styles *grid.Styles, f *grid.ConditionalFormat) ruleItem {
	return ruleItem{Sheet: sheet, Rule: "conditional_format", Range: allRanges(f.Ranges), Type: f.Type, Operator: f.Operator, Formulas: f.Formulas, Priority: f.Priority,
		StopIfTrue: f.StopIfTrue, Text: f.Text, Period: f.TimePeriod, Rank: f.Rank, Percent: f.Percent, Bottom: f.Bottom, Below: f.Below, Equal: f.Equal, StdDev: f.StdDev,
		Stops: f.Stops, Colors: f.Colors, IconSet: f.IconSet, HideValue: f.HideValue, Reverse: f.Reverse, Style: book.RuleLook(styles, f), Extension: f.Extension}
}

func (o *listRulesOut) appendText(b []byte, _ bool) []byte {
	if len(o.Rules) == 0 && o.Next == "" {
		return append(b, "no validations, conditional formats or filters\n"...)
	}
	sheet := ""
	for i := range o.Rules {
		r := &o.Rules[i]
		if r.Sheet != sheet {
			sheet = r.Sheet
			b = append(appendEscaped(b, sheet), '\n')
		}
		b = append(append(append(b, "  "...), r.Range...), '\t')
		b = append(b, map[string]string{"validation": "allows ", "conditional_format": "format ", "filter": "filter"}[r.Rule]...)
		b = append(b, plain(r.Type)...)
		part := func(format string, args ...any) { b = fmt.Appendf(b, format, args...) }
		if r.Table != "" {
			part(" of table %s", plain(r.Table))
		}
		for k := range r.Columns {
			part("%s%s", map[bool]string{true: ": ", false: "; "}[k == 0], plain(r.Columns[k].String()))
		}
		if r.Operator != "" && r.Operator != r.Type {
			part(" %s", plain(r.Operator))
		}
		if len(r.Formulas) > 0 {
			part(" %s", plain(strings.Join(r.Formulas, " and ")))
		}
		for _, w := range []struct {
			on   bool
			text string
		}{{r.Text != "", ` text "` + r.Text + `"`}, {r.Period != "", " " + r.Period}, {r.Rank > 0, fmt.Sprintf(" %d", r.Rank)}, {r.Percent, " percent"}, {r.Bottom, " bottom"},
			{r.Below, " below"}, {r.Equal, " or equal"}, {r.StdDev > 0, fmt.Sprintf(" %d std dev", r.StdDev)}, {r.IconSet != "", " " + r.IconSet}, {r.Reverse, " reversed"},
			{r.HideValue, " values hidden"}, {r.HideDropDown, " no drop-down"}, {r.Rule == "validation" && !r.AllowBlank, " not blank"}, {r.Extension, " (extension)"}, {r.StopIfTrue, " stop"}} {
			if w.on {
				b = append(b, plain(w.text)...)
			}
		}
		for k, stop := range r.Stops {
			sep := map[bool]string{true: " stops ", false: ", "}[k == 0]
			part("%s%s", sep, strings.TrimSuffix(plain(stop.Type+" "+stop.Value), " "))
		}
		if len(r.Colors) > 0 {
			part(" colours %s", plain(strings.Join(r.Colors, ", ")))
		}
		if r.Prompt != nil {
			part("\tprompt %s: %s", plain(r.Prompt.Title), plain(r.Prompt.Message))
		}
		if r.Error != nil && r.Error.Title+r.Error.Message != "" {
			part("\t%s %s: %s", r.Error.Style, plain(r.Error.Title), plain(r.Error.Message))
		}
		if len(r.Style) > 0 {
			list := make([]string, 0, len(r.Style))
			for _, leaf := range slices.Sorted(maps.Keys(r.Style)) {
				list = append(list, leaf+"="+r.Style[leaf])
			}
			part("\t%s", plain(strings.Join(list, ", ")))
		}
		if r.Priority > 0 {
			part("\tpriority %d", r.Priority)
		}
		b = append(b, '\n')
	}
	return b
}
