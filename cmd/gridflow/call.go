package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/audit"
	"gridflow/internal/obs"
	"gridflow/internal/server"
	"gridflow/internal/tools"
)

// argumentsMax bounds the arguments read from standard input, in bytes.
const argumentsMax = 16 << 20

// call runs one tool as the server would and prints its result: exactly on a pipe,
// aligned and without control characters on a terminal. All tools can be called
// whatever --toolsets says, for nobody pays for a list here.
func (p *program) call(ctx context.Context, args []string) error {
	var given string
	var isJSON bool
	c, rest, err := configure("call", args, p.lookupEnv, setting{
		name: "json", allowed: "the arguments as a JSON object, or - to read it from standard input",
		set: single(func(s string) error { given, isJSON = s, true; return nil }),
	})
	if errors.Is(err, errHelp) && len(rest) > 0 {
		return p.help(ctx, rest[:1])
	}
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		return usagef("which tool? Give its name; gridflow tools lists them")
	}
	rows, err := p.selected(c, server.Selection{Toolsets: []string{"all"}, Exclude: c.excludeTools, ReadOnly: c.readOnly})
	if err != nil {
		return err
	}
	t, err := findTool(rows, rest[0])
	if err != nil {
		return err
	}
	var raw json.RawMessage
	switch {
	case isJSON && len(rest) > 1:
		return usagef("give the arguments either by --json or as key=value, not both (%q)", rest[1])
	case isJSON:
		raw, err = p.jsonArguments(given)
	default:
		raw, err = keyValues(t, rest[1:])
	}
	if err != nil {
		return err
	}

	log, logCloser, err := p.logger(c)
	if err != nil {
		return err
	}
	defer logCloser.Close()
	if c.logLevel >= slog.LevelInfo {
		log = obs.Quieter(log, slog.LevelWarn) // what happened is the result, no news beside it
	}
	for _, stray := range strayVariables(p.environ) {
		log.Warn(stray)
	}
	c.fitMemory(log)
	ctx, stop := untilSignal(ctx)
	defer stop()
	var o *opened
	j := &joiner{
		c: c, log: log, mine: c.hello([]tools.Tool{*t}), // what else is on offer there or here is no matter
		open: func(ctx context.Context) (err error) { o, err = p.open(ctx, c, log); return err },
		ignore: func(setting string, theirs server.Hello) bool {
			return setting == settingTools && slices.Contains(strings.Split(theirs.Settings[settingTools], ","), t.Name)
		},
	}
	for tries := 1; ; tries++ {
		b, err := j.join(ctx)
		if err != nil {
			return err
		}
		if b == nil {
			break
		}
		res, err := callOver(ctx, b, t, raw)
		var unasked *unaskedError
		if errors.As(err, &unasked) && tries < 5 && ctx.Err() == nil {
			continue // it has ended before it was asked: there will be another one, or it is this one
		}
		if err != nil {
			return err
		}
		return p.print(res, tools.Profile(c.profile))
	}
	defer o.close()
	errTimeout := &tools.Error{Code: "TIMEOUT", Message: fmt.Sprintf("the call was stopped after %v", c.toolTimeout), Hint: "Ask for less, or raise --tool-timeout"}
	if c.toolTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.toolTimeout, errTimeout)
		defer cancel()
	}
	var res *tools.Result
	run := func(ctx context.Context) string {
		if res, err = t.Call(ctx, o.env, raw); err == nil {
			return "ok"
		}
		if known, ok := errors.AsType[*tools.Error](err); ok {
			return known.Code
		}
		return "INTERNAL"
	}
	if t.ReadOnly || o.audit == nil {
		run(ctx)
	} else {
		server.Audited(ctx, o.audit, log, audit.Entry{Client: "local", Part: "command line", Program: "gridflow call " + version(), Tool: t.Name}, raw, run)
	}
	if err != nil {
		if errors.Is(context.Cause(ctx), errTimeout) {
			return errTimeout
		}
		return err
	}
	return p.print(res, tools.Profile(c.profile))
}

// An unaskedError says that the process that has the state folder was not asked for the call.
type unaskedError struct{ err error }

func (e *unaskedError) Error() string {
	return "the process that has the state folder does not answer: " + e.err.Error()
}
func (e *unaskedError) Unwrap() error { return e.err }

