package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errHelp asks for the help text instead of the work.
var errHelp = errors.New("help wanted")

// precedence says where settings come from.
const precedence = `
Settings. --cache-bytes on the command line wins over GRIDFLOW_CACHE_BYTES in the
environment, that over cache-bytes in the file given by --config, that over the default.
`

// help prints what there is to say of everything, of a command or of a tool.
func (p *program) help(_ context.Context, args []string) error {
	name := strings.Join(args, " ")
	var text string
	switch name {
	case "":
		text = helpText()
	case "-h", "--help":
		text = commandHelp("help")
	default:
		text = commandHelp(name)
	}
	if text == "" {
		t, err := findTool(p.table, name)
		if err != nil {
			names := []string{}
			for _, c := range commands() {
				names = append(names, c.name)
			}
			for _, t := range p.table {
				names = append(names, t.Name)
			}
			return usagef("there is no command and no tool %q%s", name, didYouMean("", name, names))
		}
		text = describe(t)
	}
	_, err := io.WriteString(p.stdout, text)
	return err
}

// helpText is made from the table of commands and the table of settings.
func helpText() string {
	var b strings.Builder
	b.WriteString("gridflow serves spreadsheets to agents over the Model Context Protocol.\n\nUsage: gridflow COMMAND [settings]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %s\n        %s\n", c.usage(), c.doc)
	}
	b.WriteString("\nWithout a command, and with standard input from a program, gridflow serves stdio.\n" + precedence)
	writeSettings(&b, append(settings(new(config)), new(benchmark).settings()...))
	return b.String()
}

// commandHelp is what there is to say of a command and those below it, "" where there is none of that name.
func commandHelp(name string) string {
	var b strings.Builder
	for _, c := range commands() {
		if c.name != name && !strings.HasPrefix(c.name, name+" ") {
			continue
		}
		fmt.Fprintf(&b, "Usage: gridflow %s\n        %s\n", c.usage(), c.doc)
		if c.settings == nil {
			continue
		}
		var its []setting
		for _, s := range c.settings() {
			if s.only == "" || s.only == c.name {
				its = append(its, s)
			}
		}
		if its[0].group != loadGroup {
			b.WriteString(precedence)
		}
		writeSettings(&b, its)
	}
	return b.String()
}

func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }

// writeSettings writes settings under the headings of their groups.
func writeSettings(b *strings.Builder, list []setting) {
	group := ""
	for _, s := range list {
		if s.group != group {
			group = s.group
			fmt.Fprintf(b, "\n%s\n", group)
		}
		fmt.Fprintf(b, "  --%s\n        %s", s.name, s.doc)
		if s.def != "" {
			fmt.Fprintf(b, " (default %s)", s.def)
		}
		b.WriteByte('\n')
	}
}

// inGroup gives the settings of a group.
func inGroup(list []setting, group string) (in []setting) {
	for _, s := range list {
		if s.group == group {
			in = append(in, s)
		}
	}
	return in
}
