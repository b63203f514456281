package admit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridflow/flow"
	"gridflow/internal/tools"
)

// books are workbooks by id: the size of the file and what of it is in memory.
type books map[string][2]int64

func (b books) Peek(_ context.Context, id string) (fileBytes, memoryBytes int64, ok bool) {
	x, ok := b[id]
	return x[0], x[1], ok
}

// Converts is of ids that begin with an extension.
func (b books) Converts(_ context.Context, id string) bool { return strings.HasPrefix(id, ".xls-") }

func (b books) Unread(_ context.Context, id, sheet string) int64 {
	switch {
	case id == "half" && sheet == "":
		return 9_000_000
	case id == "half" && sheet == "Unread":
		return 5_000_000
	}
	return 0
}

// TestPrice: a call is priced by its tool, by the size of its workbook and by whether that
// is in memory.
func TestPrice(t *testing.T) {
	p := &Pricer{
		Books:    books{"small": {20_000, 0}, "large": {80_000_000, 0}, "open": {80_000_000, 1_000_000}, "loaded": {80_000_000, 70_000_000}, "half": {80_000_000, 70_000_000}},
		MaxBytes: func() int64 { return 100 << 20 },
	}
	rows := map[string]*tools.Tool{}
	for _, tool := range tools.Table() {
		rows[tool.Name] = &tool
	}
	for _, c := range []struct {
		tool, args, uri string
		class           int // by the prior
		cold            bool
		bytes           int64
		share           string
	}{
		{tool: "list_workbooks", args: `{}`, class: flow.Admin},
		{tool: "close_workbook", args: `{"workbook_id":"large"}`, class: flow.Admin},
		{tool: "range_values", args: `{"workbook_id":"small"}`, class: flow.Fast, cold: true, bytes: 64 << 10, share: "load small"},
		{tool: "range_values", args: `{"workbook_id":"large"}`, class: flow.Fast, cold: true, bytes: 100 << 20, share: "load large"},
		{tool: "range_values", args: `{"workbook_or_fork_id":"open"}`, class: flow.Fast, cold: true, bytes: 100 << 20, share: "load open"},
		{tool: "range_values", args: `{"workbook_id":"loaded"}`, class: flow.Fast},
		{tool: "table_profile", args: `{"workbook_id":"loaded"}`, class: flow.Medium},
		{tool: "range_values", args: `{"workbook_id":"half","sheet_name":"Unread"}`, class: flow.Fast, bytes: 8 << 20},
		{tool: "range_values", args: `{"workbook_id":"half","sheet_name":"Data"}`, class: flow.Fast},
		{tool: "find_value", args: `{"workbook_id":"half"}`, class: flow.Medium, bytes: 16 << 20},
		{tool: "range_values", args: `{"workbook_id":"small","sheet_name":"Data"}`, class: flow.Fast, cold: true, bytes: 64 << 10, share: "load small/Data"},
		{tool: "create_fork", args: `{"workbook_id":"small"}`, class: flow.Fast, cold: true, bytes: 64 << 10},
		{tool: "table_profile", args: `{"workbook_id":"large"}`, class: flow.Slow, cold: true, bytes: 100 << 20},
		{tool: "table_profile", args: `{"workbook_id":"small"}`, class: flow.Fast, cold: true, bytes: 64 << 10},
		{tool: "table_profile", args: `{"workbook_id":"none"}`, class: flow.Fast},
		{tool: "table_profile", args: `{"workbook_id":7}`, class: flow.Fast},
		{tool: "table_profile", args: `nonsense`, class: flow.Fast},
		{tool: "create_fork", args: `{"workbook_id":"loaded"}`, class: flow.Fast},
		{tool: "save_fork", args: `{"fork_id":"loaded"}`, class: flow.Medium},
		{uri: "gridflow://large/Data/A1", class: flow.Fast, cold: true, bytes: 100 << 20, share: "load large/Data"},
		{uri: "gridflow://loaded", class: flow.Fast},
		{uri: "gridflow://%6Coaded/x", class: flow.Fast},
		{uri: "nonsense", class: flow.Fast},
	} {
		w := p.Price(t.Context(), rows[c.tool], json.RawMessage(c.args), c.uri)
		class := w.Class
		if class == flow.Auto {
			class = flow.ClassOf(w.Prior)
		}
		got := fmt.Sprint(class, w.Kind.Cold, w.Need[flow.Bytes], w.Share)
		if want := fmt.Sprint(c.class, c.cold, c.bytes, c.share); got != want {
			t.Errorf("%s %s%s: class, cold, bytes and share are %s, want %s", c.tool, c.args, c.uri, got, want)
		}
		if cpu := w.Need[flow.CPU]; cpu != 1 && class != flow.Admin || cpu != 0 && class == flow.Admin {
			t.Errorf("%s %s%s takes %d seats", c.tool, c.args, c.uri, cpu)
		}
		if disk := strings.Contains(" create_fork create_workbook export_csv export_workbook save_fork ", " "+c.tool+" "); (w.Need[flow.IO] == 1) != disk || w.Need[flow.IO] > 1 {
			t.Errorf("%s takes %d seats at the disk", c.tool, w.Need[flow.IO])
		}
		if w.Prior <= 0 || w.Prior > time.Minute || w.Kind.Name == "" {
			t.Errorf("%s %s%s: %+v", c.tool, c.args, c.uri, w)
		}
	}
}

