package load

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A Dialect says by which tools and arguments a server does what a load is made of.
//
// In the arguments, at any depth, {name} in a text stands for a variable, and a text that
// is nothing else but a variable becomes what that is, a number for example, or with
// {name:text} a text all the same. {{ is a brace.
// These are known: book, sheet, rows and columns of the workbook that was drawn; row and
// last, two rows of it with twenty rows from the one to the other; last_of_page, with fifty; column and cell, a
// letter and an address; value, a whole number up to a million; n, the number of the call;
// client, principal and group, of the caller; and what Make has made.
type Dialect struct {
	Ops map[string]Call `yaml:"ops"`
	// Make has what a client makes for itself before the load begins, if an operation of its
	// mix names it: a fork, or a copy that it may edit. Operations that name it are made on
	// the workbook that the client drew for it.
	Make map[string]Making `yaml:"make"`
	// Refused says which errors are refusals of a call that was not let in, and by which
	// code they are counted: regular expressions of the error's text by code.
	Refused map[string]string `yaml:"refused"`

	refused []refusal
}

// A Making makes a variable: a call, and the regular expression that finds the variable in
// its result, by its first group if it has one. Undo, unless nil, is called when the load
// has ended, so that nothing is left with the server; it may name what was made.
type Making struct {
	Call `yaml:",inline"`
	Take string `yaml:"take"`
	Undo *Call  `yaml:"undo"`

	take *regexp.Regexp
}

type refusal struct {
	code string
	text *regexp.Regexp
}

//go:embed gridflow.yaml
var gridflowYAML string

// Gridflow gives the dialect of this program's own server.
func Gridflow() *Dialect {
	d, err := ReadDialect(strings.NewReader(gridflowYAML))
	if err != nil {
		panic(err) // a test reads it
	}
	return d
}

// ReadDialect reads a dialect in YAML or JSON.
func ReadDialect(r io.Reader) (*Dialect, error) {
	d := new(Dialect)
	if err := readYAML(r, d); err != nil {
		return nil, err
	}
	known := slices.Clone(variables)
	for name := range d.Make {
		if slices.Contains(variables, name) {
			return nil, fmt.Errorf("make: {%s} is a variable already", name)
		}
		known = append(known, name)
	}
	for name, m := range d.Make {
		var err error
		if m.take, err = regexp.Compile(m.Take); err != nil {
			return nil, fmt.Errorf("make: %s: take: %w", name, err)
		}
		if err := m.Call.check(variables); err != nil {
			return nil, fmt.Errorf("make: %s: %w", name, err)
		}
		if m.Undo != nil {
			if err := m.Undo.check(known); err != nil {
				return nil, fmt.Errorf("make: %s: undo: %w", name, err)
			}
		}
		d.Make[name] = m
	}
	for op, c := range d.Ops {
		if err := c.check(known); err != nil {
			return nil, fmt.Errorf("ops: %s: %w", op, err)
		}
	}
	for code, text := range d.Refused {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("refused: %s: %w", code, err)
		}
		d.refused = append(d.refused, refusal{code, re})
	}
	slices.SortFunc(d.refused, func(a, b refusal) int { return strings.Compare(a.code, b.code) })
	return d, nil
}

// variables are the names that every dialect may use.
var variables = []string{"book", "sheet", "rows", "columns", "row", "last", "last_of_page", "column", "cell", "value", "n", "client", "principal", "group"}

// values are variables with what they are now.
type values map[string]any

// variable finds what may stand for a variable, and the doubled brace.
var variable = regexp.MustCompile(`\{\{|\{([a-z_]+)(:text)?\}`)

// check says which variable of a call is not known.
func (c Call) check(known []string) error {
	if c.Tool == "" {
		return fmt.Errorf("it names no tool")
	}
	for _, name := range c.uses() {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no variable {%s}; there are %s", name, strings.Join(known, ", "))
		}
	}
	_, err := json.Marshal(c.Args)
	return err
}

// uses gives the variables that a call names.
func (c Call) uses() (names []string) {
	eachText(c.Args, func(s string) {
		for _, m := range variable.FindAllStringSubmatch(s, -1) {
			if m[1] != "" {
				names = append(names, m[1])
			}
		}
	})
	return names
}

// Params gives an operation as a call with its variables filled in, for who makes single
// calls; ok is false where the dialect has no such operation.
func (d *Dialect) Params(op string, vars map[string]any) (params *mcp.CallToolParams, ok bool) {
	c, ok := d.Ops[op]
	if !ok {
		return nil, false
	}
	return c.with(vars).params(), true
}

// MakeParams gives the call that makes a variable.
func (m Making) MakeParams(vars map[string]any) *mcp.CallToolParams { return m.with(vars).params() }

// Found gives the variable out of the text of that call's result.
func (m Making) Found(text string) (value string, ok bool) {
	found := m.take.FindStringSubmatch(text)
	if found == nil {
		return "", false
	}
	return found[min(1, len(found)-1)], true
}

func eachText(v any, do func(string)) {
	switch v := v.(type) {
	case string:
		do(v)
	case []any:
		for _, item := range v {
			eachText(item, do)
		}
	case map[string]any:
		for _, item := range v {
			eachText(item, do)
		}
	}
}

// with gives the call with its variables filled in; the receiver is not changed.
func (c Call) with(vars values) Call {
	if c.Args != nil {
		c.Args = fill(c.Args, vars).(map[string]any)
	}
	return c
}

func fill(v any, vars values) any {
	switch v := v.(type) {
	case string:
		return fillText(v, vars)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = fill(item, vars)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = fill(item, vars)
		}
		return out
	}
	return v
}

func fillText(s string, vars values) any {
	if m := variable.FindStringSubmatch(s); m != nil && m[0] == s && m[1] != "" && m[2] == "" {
		if v, ok := vars[m[1]]; ok {
			return v
		}
	}
	return variable.ReplaceAllStringFunc(s, func(m string) string {
		if m == "{{" {
			return "{"
		}
		if v, ok := vars[strings.TrimSuffix(m[1:len(m)-1], ":text")]; ok {
			return fmt.Sprint(v)
		}
		return m
	})
}
