package tools

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"gridflow/internal/book"
	"gridflow/internal/corpus"
	"gridflow/internal/grid"
	"gridflow/internal/workspace"
)

var _ Workspace = (*workspace.Workspace)(nil)

// TestCorpus calls the tools that read cells on all workbooks of the corpus, in all
// profiles and formats: nothing may panic, fail in a way that callers cannot mend, or
// give text that is no UTF-8, JSON that is none, or more than the caps allow.
func TestCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	ctx := context.Background()
	w, err := workspace.Open(ctx, workspace.Options{Roots: []string{dir}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Shut()
	if len(w.Entries(context.Background())) == 0 {
		t.Fatal("GRIDFLOW_CORPUS has no workbooks")
	}
	sheetCalls := []string{
		`sheet_page {"include_formulas":true,"include_styles":true`,
		`sheet_page {"format":"csv"`, `sheet_page {"format":"full"`, `sheet_page {"format":"compact"`, `sheet_page {"format":"values_only"`,
		`range_values {"ranges":["A1:J40","2:3","C:C"]`,
		`range_values {"ranges":["A1:J40"],"format":"dense","include_formulas":true`, `range_values {"ranges":["A1:J40"],"format":"json","include_formulas":true`,
		`range_values {"ranges":["A1:J40"],"format":"rows"`, `range_values {"ranges":["A1:J40"],"format":"csv"`,
		`read_table {"limit":20`, `read_table {"limit":20,"sample_mode":"distributed","format":"json"`,
		`read_table {"limit":5,"header_rows":0,"sample_mode":"last","format":"values","include_types":true,"filters":[{"column":"A","op":"neq"}]`,
		`inspect_cells {"targets":"A1:E5","include_empty":true`,
		`layout_page {"render":"both"`, `layout_page {"mode":"formulas","fit_columns":true,"range":"A1:Z60"`,
		`grid_export {"range":"A1:H30"`,
		`sheet_styles {"summary_only":false`,
	}
	bookCalls := []string{`describe_workbook {`, `list_sheets {"include_bounds":true`, `named_ranges {`, `workbook_style_summary {"summary_only":false`}
	opened, results := 0, 0
	for i, entry := range w.Entries(context.Background()) {
		if testing.Short() && i%20 != 0 {
			continue
		}
		var sheets []grid.SheetInfo
		err := w.View(ctx, entry.ID, func(snap *book.Snapshot) error {
			sheets = snap.Workbook().Sheets
			return nil
		})
		if err != nil {
			continue // which workbooks open is the reader's own test
		}
		opened++
		check := func(call string, sheet string) {
			name, args, _ := strings.Cut(call, " ")
			if args != "{" {
				args += ","
			}
			args += `"workbook_id":"` + entry.ID + `"`
			if sheet != "" {
				args += `,"sheet_name":` + string(appendQuoted(nil, sheet))
			}
			args += "}"
			for _, profile := range []Profile{Dense, Verbose, Compat} {
				checkCall(t, w, profile, entry.Path, name, args)
				results++
			}
		}
		for _, call := range bookCalls {
			check(call, "")
		}
		for _, s := range sheets[:min(len(sheets), 3)] {
			for _, call := range sheetCalls {
				check(call, s.Name)
			}
		}
	}
	t.Logf("%d results from %d workbooks", results, opened)
	if opened == 0 {
		t.Error("no workbook opens")
	}
}

func checkCall(t *testing.T, w Workspace, profile Profile, path, name, args string) {
	caps := DefaultCaps
	for i := range Table() {
		tool := &Table()[i]
		if tool.Name != name {
			continue
		}
		res, err := tool.Call(context.Background(), &Env{Workspace: w, Profile: profile, Caps: caps}, json.RawMessage(args))
		if err != nil {
			var known *Error
			if !errors.As(err, &known) {
				t.Errorf("%s: %s %s: %v", path, name, args, err)
			} else if known.Code == codeInvalidParams || known.Code == codeSheetNotFound {
				t.Errorf("%s: %s %s: %v", path, name, args, err)
			}
			return
		}
		switch {
		case !utf8.ValidString(res.Text):
			t.Errorf("%s: %s %s gives text that is no UTF-8", path, name, args)
		case len(res.Text) > caps.MaxResponseBytes:
			t.Errorf("%s: %s %s gives %d bytes", path, name, args, len(res.Text))
		case (profile == Compat || strings.HasPrefix(res.Text, `{"`)) && !json.Valid([]byte(res.Text)):
			t.Errorf("%s: %s %s gives JSON that is none: %.300s", path, name, args, res.Text)
		case strings.ContainsAny(res.Text, "\x00\x07\x08\x1b") && !strings.Contains(args, `"format":"csv"`): // which has no escapes
			t.Errorf("%s: %s %s gives control characters", path, name, args)
		}
		return
	}
	t.Fatalf("no tool %s", name)
}
