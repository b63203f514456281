package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"gridflow/internal/nearest"
)

// usageError is a mistake in how the program was called or configured: exit code 2.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// configure fills a config for the subcommand cmd: a flag wins over an environment
// variable, that over the configuration file, that over the default. It gives back
// the arguments that are no settings. extra are flags that belong to the subcommand
// alone; they have neither a variable nor a key.
func configure(cmd string, args []string, lookupEnv func(string) (string, bool), extra ...setting) (*config, []string, error) {
	c := &config{places: make(map[string]string), held: make(map[string]string)}
	table := settings(c)

	flags, rest, err := parseFlags(cmd, args, append(table[:len(table):len(table)], extra...))
	if err != nil {
		return nil, rest, err
	}
	env := make(map[string][]string)
	for i := range table {
		s := &table[i]
		if v, ok := lookupEnv(s.env()); ok && (v != "" || s.needed) {
			env[s.name] = s.texts(v)
		}
	}

	file := make(map[string]fileValue)
	path := ""
	if v := flags["config"]; v != nil {
		path = v[len(v)-1]
	} else if v := env["config"]; v != nil {
		path = v[0]
	}
	if path != "" {
		if file, err = readConfigFile(path, table); err != nil {
			return nil, nil, err
		}
	}

	for i := range table {
		s := &table[i]
		given := s.texts(s.def)
		if err := s.set(given); err != nil {
			return nil, nil, s.refuse("the default of "+s.name, err)
		}
		// Every source is checked, also one that a stronger source overrides: a
		// mistake that shows only later is harder to find.
		if v, ok := file[s.name]; ok {
			c.places[s.name] = fmt.Sprintf("%s:%d: %s", path, v.line, v.key)
			if err := s.set(v.texts); err != nil {
				return nil, nil, s.refuse(c.places[s.name], err)
			}
			given = v.texts
		}
		if v, ok := env[s.name]; ok {
			c.places[s.name] = s.env()
			if err := s.set(v); err != nil {
				return nil, nil, s.refuse(c.places[s.name], err)
			}
			given = v
		}
		if v, ok := flags[s.name]; ok {
			c.places[s.name] = "--" + s.name
			if err := s.set(v); err != nil {
				return nil, nil, s.refuse(c.places[s.name], err)
			}
			given = v
		}
		if !s.followed() {
			c.held[s.name] = strings.Join(given, "\n")
		}
	}
	memory := memoryOfSystem()
	c.fit(memory, memory.group > 0 && c.hasOffice())
	for i := range extra {
		s := &extra[i]
		if v, ok := flags[s.name]; ok {
			if err := s.set(v); err != nil {
				return nil, nil, s.refuse("--"+s.name, err)
			}
		}
	}
	return c, rest, nil
}

// texts splits one text into the values of a list; other settings keep it whole.
func (s *setting) texts(text string) []string {
	if !s.list {
		return []string{text}
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(s.split, r) })
}

// refuse words the error of a value that came from the given place.
func (s *setting) refuse(place string, err error) error {
	var v valueError
	if !errors.As(err, &v) {
		return usagef("%s: %v", place, err)
	}
	if errors.Is(v.err, errNotAllowed) {
		return usagef("%s: %q is not allowed; give %s", place, v.value, s.allowed)
	}
	return usagef("%s: %q: %v; give %s", place, v.value, v.err, s.allowed)
}

// parseFlags reads --name value, --name=value and switches, in any order with other
// arguments; "--" ends the flags. A single dash does as well as two. With errHelp, rest is what
// stands before the wish.
func parseFlags(cmd string, args []string, table []setting) (flags map[string][]string, rest []string, err error) {
	flags = make(map[string][]string)
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return flags, append(rest, args[i+1:]...), nil
		}
		if len(arg) < 2 || arg[0] != '-' || !isLetter(strings.TrimLeft(arg, "-")) {
			rest = append(rest, arg)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		name = strings.ReplaceAll(name, "_", "-")
		s := find(table, name)
		switch {
		case name == "help" || name == "h":
			return nil, rest, errHelp
		case s == nil:
			return nil, nil, usagef("there is no flag --%s%s", name, didYouMean("--", name, namesFor(cmd, table)))
		case s.only != "" && s.only != cmd:
			return nil, nil, usagef("--%s belongs to gridflow %s, not to gridflow %s", name, s.only, cmd)
		case s.flag && !hasValue:
			value = "true"
		case !hasValue:
			if i++; i == len(args) {
				return nil, nil, usagef("--%s needs a value; give %s", name, s.allowed)
			}
			value = args[i]
		}
		switch {
		case s.name == "root":
			// On the command line the flag is repeated, and a path may hold any separator.
			flags[name] = append(flags[name], value)
		case s.list:
			flags[name] = append(flags[name], s.texts(value)...)
		default:
			flags[name] = []string{value}
		}
	}
	return flags, rest, nil
}

func isLetter(s string) bool { return s != "" && (s[0]|0x20) >= 'a' && (s[0]|0x20) <= 'z' }

