package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gridflow/internal/load"
)

// defaultGroup is the load where none is asked for: a crowd that lists workbooks.
const defaultGroup = "name=list clients=8 tool=list_workbooks"

// bench puts a running server under load and prints what became of the calls.
func (p *program) bench(ctx context.Context, args []string) error {
	var (
		target  = load.Target{URL: "http://127.0.0.1:8079/mcp"}
		length  = 10 * time.Second
		groups  []load.Group
		asJSON  bool
		allowed = "key=value pairs, blank separated, with the keys " + strings.Join(groupKeys, ", ") + "; args takes the rest"
	)
	_, rest, err := configure("bench", args, p.lookupEnv,
		setting{name: "url", allowed: "the URL of an MCP endpoint", set: single(func(s string) error { target.URL = s; return nil })},
		setting{name: "era", allowed: "a revision of the protocol such as 2025-11-25", set: single(func(s string) error { target.Era = s; return nil })},
		setting{name: "for", allowed: "a time such as 10s", set: single(func(s string) error { return parseWait(&length, s) })},
		setting{name: "report-json", flag: true, allowed: "true or false", set: boolean(&asJSON)},
		setting{name: "group", list: true, split: "\n", allowed: allowed, set: list(new([]string), func(s string) error {
			g, err := parseGroup(s)
			groups = append(groups, g)
			return err
		})},
	)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usagef("bench takes no arguments, got %q; the load is named by --group", rest[0])
	}
	if groups == nil {
		g, err := parseGroup(defaultGroup)
		if err != nil {
			return err
		}
		groups = []load.Group{g}
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	reports, err := load.Run(ctx, target, groups, length)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(reports)
	}
	fmt.Fprint(p.stdout, load.Table(reports))
	return nil
}

var groupKeys = []string{"name", "clients", "parallel", "think", "rate", "limit", "tool", "args"}

// parseGroup reads a group of clients, as in
// "name=victim clients=1 rate=10 tool=range_values args={"workbook_id":"sales"}".
func parseGroup(text string) (load.Group, error) {
	g := load.Group{Name: "load"}
	var call load.Call
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return g, fmt.Errorf("%q is no key=value", text)
		}
		value := rest
		if key == "args" {
			text = ""
		} else {
			value, text, _ = strings.Cut(rest, " ")
		}
		var err error
		switch key {
		case "name":
			g.Name = value
		case "tool":
			call.Tool = value
		case "args":
			if !json.Valid([]byte(value)) {
				err = errNotAllowed
			}
			call.Args = json.RawMessage(value)
		case "clients":
			err = positive(&g.Clients, value)
		case "parallel":
			err = positive(&g.Parallel, value)
		case "limit":
			err = positive(&g.Limit, value)
		case "think":
			err = parseWait(&g.Think, value)
		case "rate":
			g.Rate, err = strconv.ParseFloat(value, 64)
			if err != nil || !(g.Rate > 0) || g.Rate > 1e6 {
				err = errNotAllowed
			}
		default:
			err = fmt.Errorf("there is no key %q", key)
		}
		if err != nil {
			return g, fmt.Errorf("%s=%s: %w", key, value, err)
		}
	}
	if call.Tool == "" {
		return g, fmt.Errorf("which tool? Give tool=NAME")
	}
	g.Calls = []load.Call{call}
	return g, nil
}
