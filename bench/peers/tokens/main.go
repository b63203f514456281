// Command tokens measures what it costs a model to read: how many tokens each read tool of gridflow gives for a
// cell that holds something, beside the same reads of spreadsheet-mcp and of excel-mcp-server, each as it answers by
// default, over workbooks of other people.
//
//	cd bench/peers && go run ./tokens -corpus DIR -tools DIR [-books 60]
//
// DIR of -tools is what servers/install.sh has filled; peers that are not there are left out. A token is taken for 3.6
// bytes of what the model reads: the text of a result, or its structured content where it has no text.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

const bytesPerToken = 3.6

// A book is a workbook whose first sheet with cells is read.
type book struct {
	file, sheet string
	grid        *grid.Sheet
}

// A read is one call that servers have in common.
type read struct {
	name string
	of   func(b *book) cell.Range // the cells that it gives
	args map[string]func(b *book, id string) (tool string, args map[string]any)
}

func main() {
	corpus := flag.String("corpus", "", "folder with workbooks")
	tools := flag.String("tools", "", "folder that install.sh has filled")
	most := flag.Int("books", 60, "workbooks that are read")
	flag.Parse()
	if err := run(*corpus, *tools, *most); err != nil {
		fmt.Fprintln(os.Stderr, "tokens:", err)
		os.Exit(1)
	}
}

// The reads: what a caller asks for who wants to see a sheet, and nothing else.
func reads() []read {
	page := func(b *book, id string) (string, map[string]any) {
		return "sheet_page", map[string]any{"workbook_id": id, "sheet_name": b.sheet}
	}
	ranged := func(b *book, id string) (string, map[string]any) {
		return "range_values", map[string]any{"workbook_id": id, "sheet_name": b.sheet, "ranges": []string{"A1:J30"}}
	}
	table := func(b *book, id string) (string, map[string]any) {
		return "read_table", map[string]any{"workbook_id": id, "sheet_name": b.sheet, "range": "A1:J30"}
	}
	cells := func(b *book, id string) (string, map[string]any) {
		return "inspect_cells", map[string]any{"workbook_id": id, "sheet_name": b.sheet, "targets": []string{"A1:C5"}}
	}
	layout := func(b *book, id string) (string, map[string]any) {
		return "layout_page", map[string]any{"workbook_id": id, "sheet_name": b.sheet, "range": "A1:J30"}
	}
	export := func(b *book, id string) (string, map[string]any) {
		return "grid_export", map[string]any{"workbook_id": id, "sheet_name": b.sheet, "range": "A1:J30"}
	}
	python := func(b *book, _ string) (string, map[string]any) {
		return "read_range", map[string]any{"path": b.file, "sheet": b.sheet, "range": "A1:J30"}
	}
	corner := func(last string) func(*book) cell.Range {
		return func(*book) cell.Range { r, _ := cell.ParseRange("A1:" + last); return r }
	}
	first50 := func(b *book) cell.Range {
		r, _ := b.grid.Used()
		r.First = cell.Ref{}
		r.Last.Row = min(r.Last.Row, 49)
		return r
	}
	both := func(f func(*book, string) (string, map[string]any)) map[string]func(*book, string) (string, map[string]any) {
		return map[string]func(*book, string) (string, map[string]any){"gridflow": f, "gridflow, compat": f, "spreadsheet-mcp": f}
	}
	list := []read{
		{"sheet_page", first50, both(page)},
		{"range_values", corner("J30"), both(ranged)},
		{"read_table", corner("J30"), both(table)},
		{"layout_page", corner("J30"), both(layout)},
		{"grid_export", corner("J30"), both(export)},
		{"inspect_cells", corner("C5"), both(cells)},
	}
	list[1].args["excel-mcp-server"] = python
	return list
}

