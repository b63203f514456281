package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/term"

	"gridflow/flow/breaker"
	"gridflow/internal/admit"
	"gridflow/internal/audit"
	"gridflow/internal/forks"
	"gridflow/internal/hub"
	"gridflow/internal/obs"
	"gridflow/internal/office"
	"gridflow/internal/server"
	"gridflow/internal/tools"
	"gridflow/internal/workspace"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1 // the work failed: a tool error, a port in use, calls cut off
	exitUsage = 2 // wrong arguments or settings
)

// A program is what the subcommands run with: the table of tools and how to open what
// the tools work on. Environment and streams are those of the process.
type program struct {
	table []tools.Tool
	open  func(ctx context.Context, c *config, log *slog.Logger) (*opened, error)

	environ        []string // as os.Environ gives it
	stdin          io.Reader
	stdout, stderr io.Writer
}

// lookupEnv gives a variable of the environment.
func (p *program) lookupEnv(name string) (string, bool) {
	for _, entry := range slices.Backward(p.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

// opened is the workspace as the server sees it.
type opened struct {
	env       *tools.Env
	roots     []string         // that are served, by absolute path
	state     string           // the folder whose forks this process has for itself; "": none
	resources server.Resources // nil: none
	books     admit.Books
	jobs      *admit.Jobs                 // nil: there are none
	cache     func() workspace.CacheStats // nil: there is no cache
	breakers  func() []breaker.Stats      // nil: there is none
	forks     func() forks.Stats          // nil: there are none
	events    func() hub.Stats            // nil: nothing changes
	office    *office.Pool                // nil: there is none
	audit     *audit.Log                  // of what changes something; nil: there is none
	close     func() error
}

// A command is one subcommand.
type command struct {
	name, args, doc string
	run             func(p *program, ctx context.Context, args []string) error
	settings        func() []setting // that mean something to it; nil: none
}

func commands() []command {
	all := func() []setting { return settings(new(config)) }
	return []command{
		{"stdio", "", "serve one client over standard input and output", (*program).stdio, all},
		{"http", "", "serve many clients over streamable HTTP", (*program).http, all},
		{"call", "TOOL [key=value … | --json '{…}' | --json -]", "call one tool and print its result; gridflow help TOOL describes it", (*program).call, all},
		{"calc", "FORMULA [--file=BOOK.xlsx] [--sheet=NAME] [--at=A1]", "evaluate one formula", (*program).calc, nil},
		{"tools", "[TOOL] [--json | --markdown]", "list the tools, or describe one", (*program).tools, func() []setting { return inGroup(all(), "Tools") }},
		{"journal", "DIR [--stream ID | --check] [--json]", "show the streams of a journal, or the records of one, or verify all of it", (*program).journal, nil},
		{"journal replay", "STATE [FORK] [--json]", "make all versions of the forks of a state folder again, and check them", (*program).replay, nil},
		{"journal rebuild", "STATE FORK[@VERSION] FILE [--json]", "write the workbook that a fork had at a version", (*program).rebuild, nil},
		{"bench", "[--scenario FILE | --group 'name=… clients=… rate=… mix=read:80,edit:20' …] [--book NAME:SHEET:ROWS …] [--url URL] [-- COMMAND]", "put an MCP server under load: one that runs, or one that COMMAND starts (http and stdio are gridflow's own)", (*program).bench, new(benchmark).settings},
		{"token", "NAME [--until DAY]", "make a token for a principal, and the lines for the file of --principals", (*program).token, nil},
		{"version", "", "print the version", (*program).version, nil},
		{"help", "[COMMAND | TOOL]", "print this text, or what there is to say of a command or a tool", (*program).help, nil},
	}
}

// run is the whole program but for the process around it; it gives the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	name := ""
	switch {
	case len(args) == 0 && isTerminal(p.stdin):
		fmt.Fprint(p.stderr, helpText())
		return exitUsage
	case len(args) == 0:
		name = "stdio"
	case args[0] == "--help" || args[0] == "-h" || args[0] == "-help":
		name, args = "help", args[1:]
	case args[0] == "--version":
		name, args = "version", args[1:]
	case strings.HasPrefix(args[0], "-"):
		name = "stdio" // as an MCP client's configuration would have it
	default:
		name, args = args[0], args[1:]
	}
	var names []string
	if name == "journal" && len(args) > 0 && (args[0] == "replay" || args[0] == "rebuild") {
		name, args = name+" "+args[0], args[1:]
	}
	for _, c := range commands() {
		if c.name == name {
			return p.exitCode(c.name, c.run(p, ctx, args))
		}
		names = append(names, c.name)
	}
	return p.exitCode("", usagef("there is no command %q%s", name, didYouMean("", name, names)))
}

func (p *program) exitCode(cmd string, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errHelp):
		fmt.Fprint(p.stdout, commandHelp(cmd))
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(p.stderr, "gridflow%s: %v\nSee gridflow help%s.\n", prefixed(" ", cmd), err, prefixed(" ", cmd))
		return exitUsage
	default:
		fmt.Fprintf(p.stderr, "gridflow%s: %v\n", prefixed(" ", cmd), err)
		return exitError
	}
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// logger opens the log that the settings ask for.
func (p *program) logger(c *config) (*slog.Logger, io.Closer, error) {
	log, closer, err := obs.NewLogger(obs.LogOptions{Level: c.logLevel, Format: c.logFormat, File: c.logFile, Stderr: p.stderr, Contents: c.logWhole})
	if err != nil {
		return nil, nil, usagef("--log-file: %v", err)
	}
	return log, closer, nil
}