func find(table []setting, name string) *setting {
	for i := range table {
		if table[i].name == name {
			return &table[i]
		}
	}
	return nil
}

func namesFor(cmd string, table []setting) []string {
	var names []string
	for _, s := range table {
		if s.only == "" || s.only == cmd {
			names = append(names, s.name)
		}
	}
	return names
}

// didYouMean gives `; did you mean "x"?` where a name is near, and nothing otherwise.
func didYouMean(prefix, word string, names []string) string {
	if near := nearest.Names(word, names, 1); near != nil {
		return fmt.Sprintf("; did you mean %s%s?", prefix, near[0])
	}
	return ""
}

// fileValue is one entry of the configuration file and where it stands.
type fileValue struct {
	key   string // as written
	line  int
	texts []string
}

// configFileMax bounds the configuration file, in bytes.
const configFileMax = 1 << 20

// readConfigFile reads a YAML mapping from setting names, with dashes or underscores,
// to scalars or lists of scalars.
func readConfigFile(path string, table []setting) (map[string]fileValue, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usagef("--config: %v", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, configFileMax+1))
	if err != nil {
		return nil, usagef("--config: %v", err)
	}
	if len(data) > configFileMax {
		return nil, usagef("--config: %s is larger than %d bytes; give a YAML file with settings", path, configFileMax)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		// It is a file that somebody is about to write, or has lost, more often than one that
		// is to say nothing.
		return nil, usagef("%s is empty; a file that is to change nothing holds a comment", path)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, usagef("%s: %v", path, err)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, usagef("%s holds more than one document (---); the settings of a second one would not hold", path)
	}
	values := make(map[string]fileValue)
	if doc.Kind == 0 { // nothing but comments
		return values, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, usagef("%s:%d: the file must hold settings as \"name: value\"", path, top.Line)
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, node := top.Content[i], top.Content[i+1]
		name := strings.ReplaceAll(key.Value, "_", "-")
		s := find(table, name)
		if name == "config" {
			return nil, usagef("%s:%d: config: %q is not allowed here, for a configuration file cannot name another; give --config or GRIDFLOW_CONFIG", path, key.Line, written(node))
		}
		if s == nil {
			return nil, usagef("%s:%d: there is no setting %q%s", path, key.Line, key.Value, didYouMean("", name, namesFor("http", table)))
		}
		if earlier, ok := values[name]; ok {
			return nil, usagef("%s:%d: %s is set already in line %d", path, key.Line, key.Value, earlier.line)
		}
		v := fileValue{key: key.Value, line: node.Line}
		switch {
		case node.Kind == yaml.ScalarNode && name == "root":
			v.texts = []string{node.Value}
		case node.Kind == yaml.ScalarNode:
			v.texts = s.texts(node.Value)
		case node.Kind == yaml.MappingNode && s.mapping:
			for i := 0; i+1 < len(node.Content); i += 2 {
				name, value := node.Content[i], node.Content[i+1]
				if name.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
					return nil, usagef("%s:%d: %s: %q is not allowed, for plain names and values are wanted; give %s", path, name.Line, key.Value, written(node), s.allowed)
				}
				v.texts = append(v.texts, name.Value+"="+value.Value)
			}
		case node.Kind == yaml.SequenceNode && s.list:
			for _, item := range node.Content {
				if item.Kind != yaml.ScalarNode {
					return nil, usagef("%s:%d: %s: %q is not allowed, for a list of plain values is wanted; give %s", path, item.Line, key.Value, written(item), s.allowed)
				}
				v.texts = append(v.texts, item.Value)
			}
		default:
			return nil, usagef("%s:%d: %s: %q is not allowed, for a single value is wanted; give %s", path, node.Line, key.Value, written(node), s.allowed)
		}
		values[name] = v
	}
	return values, nil
}

// written gives the value of a node on one line, as it might have been written.
func written(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode {
		return node.Value
	}
	oneLine := *node
	oneLine.Style = yaml.FlowStyle
	text, err := yaml.Marshal(&oneLine)
	if err != nil {
		return "…" // an alias to nothing, for example
	}
	short := []rune(strings.Join(strings.Fields(string(text)), " "))
	const shown = 80
	if len(short) > shown {
		short = append(short[:shown], '…')
	}
	return string(short)
}

// strayVariables names the environment variables that look like settings and are none,
// each with the setting that may have been meant.
func strayVariables(environ []string) []string {
	table := settings(new(config))
	names := namesFor("http", table)
	var stray []string
	for _, entry := range environ {
		variable, _, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(variable, "GRIDFLOW_")
		if name = strings.ToLower(strings.ReplaceAll(name, "_", "-")); !ok || find(table, name) != nil {
			continue
		}
		// A variable that resembles no setting belongs to something else.
		if near := nearest.Names(name, names, 1); near != nil {
			stray = append(stray, fmt.Sprintf("%s is no setting; did you mean %s?", variable, find(table, near[0]).env()))
		}
	}
	return stray
}