// callOver runs a tool in the process that has the state folder.
func callOver(ctx context.Context, b server.Backend, t *tools.Tool, raw json.RawMessage) (*tools.Result, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "gridflow call", Version: version()}, nil)
	session, err := client.Connect(ctx, &mcp.IOTransport{Reader: b, Writer: b}, &mcp.ClientSessionOptions{ProtocolVersion: callRevision})
	if err != nil {
		b.Close()
		return nil, &unaskedError{err}
	}
	defer session.Close()
	got, err := session.CallTool(ctx, &mcp.CallToolParams{Name: t.Name, Arguments: raw})
	var wire *jsonrpc.Error
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &wire):
		return nil, errors.New(wire.Message)
	case err != nil:
		return nil, server.ErrMoved()
	}
	res := new(tools.Result)
	for _, part := range got.Content {
		if text, ok := part.(*mcp.TextContent); ok {
			res.Text += text.Text
		}
	}
	if got.IsError {
		return nil, errors.New(res.Text)
	}
	if got.StructuredContent != nil {
		if res.Structured, err = json.Marshal(got.StructuredContent); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// callRevision is the revision of the protocol that callOver speaks: one with a session, which
// counts as a client of its own.
const callRevision = "2025-11-25"

// findTool looks a tool up by name.
func findTool(rows []tools.Tool, name string) (*tools.Tool, error) {
	var names []string
	for i := range rows {
		if rows[i].Name == name {
			return &rows[i], nil
		}
		names = append(names, rows[i].Name)
	}
	return nil, usagef("there is no tool %q%s", name, didYouMean("", name, names))
}

// jsonArguments takes the value of --json.
func (p *program) jsonArguments(given string) (json.RawMessage, error) {
	data := []byte(given)
	if given == "-" {
		var err error
		if data, err = io.ReadAll(io.LimitReader(p.stdin, argumentsMax+1)); err != nil {
			return nil, err
		}
		if len(data) > argumentsMax {
			return nil, usagef("--json: the arguments are larger than %d bytes", argumentsMax)
		}
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		return nil, usagef("--json: the arguments must be a JSON object such as {\"sheet_name\":\"Data\"}%s", prefixed(": ", errorText(err)))
	}
	return bytes.TrimSpace(data), nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// keyValues makes the arguments of a tool from key=value texts, by the types that the
// tool's parameters have. A key given twice makes a list where the parameter is one.
func keyValues(t *tools.Tool, pairs []string) (json.RawMessage, error) {
	object := make(map[string]any)
	for _, pair := range pairs {
		key, text, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, usagef("%q is no argument of %s; write key=value, or all of them as --json '{…}'", pair, t.Name)
		}
		param := findParam(t, key)
		if param == nil {
			names := make([]string, len(t.Params()))
			for i, q := range t.Params() {
				names[i] = q.Name
			}
			near := didYouMean("", key, names)
			if near == "" {
				near = "; it has " + strings.Join(names, ", ")
			}
			return nil, usagef("%s has no parameter %q%s", t.Name, key, near)
		}
		value, err := parseValue(param.Type, text)
		if err != nil {
			return nil, usagef("%s: %s: %v", t.Name, key, err)
		}
		earlier, again := object[param.Name]
		list, isList := value.([]any)
		switch {
		case again && isList:
			object[param.Name] = append(earlier.([]any), list...)
		case again:
			return nil, usagef("%s: %s is given twice", t.Name, param.Name)
		default:
			object[param.Name] = value
		}
	}
	return json.Marshal(object)
}

func findParam(t *tools.Tool, key string) *tools.Param {
	for i := range t.Params() {
		if p := &t.Params()[i]; p.Name == key || slices.Contains(p.Aliases, key) {
			return p
		}
	}
	return nil
}

// parseValue reads a text as a value of a parameter's type. A list is written as JSON or
// with commas; an object as JSON.
func parseValue(typ, text string) (any, error) {
	element, isList := strings.CutPrefix(typ, "array of ")
	switch {
	case isList && strings.HasPrefix(strings.TrimSpace(text), "["):
		var list []any
		if err := unmarshalExact(text, &list); err != nil {
			return nil, fmt.Errorf("%q is no JSON array: %w", text, err)
		}
		return list, nil
	case isList && (element == "string" || element == "integer" || element == "number" || element == "boolean"):
		list := []any{}
		for part := range strings.SplitSeq(text, ",") {
			v, err := parseValue(element, strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case isList:
		v, err := parseValue(element, text)
		return []any{v}, err
	}
	switch typ {
	case "string":
		return text, nil
	case "boolean":
		v, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return v, nil
	case "integer":
		if _, err := strconv.ParseInt(text, 10, 64); err != nil || !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%q is no whole number", text)
		}
		return json.Number(text), nil
	case "number":
		if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return json.Number(text), nil
	default:
		// Whatever else a schema can ask for is JSON; a text that is none is a string.
		var v any
		if err := unmarshalExact(text, &v); err != nil {
			if typ == "object" {
				return nil, fmt.Errorf("%q is no JSON object: %w", text, err)
			}
			return text, nil
		}
		return v, nil
	}
}

// unmarshalExact keeps numbers as they are written.
func unmarshalExact(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("something follows the value")
	}
	return nil
}

// print writes a result: its text, or its JSON where that is what the profile is for.
func (p *program) print(res *tools.Result, profile tools.Profile) error {
	text := res.Text
	if res.Structured != nil && (profile == tools.Compat || text == "") {
		text = string(res.Structured) + "\n"
	}
	if isTerminal(p.stdout) {
		text = pretty(text)
	}
	_, err := io.WriteString(p.stdout, text)
	return err
}

// pretty makes a result readable on a terminal: JSON is indented, the columns of
// tab-separated lines are aligned, and characters that would steer the terminal, which
// may come from a cell, are shown instead.
func pretty(text string) string {
	var indented bytes.Buffer
	if trimmed := strings.TrimSpace(text); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if json.Indent(&indented, []byte(trimmed), "", "  ") == nil {
			return visible(indented.String()) + "\n"
		}
	}
	var out strings.Builder
	var block [][]string
	flush := func() {
		widths := []int{}
		for _, row := range block {
			for i, field := range row {
				if i == len(widths) {
					widths = append(widths, 0)
				}
				widths[i] = max(widths[i], len([]rune(field)))
			}
		}
		for _, row := range block {
			for i, field := range row {
				out.WriteString(field)
				if i < len(row)-1 {
					out.WriteString(strings.Repeat(" ", widths[i]-len([]rune(field))+2))
				}
			}
			out.WriteByte('\n')
		}
		block = block[:0]
	}
	for line := range strings.Lines(text) {
		line = visible(strings.TrimSuffix(line, "\n"))
		if strings.Contains(line, "\t") {
			block = append(block, strings.Split(line, "\t"))
			continue
		}
		flush()
		out.WriteString(line)
		out.WriteByte('\n')
	}
	flush()
	return out.String()
}

// visible replaces control characters other than tab and newline by the symbol that
// stands for them, or by a question mark.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || !unicode.IsControl(r):
			return r
		case r < 0x20:
			return 0x2400 + r // the control pictures
		default:
			return '?'
		}
	}, s)
}