// selection gives the tools that the settings offer.
func (p *program) selection(c *config) ([]tools.Tool, error) {
	return p.selected(c, server.Selection{Toolsets: c.toolsets, Tools: c.tools, Exclude: c.excludeTools, ReadOnly: c.readOnly})
}

// selected names the place to blame where a tool or toolset is not there.
func (p *program) selected(c *config, sel server.Selection) ([]tools.Tool, error) {
	rows, err := server.Select(p.table, sel)
	var wrong *server.SelectionError
	if errors.As(err, &wrong) {
		setting := map[string]string{"toolset": "toolsets", "tool": "tools", "excluded tool": "exclude-tools"}[wrong.Kind]
		return nil, usagef("%s: %v", c.places[setting], err)
	}
	return rows, err
}

// caps gives the bounds of results. A result that passes the bound of the whole is
// refused; the rows stop before that, with room for what stands around them, so that
// there is a page to give and nothing large is made in vain.
func (c *config) caps() tools.Caps {
	payload := c.maxPayloadBytes
	if most := c.maxResponseBytes - c.maxResponseBytes/4; most > 0 && (payload == 0 || payload > most) {
		payload = most
	}
	return tools.Caps{
		MaxCells: c.maxCells, MaxPayloadBytes: payload,
		MaxItems: c.maxItems, MaxResponseBytes: c.maxResponseBytes, MaxEditCells: c.maxEditCells,
	}
}

// untilSignal gives a context that ends at the first SIGINT, SIGTERM or SIGHUP, the last of which says that the
// terminal is closed. A second SIGINT or SIGTERM ends the process on the spot, for whoever does not want to wait
// for the drain; a terminal that is closed sends SIGHUP more than once.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	done := make(chan struct{})
	go func() {
		for told := false; ; {
			select {
			case s := <-signals:
				if told && s != syscall.SIGHUP {
					os.Exit(exitError)
				}
				told = true
				cancel()
			case <-done:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// isTerminal tells whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p *program) version(_ context.Context, args []string) error {
	if len(args) > 0 {
		return usagef("version takes no arguments, got %q", args[0])
	}
	_, err := fmt.Fprintf(p.stdout, "gridflow %s\n", version())
	return err
}

// version gives what the build knows about itself: the module's version, or the
// commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v != "" && v != "(devel)" {
		return v
	}
	v = "devel"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			v += "-" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			v += "-modified"
		}
	}
	return v
}
