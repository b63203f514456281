package tools

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/forks"
	"gridflow/internal/journal"
	"gridflow/internal/vfs"
	"gridflow/internal/workspace"
)

var (
	randomRuns = flag.Int("random-runs", 8, "runs of TestRandomCalls")
	randomSeed = flag.Uint64("random-seed", 1, "the first of their seeds")
)

// TestRandomCalls calls all tools with arguments that are drawn from their schemas, many of which make sense. Whatever
// is asked, an answer comes that is a result or tells what to do, and one that refuses has changed nothing. Then what was
// saved is what the fork has, what was undone is the workbook as it was, what was done again is as it was saved, and so
// is what the journal has after a restart.
func TestRandomCalls(t *testing.T) {
	for run := range *randomRuns {
		seed := *randomSeed + uint64(run)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := newCaller(t, seed)
			c.open()
			defer func() {
				if c.close(); t.Failed() {
					t.Log(strings.Join(c.told, "\n"))
				}
			}()
			for range 120 {
				c.call()
			}
			c.settle()
		})
	}
}

// caller draws calls and makes them.
type caller struct {
	*rand.Rand
	t           *testing.T
	root, state string
	env         *Env
	close       func()
	fork        string
	tools       []*Tool
	byName      map[string]*Tool
	sheets      []string
	refused     map[string]int // by tool
	made        map[string]int
	told        []string // the calls that made versions
}

func newCaller(t *testing.T, seed uint64) *caller {
	c := &caller{Rand: rand.New(rand.NewPCG(seed, 11)), t: t, root: t.TempDir(), state: t.TempDir(), byName: map[string]*Tool{}, refused: map[string]int{}, made: map[string]int{}}
	if err := os.WriteFile(filepath.Join(c.root, "sales.xlsx"), salesBook(t), 0o644); err != nil {
		t.Fatal(err)
	}
	loan, err := os.ReadFile("../../examples/loan.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.root, "loan.xlsx"), loan, 0o644); err != nil {
		t.Fatal(err)
	}
	table := Table()
	for i := range table {
		tool := &table[i]
		c.byName[tool.Name] = tool
		switch tool.Name {
		case "discard_fork", "undo", "redo", "restore_checkpoint", "recalculate", "merge_fork":
			continue // what they do is looked at by itself, or would end the run
		}
		if tool.Office == OfficeNothing {
			c.tools = append(c.tools, tool)
		}
	}
	return c
}

