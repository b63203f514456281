package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/server"
	"gridflow/internal/tools"
)

// tools lists the tools that the settings offer, or describes one.
func (p *program) tools(_ context.Context, args []string) error {
	var asJSON, asMarkdown bool
	c, rest, err := configure("tools", args, p.lookupEnv,
		setting{name: "json", flag: true, allowed: "true or false", set: boolean(&asJSON)},
		setting{name: "markdown", flag: true, allowed: "true or false", set: boolean(&asMarkdown)},
	)
	if err != nil {
		return err
	}
	var text string
	var md strings.Builder
	switch {
	case asJSON && asMarkdown:
		return usagef("give either --json or --markdown")
	case len(rest) > 1:
		return usagef("tools takes the name of one tool, got %q as well", rest[1])
	case len(rest) == 1:
		t, err := findTool(p.table, rest[0])
		if err != nil {
			return err
		}
		switch {
		case asJSON:
			text, err = indent(server.Definition(t))
			if err != nil {
				return err
			}
		case asMarkdown:
			if err := tools.Markdown(&md, []tools.Tool{*t}); err != nil {
				return err
			}
		default:
			text = describe(t)
		}
	default:
		rows, err := p.selection(c)
		if err != nil {
			return err
		}
		switch {
		case asJSON:
			payload := struct {
				Tools []*mcp.Tool `json:"tools"`
			}{[]*mcp.Tool{}}
			for i := range rows {
				payload.Tools = append(payload.Tools, server.Definition(&rows[i]))
			}
			text, err = indent(payload)
			if err != nil {
				return err
			}
		case asMarkdown:
			if err := tools.Markdown(&md, rows); err != nil {
				return err
			}
		default:
			text = overview(rows)
		}
	}
	_, err = io.WriteString(p.stdout, text+md.String())
	return err
}

func indent(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.String(), err
}

// overview is one line per tool.
func overview(rows []tools.Tool) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, t := range rows {
		set := t.Toolset
		if t.Core {
			set += ", core"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, t.Title, strings.TrimPrefix(set, ", "))
	}
	w.Flush()
	return b.String()
}

// describe is what a person at a shell wants to know of one tool.
func describe(t *tools.Tool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s (%s)\n\n%s\n", t.Name, t.Title, strings.Join(hints(t), ", "), t.Description)
	if len(t.Params()) > 0 {
		b.WriteString("\nParameters\n")
	}
	for _, p := range t.Params() {
		fmt.Fprintf(&b, "  %s  %s\n        %s\n", p.Name, strings.Join(facts(p), ", "), p.Doc)
	}
	return b.String()
}

// hints are the annotations in words.
func hints(t *tools.Tool) []string {
	words := []string{"toolset " + t.Toolset}
	if t.Core {
		words = append(words, "core")
	}
	switch {
	case t.ReadOnly:
		words = append(words, "changes nothing")
	case t.Destructive:
		words = append(words, "may destroy what cannot be had back")
	}
	if t.Idempotent && !t.ReadOnly {
		words = append(words, "may be repeated")
	}
	return words
}

// facts are what the schema says of a parameter, in words.
func facts(p tools.Param) []string {
	words := []string{p.Type}
	if p.Required {
		words = append(words, "required")
	}
	if len(p.Enum) > 0 {
		words = append(words, "one of "+strings.Join(p.Enum, " | "))
	}
	if p.Default != "" {
		words = append(words, "default "+p.Default)
	}
	switch {
	case p.Min != nil && p.Max != nil:
		words = append(words, decimal(p.Min)+" to "+decimal(p.Max))
	case p.Min != nil:
		words = append(words, "at least "+decimal(p.Min))
	case p.Max != nil:
		words = append(words, "at most "+decimal(p.Max))
	}
	if len(p.Aliases) > 0 {
		words = append(words, "also called "+strings.Join(p.Aliases, ", "))
	}
	return words
}

func decimal(f *float64) string { return strconv.FormatFloat(*f, 'f', -1, 64) }
