package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/load"
)

// defaultGroup is the load where none is asked for: a crowd that lists workbooks.
const defaultGroup = "name=list clients=8 tool=list_workbooks"

// A benchmark is what the command line of bench asks for.
type benchmark struct {
	target             load.Target
	scenario           load.Scenario // out of a file
	given              load.Scenario // by flags, which win over the file; these also where they say 0 or false:
	seed, zipf, settle bool
	asJSON             bool
	svg                string
}

// loadGroup heads bench's own flags, which have neither a variable nor a key.
const loadGroup = "Load (gridflow bench)"

// settings is the table of bench's own flags.
func (b *benchmark) settings() []setting {
	table := []setting{
		{name: "scenario", doc: "YAML file with the whole load, over which the flags below win; bench/load has some", allowed: "a file with a scenario", set: single(func(path string) error {
			return readFile(path, &b.scenario, load.ReadScenario)
		})},
		{name: "group", doc: "clients that behave alike, as key=value pairs: " + load.GroupHelp, def: defaultGroup, list: true, split: "\n",
			allowed: "key=value pairs, blank separated, with the keys " + strings.Join(load.GroupKeys, ", ") + "; args takes the rest", set: each(&b.given.Groups, load.ParseGroup)},
		{name: "book", doc: "a workbook that the calls are about, as NAME[:SHEET[:ROWS[:COLUMNS]]], with the name that the server knows it by; repeat it for several", list: true, split: "\n",
			allowed: "NAME[:SHEET[:ROWS[:COLUMNS]]]", set: each(&b.given.Books, load.ParseBook)},
		{name: "zipf", doc: "the k-th workbook is asked for as often as 1/k to this power; 0: all alike", allowed: "the exponent of the popularity of workbooks, from 0 to 100", set: single(func(s string) (err error) {
			b.given.Zipf, err = strconv.ParseFloat(s, 64)
			b.zipf = true
			return err
		})},
		{name: "for", doc: "how long each step lasts", def: "10s", allowed: "a time such as 10s", set: single(func(s string) error { return parseWait(&b.given.For, s) })},
		{name: "steps", doc: "multiples of the rates, one step after the other", def: "1", allowed: "multiples of the rates such as 1,2,5,10", set: single(func(s string) (err error) {
			b.given.Steps, err = load.ParseSteps(s)
			return err
		})},
		{name: "settle", doc: "a step begins when the calls of the one before have come back", def: "false", flag: true, allowed: "true or false", set: func(values []string) error {
			b.settle = true
			return boolean(&b.given.Settle)(values)
		}},
		{name: "seed", doc: "of all that is drawn: with the same one the same is asked for", def: "0", allowed: "a whole number from 0 up", set: single(func(s string) (err error) {
			b.given.Seed, err = strconv.ParseUint(s, 10, 64)
			b.seed = true
			return err
		})},
		{name: "url", doc: "the server, where it runs already, or where the one that COMMAND starts will listen", def: "http://127.0.0.1:8079/mcp", allowed: "the URL of an MCP endpoint, such as http://127.0.0.1:8079/mcp", set: single(func(s string) error {
			u, err := url.Parse(s)
			if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
				err = errNotAllowed
			}
			b.target.URL = s
			return err
		})},
		{name: "era", doc: "the revision of the protocol to speak; left out: the newest that both know", allowed: "one of " + strings.Join(mcp.SupportedProtocolVersions(), ", "), set: single(func(s string) error {
			if !slices.Contains(mcp.SupportedProtocolVersions(), s) {
				return errNotAllowed
			}
			b.target.Era = s
			return nil
		})},
		{name: "dialect", doc: "YAML file that says by which tools another server does what the load is made of; bench/load/dialects has some", allowed: "a file that says how operations are called", set: single(func(path string) error {
			return readFile(path, &b.target.Dialect, load.ReadDialect)
		})},
		{name: "token-file", doc: "file with bearer tokens, NAME TOKEN a line for the principals that groups are (as=NAME), or TOKEN alone for all others", allowed: "a file with bearer tokens, NAME TOKEN a line, or TOKEN", set: single(func(path string) error {
			return readFile(path, &b.target.Tokens, load.ReadTokens)
		})},
		{name: "report-json", doc: "print all that was measured as JSON, histograms included", def: "false", flag: true, allowed: "true or false", set: boolean(&b.asJSON)},
		{name: "svg", doc: "draw the result to this file too", allowed: "a file to draw the result to", set: single(func(s string) error { b.svg = s; return nil })},
	}
	for i := range table {
		table[i].group = loadGroup
	}
	return table
}

// bench puts an MCP server under load and prints what became of the calls.
func (p *program) bench(ctx context.Context, args []string) (err error) {
	args, command := cutCommand(args)
	var b benchmark
	_, rest, err := configure("bench", args, p.lookupEnv, b.settings()...)
	if err != nil {
		return err
	}
	target, scenario := b.target, b.load()
	if len(rest) > 0 {
		return usagef("bench takes no arguments, got %q; the load is named by --group or --scenario, a server to start by -- COMMAND", rest[0])
	}
	if scenario.Groups == nil {
		g, err := load.ParseGroup(defaultGroup)
		if err != nil {
			return err
		}
		scenario.Groups = []load.Group{g}
	}
	drawing, err := openDrawing(b.svg)
	if err != nil {
		return usagef("--svg: %v", err)
	}
	defer func() { err = errors.Join(err, drawing.Close()) }()
	ctx, stop := untilSignal(ctx)
	defer stop()
	command, sweep, err := p.benchState(command)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sweep()) }()
	if ended, err := p.benchTarget(ctx, &target, command); err != nil {
		return err
	} else if ended != nil {
		defer func() { err = errors.Join(err, ended()) }()
	}
	result, err := load.Run(ctx, target, scenario)
	switch {
	case result == nil:
		return err
	case errors.Is(err, context.Canceled):
		err = errors.New("it was stopped: the figures are those until then")
	}
	return errors.Join(err, drawing.draw(result), b.print(p.stdout, result))
}