// open opens the folder and the state as a server does.
func (c *caller) open() {
	quiet := slog.New(slog.DiscardHandler)
	w, err := workspace.Open(c.t.Context(), workspace.Options{Roots: []string{c.root}, Bases: filepath.Join(c.state, "bases"), Logger: quiet})
	if err != nil {
		c.t.Fatal(err)
	}
	disk, err := vfs.OpenOS(c.state)
	if err != nil {
		c.t.Fatal(err)
	}
	log, err := journal.Open(disk, "journal", journal.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	store, err := forks.Open(c.t.Context(), forks.Options{Bases: w, Files: w, Journal: log, Logger: quiet, CalcBudget: time.Hour})
	if err != nil {
		c.t.Fatal(err)
	}
	c.env = &Env{Workspace: Seeing{&forks.Router{Workspace: w, Forks: store}}, Forks: store, Files: w, Profile: Dense, Caps: DefaultCaps}
	c.close = func() { store.Close(context.Background()); log.Close(); disk.Close(); w.Shut() }
	if c.fork == "" {
		book := []string{"sales.xlsx", "loan.xlsx"}[c.IntN(2)]
		c.must("create_fork", map[string]any{"workbook_or_fork_id": book})
		for _, f := range store.List(c.t.Context()) {
			c.fork = f.ID
		}
	}
	c.look()
}

// look learns which sheets the fork has.
func (c *caller) look() {
	c.sheets = nil
	if err := c.env.Workspace.View(c.t.Context(), c.fork, func(s *book.Snapshot) error {
		for _, sheet := range s.Workbook().Sheets {
			c.sheets = append(c.sheets, sheet.Name)
		}
		return nil
	}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) version() (v uint64) {
	for _, f := range c.env.Forks.List(c.t.Context()) {
		if f.ID == c.fork {
			v = f.Version
		}
	}
	return v
}

// must makes a call that has to succeed.
func (c *caller) must(name string, args map[string]any) string {
	c.t.Helper()
	res, err := c.run(c.byName[name], args)
	if err != nil {
		c.t.Fatalf("%s %v: %v", name, args, err)
	}
	return res.Text
}

func (c *caller) run(tool *Tool, args map[string]any) (res *Result, err error) {
	b, jerr := json.Marshal(args)
	if jerr != nil {
		c.t.Fatal(jerr)
	}
	defer func() {
		if p := recover(); p != nil {
			c.t.Fatalf("%s %s panics: %v\n%s", tool.Name, b, p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	return tool.Call(ctx, c.env, b)
}

// call draws a call and looks at what came of it.
func (c *caller) call() {
	tool := c.tools[c.IntN(len(c.tools))]
	for tool.ReadOnly && c.IntN(3) > 0 {
		tool = c.tools[c.IntN(len(c.tools))]
	}
	args := c.arguments(tool)
	before := c.version()
	res, err := c.run(tool, args)
	after := c.version()
	b, _ := json.Marshal(args)
	var ours *Error
	switch {
	case errors.As(err, &ours):
		c.refused[tool.Name]++
		if ours.Code == "" || ours.Message == "" || ours.Code == "INTERNAL" {
			c.t.Fatalf("%s %s: an error without a code: %v", tool.Name, b, err)
		}
	case err != nil:
		c.t.Fatalf("%s %s: a fault of the server: %v", tool.Name, b, err)
	case res.Text == "" && len(res.Structured) == 0 && len(res.Images) == 0:
		c.t.Fatalf("%s %s: no answer", tool.Name, b)
	default:
		c.made[tool.Name]++
	}
	if before != after && (err != nil || tool.ReadOnly || args["mode"] == "preview") {
		c.t.Fatalf("%s %s: version %d became %d: %v", tool.Name, b, before, after, err)
	}
	if before != after {
		c.told = append(c.told, fmt.Sprintf("%d: %s %s", after, tool.Name, b))
		c.look()
	}
}

// arguments draws those of a call: those of the example with the names of what is there, or by the schema.
func (c *caller) arguments(tool *Tool) map[string]any {
	var schema map[string]any
	if err := json.Unmarshal(tool.Schema(), &schema); err != nil {
		c.t.Fatal(err)
	}
	drawn := c.draw(schema, "").(map[string]any)
	args := drawn
	if tool.Example != "" && c.IntN(3) > 0 {
		args = map[string]any{}
		if err := json.Unmarshal([]byte(tool.Example), &args); err != nil {
			c.t.Fatal(err)
		}
		args = c.rename(args, "").(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(drawn)) { // some of them otherwise
			if c.IntN(8) == 0 {
				args[k] = drawn[k]
			}
		}
	}
	delete(args, "drop_fork")
	return args
}

// rename puts what there is into the places of names.
func (c *caller) rename(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = c.rename(v[k], k)
		}
	case []any:
		for i, e := range v {
			v[i] = c.rename(e, key)
		}
	case string:
		if s, ok := c.named(key); ok {
			return s
		}
	}
	return v
}

// named draws a value for what an argument of that name is usually about.
func (c *caller) named(key string) (string, bool) {
	pick := func(of ...string) (string, bool) { return of[c.IntN(len(of))], true }
	switch {
	case key == "fork_id":
		return c.fork, true
	case strings.HasSuffix(key, "workbook_or_fork_id"), key == "workbook_id":
		return pick(c.fork, c.fork, c.fork, "sales.xlsx", "loan.xlsx", c.fork+"@1", "none")
	case strings.Contains(key, "sheet"):
		if c.IntN(25) == 0 {
			return "no sheet", true
		}
		return pick(c.sheets...)
	case strings.Contains(key, "path"), key == "source":
		return pick("out.xlsx", "data.csv", "../x.xlsx", "sales.xlsx", "")
	case key == "range", key == "ranges", key == "target", key == "area", key == "target_range", key == "address":
		return c.area(), true
	case key == "cell", key == "cells", key == "start_cell", key == "anchor", key == "to", key == "from", key == "first_cell", key == "top_left":
		return c.ref().String(), true
	case strings.HasSuffix(key, "formula"), strings.HasSuffix(key, "formula1"), strings.HasSuffix(key, "formula2"):
		return c.formula(), true
	case key == "table_name", key == "table":
		return pick("Sales", "Totals", "Table9", "")
	case key == "column", key == "start_column", key == "columns", key == "key_columns", key == "by":
		return pick("A", "B", "C", "Net", "Item", "A:C", "ZZ")
	}
	return "", false
}

func (c *caller) ref() cell.Ref { return cell.Ref{Row: c.IntN(14), Col: c.IntN(8)} }

func (c *caller) area() string {
	a := c.ref()
	switch c.IntN(12) {
	case 0:
		return "A:B"
	case 1:
		return "2:4"
	case 2:
		return []string{"", "A0", "Z99", "A1:ZZZ9", "$B$2:C4", "B2,D4:E5", "Sales[Net]", "d4:a1"}[c.IntN(8)]
	}
	return cell.Range{First: a, Last: cell.Ref{Row: a.Row + c.IntN(5), Col: a.Col + c.IntN(4)}}.String()
}

func (c *caller) formula() string {
	a := c.ref()
	return []string{
		a.String() + "*2", "SUM(" + c.area() + ")", "=A1&\"x\"", "IF(" + a.String() + ">5,1,\"no\")", "SUM(Sales[Net])", "SEQUENCE(2,2)", "1/0", "SUM(", "=", "NOW()",
		"VLOOKUP(1," + c.area() + ",1,FALSE)", "'no sheet'!A1", "LET(x,2,x*" + a.String() + ")", "ROW()", "OFFSET(" + a.String() + ",1,1)", "$A$1+" + a.String(),
	}[c.IntN(16)]
}

// draw draws a value that a schema allows, mostly.
func (c *caller) draw(schema map[string]any, key string) any {
	if e, ok := schema["enum"].([]any); ok {
		return e[c.IntN(len(e))]
	}
	switch schema["type"] {
	case "object":
		props, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		v := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(props)) {
			if slices.Contains(required, any(name)) || c.IntN(4) == 0 {
				v[name] = c.draw(props[name].(map[string]any), name)
			}
		}
		return v
	case "array":
		items, _ := schema["items"].(map[string]any)
		v := []any{}
		for range 1 + c.IntN(3) {
			v = append(v, c.draw(items, key))
		}
		return v
	case "boolean":
		return c.IntN(2) == 0
	case "integer", "number":
		low, high := 0.0, 12.0
		if m, ok := schema["minimum"].(float64); ok {
			low, high = m, m+12
		}
		if m, ok := schema["maximum"].(float64); ok {
			high = min(high, m)
		}
		switch c.IntN(15) {
		case 0:
			return -1
		case 1:
			return 1 << 30
		}
		if key == "expected_version" && c.IntN(4) > 0 {
			return c.version()
		}
		return low + float64(c.IntN(int(high-low)+1))
	}
	if s, ok := c.named(key); ok {
		return s
	}
	return []any{"x", "12.5", "", "=A1+1", "Net", "2026-03-04", "#ff0000", "TRUE", "é\u202e", strings.Repeat("long ", 40), nil, 7, true}[c.IntN(13)]
}

// settle looks whether the fork is what it is by all ways.
func (c *caller) settle() {
	c.env.Forks.Settle()
	same := func(what, a, b string) {
		c.t.Helper()
		got := c.must("diff_workbooks", map[string]any{"baseline_workbook_or_fork_id": a, "current_workbook_or_fork_id": b, "tolerance": 1e-12,
			"exclude_subtypes": []string{"recalc_result"}})
		if !strings.Contains(got, ": 0 changes") {
			c.t.Fatalf("%s: %s", what, got)
		}
	}
	version := c.version()
	at := func(v uint64) string { return fmt.Sprintf("%s@%d", c.fork, v) }
	c.must("save_fork", map[string]any{"fork_id": c.fork, "target_path": "saved.xlsx", "overwrite": true})
	same("what was saved is something else", at(version), "saved.xlsx")

	steps := 0
	for {
		if _, err := c.run(c.byName["undo"], map[string]any{"fork_id": c.fork}); err != nil {
			break
		}
		steps++
	}
	c.env.Forks.Settle()
	same("what was undone", at(0), at(c.version()))
	for range steps {
		c.must("redo", map[string]any{"fork_id": c.fork})
	}
	c.env.Forks.Settle()
	same("what was done again", at(version), at(c.version()))

	last := c.version()
	c.close()
	c.open()
	if v := c.version(); v != last {
		c.t.Fatalf("after a restart version %d is version %d", last, v)
	}
	same("after a restart", at(last), "saved.xlsx")
	c.t.Logf("%d versions; refused %v; made %v", version, c.refused, c.made)
}
