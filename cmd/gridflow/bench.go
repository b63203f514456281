package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"gridflow/internal/load"
)

// defaultGroup is the load where none is asked for: a crowd that lists workbooks.
const defaultGroup = "name=list clients=8 tool=list_workbooks"

// bench puts an MCP server under load and prints what became of the calls.
func (p *program) bench(ctx context.Context, args []string) (err error) {
	var (
		target   load.Target
		scenario load.Scenario
		given    load.Scenario // by flags, which win over the file
		asJSON   bool
		svg      string
	)
	args, command := cutCommand(args)
	file := single(func(path string) error { return readFile(path, &scenario, load.ReadScenario) })
	groupLine := "key=value pairs, blank separated, with the keys " + strings.Join(load.GroupKeys, ", ") + "; args takes the rest"
	_, rest, err := configure("bench", args, p.lookupEnv,
		setting{name: "url", allowed: "the URL of an MCP endpoint", set: single(func(s string) error { target.URL = s; return nil })},
		setting{name: "era", allowed: "a revision of the protocol such as 2025-11-25", set: single(func(s string) error { target.Era = s; return nil })},
		setting{name: "token-file", allowed: "a file with bearer tokens, NAME TOKEN a line, or TOKEN", set: single(func(path string) error {
			return readFile(path, &target.Tokens, load.ReadTokens)
		})},
		setting{name: "dialect", allowed: "a file that says how operations are called", set: single(func(path string) error {
			return readFile(path, &target.Dialect, load.ReadDialect)
		})},
		setting{name: "scenario", allowed: "a file with a scenario", set: file},
		setting{name: "for", allowed: "a time such as 10s", set: single(func(s string) error { return parseWait(&given.For, s) })},
		setting{name: "steps", allowed: "multiples of the rates such as 1,2,5,10", set: single(func(s string) (err error) {
			given.Steps, err = load.ParseSteps(s)
			return err
		})},
		setting{name: "settle", flag: true, allowed: "true or false", set: boolean(&given.Settle)},
		setting{name: "zipf", allowed: "the exponent of the popularity of workbooks", set: single(func(s string) error {
			_, err := fmt.Sscan(s, &given.Zipf)
			return err
		})},
		setting{name: "seed", allowed: "a whole number", set: single(func(s string) error { _, err := fmt.Sscan(s, &given.Seed); return err })},
		setting{name: "book", list: true, split: "\n", allowed: "NAME[:SHEET[:ROWS[:COLUMNS]]]", set: each(&given.Books, load.ParseBook)},
		setting{name: "group", list: true, split: "\n", allowed: groupLine, set: each(&given.Groups, load.ParseGroup)},
		setting{name: "report-json", flag: true, allowed: "true or false", set: boolean(&asJSON)},
		setting{name: "svg", allowed: "a file to draw the result to", set: single(func(s string) error { svg = s; return nil })},
	)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("bench takes no arguments, got %q; the load is named by --group or --scenario, a server to start by -- COMMAND", rest[0])
	}
	override(&scenario, given)
	if scenario.Groups == nil {
		g, err := load.ParseGroup(defaultGroup)
		if err != nil {
			return err
		}
		scenario.Groups = []load.Group{g}
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	if ended, err := p.benchTarget(ctx, &target, command); err != nil {
		return err
	} else if ended != nil {
		defer func() { err = errors.Join(err, ended()) }()
	}
	result, err := load.Run(ctx, target, scenario)
	if err != nil {
		return err
	}
	if svg != "" {
		if err := os.WriteFile(svg, []byte(result.SVG()), 0o666); err != nil {
			return err
		}
	}
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	_, err = io.WriteString(p.stdout, result.Text())
	return err
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
	own := command[0] == "http" || command[0] == "stdio"
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

// override puts what flags say in the place of what a file says.
func override(s *load.Scenario, flags load.Scenario) {
	if flags.For != 0 {
		s.For = flags.For
	}
	if flags.Steps != nil {
		s.Steps = flags.Steps
	}
	s.Settle = s.Settle || flags.Settle
	if flags.Zipf != 0 {
		s.Zipf = flags.Zipf
	}
	if flags.Seed != 0 {
		s.Seed = flags.Seed
	}
	if flags.Books != nil {
		s.Books = flags.Books
	}
	if flags.Groups != nil {
		s.Groups = flags.Groups
	}
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
