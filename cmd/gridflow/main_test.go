package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"gridflow/internal/tools"
)

// The scripts and the process tests run this test binary again under other names:
// "gridflow" is the program as it ships, "gridflow-fixture" the same program with a
// table of tools whose only purpose is to behave in one way each, "gridflow-paced" has
// tools that take as long as a test wants beside those of the program, "gridflow-soaked" tells
// what it has in memory.
func TestMain(m *testing.M) { testscript.Main(tidy{m}, programs) }

// programs are those that this binary is. Where there is no Unix some are not.
var programs = map[string]func(){
	"gridflow": main,
	"gridflow-fixture": func() {
		p := &program{table: fixtureTools(), open: openFixture, environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
		os.Exit(p.run(context.Background(), os.Args[1:]))
	},
}

// tidy runs the tests and removes the workbooks that they shared.
type tidy struct{ m *testing.M }

func (t tidy) Run() int {
	// No test may touch the forks of whoever runs it; the programs that tests start inherit it.
	state, err := os.MkdirTemp("", "gridflow-state-")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_STATE_HOME", state)
	defer func() {
		os.RemoveAll(state)
		if sharedDir != "" {
			os.RemoveAll(sharedDir)
		}
	}()
	return t.m.Run()
}

// sharedDir holds workbooks that take a while to make; "" until there is one.
var sharedDir string

// TestScripts plays testdata. Besides the two programs the scripts have the command
// "run": the fixture program within this process, which is quicker than another one.
func TestScripts(t *testing.T) {
	quickExit := func(env *testscript.Env) error {
		env.Setenv("GORACE", quickRaceExit)
		loan, err := os.ReadFile("../../examples/loan.xlsx")
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(env.WorkDir, "loan.xlsx"), loan, 0o644)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: quickExit, Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"makejournal": makeJournal,
		"flip":        flipByte,
		"capture":     capture,
		"breakbase":   breakBase,
		"run": func(ts *testscript.TestScript, fails bool, args []string) {
			p := &program{table: fixtureTools(), open: openFixture, stdin: strings.NewReader(""), stdout: ts.Stdout(), stderr: ts.Stderr()}
			for _, s := range settings(new(config)) {
				if v := ts.Getenv(s.env()); v != "" {
					p.environ = append(p.environ, s.env()+"="+v)
				}
			}
			if code := p.run(context.Background(), args); (code != exitOK) != fails {
				ts.Fatalf("exit code %d", code)
			}
		},
	}})
}

// capture is the script command "capture VAR REGEXP": the variable becomes what the
// expression finds in the last standard output.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindString(ts.ReadFile("stdout"))
	if found == "" {
		ts.Fatalf("no %s in the output", args[1])
	}
	ts.Setenv(args[0], found)
}

// breakBase is the script command "breakbase DIR": the last byte of each file is wrong.
func breakBase(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*"))
	ts.Check(err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		ts.Check(err)
		b[len(b)-1] ^= 0xff
		ts.Check(os.WriteFile(name, b, 0o600))
	}
}

// quickRaceExit keeps a program that was built with the race detector from sleeping for
// a second when it ends.
const quickRaceExit = "atexit_sleep_ms=0"

func openFixture(_ context.Context, c *config, _ *slog.Logger) (*opened, error) {
	return &opened{env: &tools.Env{Profile: tools.Profile(c.profile), Caps: c.caps()}, books: noBooks{}, close: func() error { return nil }}, nil
}

func fixtureTools() []tools.Tool {
	row := func(name, title, toolset string, core bool, call func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error)) tools.Tool {
		return tools.Tool{
			Name: name, Title: title, Description: title + ".", Toolset: toolset, Core: core, ReadOnly: toolset == "read",
			Schema: anyObject, Params: func() []tools.Param { return nil }, Call: call,
		}
	}
	echo := row("echo", "Gives back its arguments", "read", true, func(_ context.Context, env *tools.Env, args json.RawMessage) (*tools.Result, error) {
		if env.Profile == tools.Compat {
			return &tools.Result{Text: "text", Structured: args}, nil
		}
		return &tools.Result{Text: string(args) + "\n"}, nil
	})
	one, many := 1.0, 500.0
	params := []tools.Param{
		{Name: "sheet_name", Aliases: []string{"sheet"}, Type: "string", Doc: "the sheet | tab", Required: true},
		{Name: "limit", Type: "integer", Doc: "how many", Default: "50", Min: &one, Max: &many},
		{Name: "ratio", Type: "number", Doc: "how much"},
		{Name: "exact", Type: "boolean", Doc: "whether"},
		{Name: "columns", Type: "array of string", Doc: "which"},
		{Name: "format", Type: "string", Doc: "how it looks", Enum: []string{"csv", "json"}},
		{Name: "filters", Type: "array of object", Doc: "what to keep"},
	}
	echo.Params = func() []tools.Param { return params }
	return []tools.Tool{
		row("breaks", "Fails in a way nobody expected", "read", true, func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			return nil, errors.New("some detail")
		}),
		echo,
		row("erases", "Says that it changes things", "write", false, func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			return &tools.Result{Text: "erased\n"}, nil
		}),
		row("grid", "Gives a grid", "read", false, func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			return &tools.Result{Text: "\tA\tB\n1\tlong text\tx\n"}, nil
		}),
		row("panics", "Panics", "read", true, func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			panic("some detail")
		}),
		row("prints", "Prints to standard output, which it must not", "read", true, func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			fmt.Println("stray output")
			return &tools.Result{Text: "printed"}, nil
		}),
		row("refuses", "Gives a typed error", "read", true, func(context.Context, *tools.Env, json.RawMessage) (*tools.Result, error) {
			return nil, &tools.Error{Code: "SHEET_NOT_FOUND", Message: `there is no sheet "Dat"`, Hint: `Did you mean "Data"?`}
		}),
		row("waits", "Waits for the test", "read", true, waitForTest),
	}
}

// waitForTest tells on file 3 that it has begun, waits for a line on file 4, and tells on
// file 3 how it ended. It is how a test outside of the process knows what a call does.
func waitForTest(ctx context.Context, _ *tools.Env, _ json.RawMessage) (*tools.Result, error) {
	tell := os.NewFile(3, "tell")
	fmt.Fprintln(tell, "begun")
	goOn := make(chan bool)
	go func() {
		bufio.NewReader(os.NewFile(4, "release")).ReadString('\n')
		close(goOn)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(tell, "stopped")
		return nil, ctx.Err()
	case <-goOn:
		fmt.Fprintln(tell, "finished")
		return &tools.Result{Text: "waited"}, nil
	}
}

// noBooks is a workspace without workbooks.
type noBooks struct{}

func (noBooks) Peek(context.Context, string) (fileBytes, memoryBytes int64, ok bool) {
	return 0, 0, false
}
func (noBooks) Unread(_ context.Context, _, _ string) int64 { return 0 }
func (noBooks) Converts(context.Context, string) bool       { return false }

// anyObject is the schema of a tool that takes what it is given.
func anyObject() json.RawMessage { return json.RawMessage(`{"type":"object"}`) }