// TestEveryToolSaysWhatItReaches: a tool without a word about its reach counts as one that
// reads a few rows, which is right for these only.
func TestEveryToolSaysWhatItReaches(t *testing.T) {
	var part []string
	for _, tool := range tools.Table() {
		if tool.Reach == tools.ReachPart {
			part = append(part, tool.Name)
		}
	}
	const want = "apply_staged_change create_fork create_workbook get_changeset get_manifest_stub list_sheets named_ranges range_values read_table redo restore_checkpoint sheet_page undo vba_module_source vba_project_summary"
	if got := strings.Join(part, " "); got != want {
		t.Errorf("tools that read a part of a workbook: %s\nwant: %s", got, want)
	}
}

// TestWhoWritesFiles: a tool that writes files or copies them takes a seat at the disk; these do.
func TestWhoWritesFiles(t *testing.T) {
	var disk []string
	for _, tool := range tools.Table() {
		if tool.Disk {
			disk = append(disk, tool.Name)
		}
	}
	const want = "create_fork create_workbook export_csv export_workbook save_fork"
	if got := strings.Join(disk, " "); got != want {
		t.Errorf("at the disk: %s, want %s", got, want)
	}
}

// TestOffice: what LibreOffice does takes a seat for recalculations or renderings, and none of
// the processors unless the call calculates by itself too; it is never taken for a short call.
func TestOffice(t *testing.T) {
	p := &Pricer{
		Books:    books{"small": {20_000, 20_000}, "large": {80_000_000, 70_000_000}, ".xls-a": {20_000, 0}},
		MaxBytes: func() int64 { return 100 << 20 },
	}
	none := func() []tools.Param { return nil }
	rows := map[string]*tools.Tool{
		"draws":    {Name: "draws", Reach: tools.ReachBook, Office: tools.OfficeRender, Params: none},
		"converts": {Name: "converts", Reach: tools.ReachBook, Disk: true, Office: tools.OfficeConvert, Params: none},
		"lists":    {Name: "lists"},
	}
	for _, tool := range tools.Table() {
		if tool.Office == tools.OfficeRecalc {
			rows[tool.Name] = &tool
		}
	}
	if rows["recalculate"] == nil || rows["verify_calculation"] == nil {
		t.Fatal("who recalculates with LibreOffice does not say so")
	}
	type seats struct{ cpu, io, recalc, render int64 }
	for _, c := range []struct {
		tool, args string
		want       seats
		class      int
		share      string
	}{
		{"lists", `{"workbook_id":"small","backend":"libreoffice"}`, seats{1, 0, 0, 0}, flow.Fast, ""},
		{"draws", `{"workbook_id":"small"}`, seats{0, 0, 0, 1}, flow.Medium, ""},
		{"draws", `{"workbook_id":"large"}`, seats{0, 0, 0, 1}, flow.Slow, ""},
		{"converts", `{"workbook_id":"small"}`, seats{0, 1, 1, 0}, flow.Medium, ""},
		{"lists", `{"workbook_id":".xls-a"}`, seats{0, 0, 1, 0}, flow.Medium, "load .xls-a"},
		{"draws", `{"workbook_id":".xls-a"}`, seats{0, 0, 1, 1}, flow.Medium, ""},
		{"recalculate", `{"fork_id":"small"}`, seats{1, 0, 0, 0}, flow.Fast, ""},
		{"recalculate", `{"fork_id":"small","backend":"auto"}`, seats{1, 0, 0, 0}, flow.Fast, ""},
		{"recalculate", `{"fork_id":"small","backend":"native"}`, seats{1, 0, 0, 0}, flow.Fast, ""},
		{"recalculate", `{"fork_id":"small","backend":7}`, seats{1, 0, 0, 0}, flow.Fast, ""},
		{"recalculate", `{"fork_id":"small","backend":"LibreOffice"}`, seats{0, 0, 1, 0}, flow.Medium, "office recalculate libreoffice small"},
		{"recalculate", `{"fork_id":"large","backend":"both"}`, seats{1, 0, 1, 0}, flow.Slow, "office recalculate both large"},
		{"verify_calculation", `{"workbook_or_fork_id":"small","backend":"libreoffice"}`, seats{0, 0, 1, 0}, flow.Medium, "office verify_calculation libreoffice small"},
	} {
		w := p.Price(t.Context(), rows[c.tool], json.RawMessage(c.args), "")
		if w.Apart != (w.Need[flow.CPU] == 0) {
			t.Errorf("%s %s: apart is %v", c.tool, c.args, w.Apart)
		}
		got := seats{w.Need[flow.CPU], w.Need[flow.IO], w.Need[flow.Recalc], w.Need[flow.Render]}
		if got != c.want || flow.ClassOf(w.Prior) != c.class || w.Share != c.share || w.Class != flow.Auto {
			t.Errorf("%s %s: %+v of class %d, share %q", c.tool, c.args, got, flow.ClassOf(w.Prior), w.Share)
		}
		if native := p.Price(t.Context(), rows[c.tool], json.RawMessage(`{"workbook_id":"small"}`), ""); c.want.recalc > 0 && c.tool != "converts" && native.Kind == w.Kind {
			t.Errorf("%s by LibreOffice is predicted as if it were not", c.tool)
		}
	}
}