func (b *benchmark) print(w io.Writer, result *load.Result) error {
	if b.asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	_, err := io.WriteString(w, result.Text())
	return err
}

// A drawing is the file that a result is drawn to; the zero value is none. It is opened
// before the load, which may take hours, and is as it was unless there is a result.
type drawing struct{ file *os.File }

func openDrawing(path string) (d drawing, err error) {
	if path != "" {
		d.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
	}
	return d, err
}

func (d drawing) draw(r *load.Result) error {
	if d.file == nil {
		return nil
	}
	if err := d.file.Truncate(0); err != nil && !errors.Is(err, syscall.EINVAL) { // a pipe has no length
		return err
	}
	_, err := io.WriteString(d.file, r.SVG())
	return err
}

// Close removes a file that nothing was drawn to, and that had nothing in it.
func (d drawing) Close() error {
	if d.file == nil {
		return nil
	}
	info, err := d.file.Stat()
	if err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		err = os.Remove(d.file.Name())
	}
	return errors.Join(err, d.file.Close())
}

// cutCommand takes what follows "--" off: the command of a server to start.
func cutCommand(args []string) (flags, command []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i], args[i+1:]
	}
	return args, nil
}

// drainMax is how long a server that was started for a run may take to end.
const drainMax = 30 * time.Second

// isOwn tells whether the command of a server is this program.
func isOwn(command []string) bool {
	return len(command) > 0 && (command[0] == "http" || command[0] == "stdio")
}

// benchState gives gridflow's own servers a state folder for this run, which sweep removes, unless they are told
// of one: the user's has forks that people work on, which are many or may not become more, and where another process
// has it that one would be put under load.
func (p *program) benchState(command []string) (with []string, sweep func() error, err error) {
	sweep = func() error { return nil }
	if !isOwn(command) {
		return command, sweep, nil
	}
	// What is wrong with the settings the server tells itself.
	if c, _, err := configure(command[0], command[1:], p.lookupEnv); err != nil || c.stateDir != "" {
		return command, sweep, nil
	}
	dir, err := os.MkdirTemp("", "gridflow-bench-")
	if err != nil {
		return nil, nil, err
	}
	return slices.Insert(slices.Clone(command), 1, "--state-dir="+dir), func() error { return os.RemoveAll(dir) }, nil
}

// benchTarget says which server is put under load, and starts it where a command is given:
// this program where the command is http or stdio. ended, unless nil, stops what was started.
func (p *program) benchTarget(ctx context.Context, target *load.Target, command []string) (ended func() error, err error) {
	if len(command) == 0 {
		if target.URL == "" {
			target.URL = "http://127.0.0.1:8079/mcp"
		}
		return nil, nil
	}
	program := load.Program{Line: command}
	own := isOwn(command)
	listens := target.URL != "" || command[0] == "http"
	if own {
		if program.File, err = os.Executable(); err != nil {
			return nil, err
		}
		if command[0] == "http" && target.URL == "" && !slices.ContainsFunc(command, isListen) {
			command = append(slices.Clone(command), "--listen=127.0.0.1:0")
		}
		program.Line = append([]string{os.Args[0]}, command...)
	}
	if !listens {
		target.Program = program
		return nil, nil
	}
	server, err := load.Start(ctx, program, target.URL)
	if err != nil {
		return nil, err
	}
	target.URL, target.PID = server.URL, server.PID
	return func() error {
		if err := server.Stop(drainMax); err != nil && own {
			return fmt.Errorf("the server: %w", err)
		}
		return nil
	}, nil
}

func isListen(arg string) bool {
	return strings.HasPrefix(strings.TrimLeft(arg, "-"), "listen")
}

// load puts what flags say in the place of what the file says.
func (b *benchmark) load() load.Scenario {
	s, flags := b.scenario, b.given
	if flags.For != 0 {
		s.For = flags.For
	}
	if flags.Steps != nil {
		s.Steps = flags.Steps
	}
	if b.settle {
		s.Settle = flags.Settle
	}
	if b.zipf {
		s.Zipf = flags.Zipf
	}
	if b.seed {
		s.Seed = flags.Seed
	}
	if flags.Books != nil {
		s.Books = flags.Books
	}
	if flags.Groups != nil {
		s.Groups = flags.Groups
	}
	return s
}

// each parses the texts of a list.
func each[T any](to *[]T, parse func(string) (T, error)) func([]string) error {
	return list(new([]string), func(s string) error {
		v, err := parse(s)
		*to = append(*to, v)
		return err
	})
}

// readFile reads a file by what knows its form.
func readFile[T any](path string, to *T, read func(io.Reader) (T, error)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	*to, err = read(f)
	return err
}
