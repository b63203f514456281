package tools

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
	"gridflow/internal/vba/vbatest"
	"gridflow/internal/workspace"
)

var update = flag.Bool("update", false, "write what the tools give into testdata")

// TestTools runs testdata/*.txtar. An archive holds a workbook and calls of tools:
//
//   - "sheet NAME" is a sheet: a line per row, fields separated by |, empty ones
//     blank. A field is a number, TRUE or FALSE, an error, a date or time in ISO form,
//     any other text, a text after an apostrophe, or =FORMULA := VALUE; FORMULA may be an
//     array formula, as in =A1:A3*2 fills B1:B3. {style} before
//     it gives it a style of testStyles. Lines with @ tell the rest: "@merge A1:B2",
//     "@name Rates =Data!$A$1" ("@local" for a name of the sheet), "@table Sales A1:C9"
//     ("@totals" with a totals row), "@hidden", "@width B 20", "@at 600" (the next line
//     is that row), "@comment B2 text", "@link B2 target", "@allow B2:B9 list a,b", "@hiderow
//     3", "@format B2:B9 type". "@chart" makes it a chart sheet, "@problem text" one that
//     cannot be read.
//   - "vba NAME" is the source of a VBA module; "class", "private" and "read-only" may
//     follow the name. "vba" alone is a project that is damaged.
//   - "status" is how the server does, as JSON.
//   - "calls" is a line per call, "> tool {arguments}" or ">compat tool {arguments}",
//     each followed by what it gives.
func TestTools(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b := newTestBook()
			for i := range archive.Files {
				f := &archive.Files[i]
				if name, ok := strings.CutPrefix(f.Name, "sheet "); ok {
					b.addSheet(t, name, string(f.Data))
				} else if module, ok := strings.CutPrefix(f.Name, "vba"); ok {
					b.addModule(module, string(f.Data))
				} else if f.Name == "status" {
					b.status = new(ServerStatus)
					if err := json.Unmarshal(f.Data, b.status); err != nil {
						t.Fatal(err)
					}
				} else if f.Name == "1904" {
					b.wb.Dates = numfmt.Date1904
				} else if f.Name != "calls" {
					t.Fatalf("unknown section %q", f.Name)
				}
			}
			for i := range archive.Files {
				f := &archive.Files[i]
				if f.Name != "calls" {
					continue
				}
				got := runCalls(t, b, string(f.Data))
				if *update {
					f.Data = []byte(got)
				} else if got != string(f.Data) {
					t.Errorf("%s: the results differ; run with -update and look at the diff. Got:\n%s", file, got)
				}
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// testCaps are small, so that a few rows are enough to be cut.
var testCaps = Caps{MaxCells: 60, MaxPayloadBytes: 2000, MaxItems: 20, MaxResponseBytes: 20_000}

func runCalls(t *testing.T, b *testBookSource, calls string) string {
	var out strings.Builder
	for line := range strings.Lines(calls) {
		rest, ok := strings.CutPrefix(line, ">")
		if !ok {
			if strings.HasPrefix(line, "#") || line == "\n" {
				out.WriteString(line)
			}
			continue
		}
		profile, call, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
		name, args, _ := strings.Cut(call, " ")
		env := &Env{Workspace: b, Profile: Profile(profile), Caps: testCaps}
		if profile == "" {
			env.Profile = Dense
		}
		if b.status != nil {
			env.Status = b
		}
		out.WriteString(line)
		i := slices.IndexFunc(Table(), func(tool Tool) bool { return tool.Name == name })
		if i < 0 {
			t.Fatalf("no tool %q", name)
		}
		res, err := Table()[i].Call(context.Background(), env, json.RawMessage(args))
		switch {
		case err != nil:
			var known *Error
			if !errors.As(err, &known) {
				t.Errorf("%s gives an error that callers cannot mend: %v", call, err)
			}
			fmt.Fprintf(&out, "error %v\n", err)
			continue
		case env.Profile == Compat && string(res.Structured) != res.Text:
			t.Errorf("%s: structured content and text differ", call)
		case env.Profile != Compat && res.Structured != nil:
			t.Errorf("%s: structured content outside of the compat profile", call)
		case strings.HasPrefix(res.Text, "{") && !json.Valid([]byte(res.Text)):
			t.Errorf("%s gives invalid JSON: %s", call, res.Text)
		}
		text := strings.ReplaceAll(strings.TrimSuffix(res.Text, "\n"), "\t", "→")
		out.WriteString(text + "\n")
	}
	return out.String()
}

// testStyles are the styles that {name} gives to a cell.
var testStyles = []struct {
	name string
	xf   grid.Xf
}{
	{"general", grid.Xf{NumFmt: "General"}},
	{"date", grid.Xf{NumFmtID: 14, NumFmt: "yyyy-mm-dd"}},
	{"datetime", grid.Xf{NumFmtID: 22, NumFmt: "yyyy-mm-dd hh:mm:ss"}},
	{"time", grid.Xf{NumFmtID: 21, NumFmt: "h:mm:ss"}},
	{"percent", grid.Xf{NumFmtID: 10, NumFmt: "0.00%"}},
	{"bold", grid.Xf{NumFmt: "General", Font: &grid.Font{Name: "Calibri", Size: 11, Bold: true}}},
	{"money", grid.Xf{NumFmtID: 164, NumFmt: `"$"#,##0.00`}},
	{"box", grid.Xf{NumFmt: "General", Font: &grid.Font{Name: "Calibri", Size: 12, Italic: true, Color: &grid.Color{ARGB: "FFFF0000", Theme: -1, Indexed: -1}},
		Fill:      &grid.Fill{Pattern: "solid", Foreground: &grid.Color{Theme: 4, Indexed: -1, Tint: 0.4}},
		Border:    &grid.Border{Top: grid.Edge{Style: "thin"}, Bottom: grid.Edge{Style: "double"}, Left: grid.Edge{Style: "medium"}, Right: grid.Edge{Style: "thin"}},
		Alignment: &grid.Alignment{Horizontal: "center", Vertical: "top", Wrap: true}}},
	{"duration", grid.Xf{NumFmtID: 46, NumFmt: "[h]:mm:ss"}},
}

// testBookSource is a workbook in memory, and a workspace that holds nothing else.
type testBookSource struct {
	wb      *grid.Workbook
	sheets  []*grid.Sheet
	partial []func(lastRow int) *grid.Sheet // sheets that load page by page, nil for the others
	tables  []grid.Table
	macros  []byte // the VBA project
	modules []vbatest.Module
	status  *ServerStatus
	asked   []int // lastRow of each Sheet call
	closed  int
	walking bool
}

func newTestBook() *testBookSource {
	b := &testBookSource{wb: &grid.Workbook{Styles: &grid.Styles{}, App: "gridflow test"}}
	font := &grid.Font{Name: "Calibri", Size: 11}
	for _, s := range testStyles {
		xf := s.xf
		if xf.Font == nil {
			xf.Font = font
		}
		xf.NamedStyle = -1
		b.wb.Styles.Xfs = append(b.wb.Styles.Xfs, xf)
		b.wb.Styles.Formats = append(b.wb.Styles.Formats, numfmt.Compile(xf.NumFmt))
	}
	b.wb.Styles.Theme = grid.Theme{Name: "Office", Colors: [12]string{"000000", "FFFFFF", "44546A", "E7E6E6", "4472C4", "ED7D31"}}
	return b
}

func (b *testBookSource) addSheet(t *testing.T, name, text string) {
	t.Helper()
	builder := grid.NewBuilder(name)
	info := grid.SheetInfo{Name: name, SheetID: len(b.wb.Sheets) + 1, Bytes: int64(len(text))}
	index := len(b.wb.Sheets)
	layout := builder.Layout()
	row := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if directive, ok := strings.CutPrefix(line, "@"); ok {
			word, rest, _ := strings.Cut(directive, " ")
			first, second, _ := strings.Cut(rest, " ")
			switch word {
			case "merge":
				layout.Merges = append(layout.Merges, mustRange(t, rest))
			case "name":
				b.wb.Names = append(b.wb.Names, grid.Name{Name: first, Sheet: -1, RefersTo: strings.TrimPrefix(second, "=")})
			case "local":
				b.wb.Names = append(b.wb.Names, grid.Name{Name: first, Sheet: index, RefersTo: strings.TrimPrefix(second, "="), Comment: "local to " + name})
			case "table", "totals":
				b.tables = append(b.tables, grid.Table{Name: first, Sheet: index, Range: mustRange(t, second), HeaderRows: 1, HeaderShown: true})
				if word == "totals" {
					b.tables[len(b.tables)-1].TotalsRows = 1
				}
			case "problem":
				info.Problem = rest
			case "chart":
				info.Kind = grid.Chartsheet
			case "hidden":
				info.Visibility = grid.Hidden
			case "veryhidden":
				info.Visibility = grid.VeryHidden
			case "width":
				col, _ := cell.ParseColumn(first)
				w, _ := strconv.ParseFloat(second, 64)
				layout.Columns = append(layout.Columns, grid.ColumnSpan{First: col, Last: col, Width: w, Custom: true})
			case "comment":
				layout.Comments = append(layout.Comments, grid.Comment{Ref: mustRange(t, first).First, Text: second, Author: "Ann"})
			case "format":
				layout.Conditional = append(layout.Conditional, grid.ConditionalFormat{Ranges: []cell.Range{mustRange(t, first)}, Type: second, DxfID: -1})
			case "link":
				layout.Hyperlinks = append(layout.Hyperlinks, grid.Hyperlink{Range: mustRange(t, first), Target: second})
			case "allow":
				kind, formula, _ := strings.Cut(second, " ")
				layout.Validations = append(layout.Validations, grid.Validation{Ranges: []cell.Range{mustRange(t, first)}, Type: kind, Formula1: formula})
			case "hiderow":
				n, _ := strconv.Atoi(first)
				layout.Rows = append(layout.Rows, grid.RowSpan{First: n - 1, Last: n - 1, Hidden: true})
			case "at":
				n, _ := strconv.Atoi(rest)
				row = n - 1
			default:
				t.Fatalf("unknown directive %q", line)
			}
			continue
		}
		for col, field := range strings.Split(line, "|") {
			b.addCell(t, builder, cell.Ref{Row: row, Col: col}, strings.TrimSpace(field))
		}
		row++
	}
	sheet := builder.Finish(nil)
	for i := range b.tables {
		if table := &b.tables[i]; table.Sheet == index {
			for col := table.Range.First.Col; col <= table.Range.Last.Col; col++ {
				table.Columns = append(table.Columns, grid.TableColumn{Name: sheet.Value(cell.Ref{Row: table.Range.First.Row, Col: col}).String()})
			}
		}
	}
	b.wb.Sheets = append(b.wb.Sheets, info)
	b.sheets = append(b.sheets, sheet)
	b.partial = append(b.partial, nil)
}

func mustRange(t *testing.T, s string) cell.Range {
	t.Helper()
	r, ok := cell.ParseRange(s)
	if !ok {
		t.Fatalf("wrong range %q", s)
	}
	return r
}

func (b *testBookSource) addCell(t *testing.T, builder *grid.Builder, r cell.Ref, field string) {
	t.Helper()
	style := uint32(0)
	if name, rest, ok := strings.Cut(field, "}"); ok && strings.HasPrefix(field, "{") {
		i := slices.IndexFunc(testStyles, func(s struct {
			name string
			xf   grid.Xf
		}) bool {
			return s.name == name[1:]
		})
		if i < 0 {
			t.Fatalf("unknown style in %q", field)
		}
		style, field = uint32(i), strings.TrimSpace(rest)
		if field == "" {
			builder.Blank(r, style)
			return
		}
	}
	if field == "" {
		return
	}
	formula, isFormula := strings.CutPrefix(field, "=")
	if isFormula {
		var value string
		formula, value, _ = strings.Cut(formula, " := ")
		field = value
	}
	v, date := parseTestValue(field, b.wb.Dates)
	if style == 0 {
		style = date
	}
	if err := builder.Value(r, style, v); err != nil {
		t.Fatal(err)
	}
	if isFormula {
		group := -1
		if text, fills, ok := strings.Cut(formula, " fills "); ok {
			formula, group = text, builder.AddGroup(grid.ArrayFormula, r, mustRange(t, fills))
		}
		id, err := builder.AddFormula([]byte(formula), group)
		if err != nil {
			t.Fatal(err)
		}
		builder.SetFormula(r, id)
	}
}

func parseTestValue(s string, dates numfmt.DateSystem) (v cell.Value, style uint32) {
	if text, ok := strings.CutPrefix(s, "'"); ok {
		return cell.TextValue(strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\b`, "\b").Replace(text)), 0
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return cell.NumberValue(f), 0
	}
	if e, ok := cell.ParseError(s); ok {
		return cell.ErrorValue(e), 0
	}
	switch s {
	case "":
		return cell.Value{}, 0
	case "TRUE", "FALSE":
		return cell.BoolValue(s == "TRUE"), 0
	}
	if serial, kind, ok := numfmt.ParseISO(s, dates); ok {
		switch kind {
		case numfmt.Time:
			return cell.NumberValue(serial), 3
		case numfmt.Datetime:
			return cell.NumberValue(serial), 2
		case numfmt.Duration:
			return cell.NumberValue(serial), 8
		}
		return cell.NumberValue(serial), 1
	}
	return cell.TextValue(s), 0
}

// The workbook as a book.Source.

func (b *testBookSource) Workbook() *grid.Workbook { return b.wb }

func (b *testBookSource) Sheet(ctx context.Context, i, lastRow int) (*grid.Sheet, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if p := b.wb.Sheets[i].Problem; p != "" {
		return nil, &workspace.Error{Code: "FILE_UNREADABLE", Message: "the sheet cannot be read: " + p, Hint: "Read another"}
	}
	b.asked = append(b.asked, lastRow)
	if p := b.partial[i]; p != nil && lastRow < cell.MaxRows-1 {
		return p(lastRow), nil
	}
	return b.sheets[i], nil
}

func (b *testBookSource) Rows(ctx context.Context, i, _, lastRow int) (*grid.Sheet, error) {
	return b.Sheet(ctx, i, lastRow)
}

func (b *testBookSource) Tables(ctx context.Context) ([]grid.Table, error) {
	return b.tables, ctx.Err()
}

// The workspace around it.

var testEntry = workspace.Entry{ID: "wb-2345678abc", ShortID: "2345678abc", Slug: "test", Folder: "books", Path: "books/test.xlsx", Bytes: 12345,
	ModTime: time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)}

const testRevision = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

func (b *testBookSource) Entries(context.Context) []workspace.Entry {
	other := testEntry
	other.ID, other.ShortID, other.Slug, other.Folder, other.Path, other.Bytes = "wb-zzzzzzzzzz", "zzzzzzzzzz", "zoo", "", "zoo.xlsx", 999
	return []workspace.Entry{testEntry, other}
}

func (b *testBookSource) Walking() bool { return b.walking }

func (b *testBookSource) Lookup(_ context.Context, id string) (workspace.Entry, error) {
	if id != testEntry.ID && id != testEntry.Slug {
		return workspace.Entry{}, &workspace.Error{Code: "WORKBOOK_NOT_FOUND", Message: "there is no workbook " + strconv.Quote(id)}
	}
	return testEntry, nil
}

func (b *testBookSource) View(ctx context.Context, id string, fn func(*book.Snapshot) error) error {
	if _, err := b.Lookup(ctx, id); err != nil {
		return err
	}
	return fn(book.NewSnapshot(testEntry.ID, testRevision, b))
}

func (b *testBookSource) Status(recent int, metrics bool, _ string) *ServerStatus {
	s := *b.status
	if !metrics {
		s.Metrics = nil
	}
	s.Calls = s.Calls[:min(recent, len(s.Calls))]
	return &s
}

func (b *testBookSource) Revision(context.Context, string) (string, error) { return testRevision, nil }

func (b *testBookSource) Close(context.Context, string) (bool, error) {
	b.closed++
	return b.closed == 1, nil
}