func run(corpus, tools string, most int) error {
	ctx := context.Background()
	root, err := os.MkdirTemp("", "tokens")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	books, err := gather(ctx, corpus, root, most)
	if err != nil {
		return err
	}
	gridflow := filepath.Join(root, ".bin", "gridflow")
	build := exec.Command("go", "build", "-o", gridflow, "gridflow/cmd/gridflow")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	state := filepath.Join(root, ".state")
	servers := []struct {
		name string
		line []string
	}{
		{"gridflow", []string{gridflow, "stdio", "--root=" + root, "--state-dir=" + state, "--toolsets=all", "--log-level=error"}},
		{"gridflow, compat", []string{gridflow, "stdio", "--root=" + root, "--state-dir=" + state + "2", "--toolsets=all", "--output-profile=compat", "--log-level=error"}},
		{"spreadsheet-mcp", []string{filepath.Join(tools, "rust/bin/spreadsheet-mcp"), "--transport=stdio", "--workspace-root=" + root}},
		{"excel-mcp-server", []string{filepath.Join(tools, "py/bin/excel-mcp-server"), "stdio", "--allow-dir=" + root}},
	}
	type sum struct {
		tokens float64
		cells  int
	}
	sums := map[string]map[string]*sum{} // by read and server
	var names []string
	for _, s := range servers {
		if _, err := exec.LookPath(s.line[0]); err != nil {
			fmt.Fprintf(os.Stderr, "%s is not there\n", s.name)
			continue
		}
		cmd := exec.Command(s.line[0], s.line[1:]...)
		session, err := mcp.NewClient(&mcp.Implementation{Name: "tokens", Version: "1"}, nil).Connect(ctx, &mcp.CommandTransport{Command: cmd}, &mcp.ClientSessionOptions{ProtocolVersion: "2025-06-18"})
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", s.name, err)
			continue
		}
		names = append(names, s.name)
		ids := idsOf(ctx, session)
		failed := 0
		for i := range books {
			b := &books[i]
			for _, r := range reads() {
				make := r.args[s.name]
				if make == nil {
					continue
				}
				useful := 0
				for c := range b.grid.Cells(r.of(b)) {
					if !c.Value.IsBlank() {
						useful++
					}
				}
				tool, args := make(b, ids[filepath.Base(b.file)])
				call, cancel := context.WithTimeout(ctx, 20*time.Second)
				res, err := session.CallTool(call, &mcp.CallToolParams{Name: tool, Arguments: args})
				cancel()
				if err != nil || res.IsError {
					if failed++; failed == 1 {
						fmt.Fprintf(os.Stderr, "%s: %s: %v %.200s\n", s.name, tool, err, seen(res))
					}
					continue
				}
				if sums[r.name] == nil {
					sums[r.name] = map[string]*sum{}
				}
				if sums[r.name][s.name] == nil {
					sums[r.name][s.name] = &sum{}
				}
				x := sums[r.name][s.name]
				x.tokens += float64(len(seen(res))) / bytesPerToken
				x.cells += useful
			}
		}
		session.Close()
		fmt.Fprintf(os.Stderr, "%s: %d calls failed\n", s.name, failed)
	}
	fmt.Printf("tokens (bytes / %.1f) for each cell that holds something, over %d workbooks\n\n| read | %s |\n|---|%s\n", bytesPerToken, len(books), strings.Join(names, " | "), strings.Repeat("--:|", len(names)))
	for _, r := range reads() {
		fmt.Printf("| %s |", r.name)
		for _, n := range names {
			if x := sums[r.name][n]; x != nil && x.cells > 0 {
				fmt.Printf(" %.1f |", x.tokens/float64(x.cells))
			} else {
				fmt.Print(" – |")
			}
		}
		fmt.Println()
	}
	return nil
}

// gather copies workbooks to root: those that open and whose first sheet has cells, as many of each project as
// there are places.
func gather(ctx context.Context, corpus, root string, most int) (books []book, err error) {
	byProject := map[string][]string{}
	err = filepath.WalkDir(corpus, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(path) == ".xlsx" {
			if info, err := d.Info(); err == nil && info.Size() < 300<<10 {
				p := filepath.Dir(path)
				byProject[p] = append(byProject[p], path)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	projects := make([]string, 0, len(byProject))
	for p := range byProject {
		projects = append(projects, p)
	}
	sort.Strings(projects)
	for turn := 0; len(books) < most; turn++ {
		any := false
		for _, p := range projects {
			if turn >= len(byProject[p]) || len(books) == most {
				continue
			}
			any = true
			b, ok := open(ctx, byProject[p][turn])
			if !ok {
				continue
			}
			data, err := os.ReadFile(byProject[p][turn])
			if err != nil {
				return nil, err
			}
			b.file = filepath.Join(root, fmt.Sprintf("book%03d.xlsx", len(books)))
			if err := os.WriteFile(b.file, data, 0o600); err != nil {
				return nil, err
			}
			books = append(books, b)
		}
		if !any {
			break
		}
	}
	return books, nil
}

func open(ctx context.Context, path string) (b book, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return b, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return b, false
	}
	x, err := xlsx.Open(ctx, f, info.Size(), xlsx.Limits{})
	if err != nil {
		return b, false
	}
	for i, s := range x.Workbook().Sheets {
		if s.Kind != grid.Worksheet || s.Visibility != grid.Visible {
			continue
		}
		sheet, err := x.Sheet(ctx, i, cell.MaxRows-1)
		if err != nil {
			return b, false
		}
		return book{sheet: s.Name, grid: sheet}, sheet.FilledCells() >= 20
	}
	return b, false
}

// idsOf asks the server what it calls the workbooks; a server without such a list names them by their files.
func idsOf(ctx context.Context, session *mcp.ClientSession) map[string]string {
	ids := map[string]string{}
	for offset := 0; ; {
		res, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "list_workbooks", Arguments: map[string]any{"limit": 100, "offset": offset}})
		if err != nil || res.IsError {
			break
		}
		text := seen(res)
		var out struct {
			Workbooks []struct {
				ID   string `json:"workbook_id"`
				Slug string `json:"slug"`
			} `json:"workbooks"`
		}
		if json.Unmarshal([]byte(text), &out) != nil || len(out.Workbooks) == 0 {
			break
		}
		for _, w := range out.Workbooks {
			ids[w.Slug+".xlsx"] = w.ID
		}
		if offset += len(out.Workbooks); len(out.Workbooks) < 100 {
			break
		}
	}
	for i := range 1000 { // gridflow takes a file's name as well
		name := fmt.Sprintf("book%03d.xlsx", i)
		if ids[name] == "" {
			ids[name] = strings.TrimSuffix(name, ".xlsx")
		}
	}
	return ids
}

// seen is what a model reads of a result.
func seen(res *mcp.CallToolResult) string {
	if res == nil {
		return ""
	}
	var b strings.Builder
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			b.WriteString(t.Text)
		}
	}
	if b.Len() == 0 && res.StructuredContent != nil {
		text, _ := json.Marshal(res.StructuredContent)
		b.Write(text)
	}
	return b.String()
}
