package load

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// GroupKeys are the keys of a group in one line, in the order in which they are explained.
var GroupKeys = []string{"name", "clients", "principals", "as", "rate", "arrivals", "burst", "fixed", "parallel", "think", "limit",
	"within", "timeout", "leave", "leave-after", "life", "read-bytes", "mix", "tool", "args"}

// GroupHelp says what they mean, for who sees no more than a line of help.
const GroupHelp = `clients and principals (how many; as=NAME,… those whose tokens they send); an open loop: rate (calls a second of each client), arrivals (constant or poisson), ` +
	`burst (calls at once), fixed=true (steps do not multiply the rate); or a closed one: parallel (calls that each keeps going), think (the pause after each), limit (calls of each in a step); ` +
	`what for: mix=OPERATION:WEIGHT,… of read, page, find, list, sheets, edit, readback, recalculate, save, render, status (or what the dialect has), or tool=NAME and, last, args={…}; ` +
	`within (what takes longer is late), timeout (patience); manners: leave (the part of calls that their client gives up, 0 to 1), leave-after, life (calls until it comes anew), read-bytes (so many a second)`

// ParseGroup reads a group from one line of key=value pairs, blank separated, as in
// `name=victim clients=1 rate=10 tool=range_values args={"workbook_id":"sales"}` or
// `clients=20 rate=2 arrivals=poisson mix=read:80,edit:20`. args takes the rest.
func ParseGroup(text string) (Group, error) {
	g := Group{Name: "load"}
	var call Call
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		key, rest, found := strings.Cut(text, "=")
		if !found {
			return g, fmt.Errorf("%q is no key=value", text)
		}
		value := rest
		if key == "args" {
			text = ""
		} else {
			value, text, _ = strings.Cut(rest, " ")
		}
		if err := g.set(&call, key, value); err != nil {
			return g, fmt.Errorf("%s=%s: %w", key, value, err)
		}
	}
	switch {
	case call.Tool != "":
		g.Calls = []Call{call}
	case call.Args != nil:
		return g, errors.New("args belong to a tool; give tool=NAME")
	case g.Mix == nil:
		return g, errors.New("which calls? Give tool=NAME or mix=OPERATION:WEIGHT,…")
	}
	return g, g.check()
}

func (g *Group) set(call *Call, key, value string) (err error) {
	switch key {
	case "name":
		g.Name = value
	case "arrivals":
		g.Arrivals = value
	case "clients":
		g.Clients, err = positive(value)
	case "principals":
		g.Principals, err = positive(value)
	case "as":
		g.As = strings.Split(value, ",")
	case "burst":
		g.Burst, err = positive(value)
	case "parallel":
		g.Parallel, err = positive(value)
	case "limit":
		g.Limit, err = positive(value)
	case "life":
		g.Life, err = positive(value)
	case "read-bytes":
		g.ReadBytes, err = positive(value)
	case "fixed":
		g.Fixed, err = strconv.ParseBool(value)
	case "rate":
		if g.Rate, err = strconv.ParseFloat(value, 64); err == nil && !(g.Rate > 0) {
			err = errors.New("that is no rate")
		}
	case "leave":
		g.Leave, err = strconv.ParseFloat(value, 64)
	case "think":
		g.Think, err = time.ParseDuration(value)
	case "within":
		g.Within, err = time.ParseDuration(value)
	case "timeout":
		g.Timeout, err = time.ParseDuration(value)
	case "leave-after":
		g.LeaveAfter, err = time.ParseDuration(value)
	case "mix":
		g.Mix, err = ParseMix(value)
	case "tool":
		call.Tool = value
	case "args":
		dec := json.NewDecoder(strings.NewReader(value))
		dec.UseNumber() // as it is written
		if err = dec.Decode(&call.Args); err == nil && dec.More() {
			err = errors.New("that is more than one JSON object")
		}
	default:
		return fmt.Errorf("there is no such key; there are %s", strings.Join(GroupKeys, ", "))
	}
	return err
}

func positive(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err == nil && n < 1 {
		err = errors.New("it is not at least 1")
	}
	return n, err
}

// ParseMix reads operations with weights, as in "read:80,edit:20"; without a weight it is 1.
func ParseMix(text string) (map[string]float64, error) {
	m := map[string]float64{}
	for part := range strings.SplitSeq(text, ",") {
		op, weight, given := strings.Cut(strings.TrimSpace(part), ":")
		w := 1.0
		if given {
			var err error
			if w, err = strconv.ParseFloat(weight, 64); err != nil || !(w >= 0) || math.IsInf(w, 0) {
				return nil, fmt.Errorf("%q is no weight", weight)
			}
		}
		if op == "" {
			return nil, errors.New("an operation has no name")
		}
		m[op] += w
	}
	return m, nil
}

// ParseBook reads a workbook as NAME[:SHEET[:ROWS[:COLUMNS]]]. A name may hold colons only
// where all parts are given.
func ParseBook(text string) (Book, error) {
	parts := strings.Split(text, ":")
	if n := len(parts); n > 4 {
		parts = append([]string{strings.Join(parts[:n-3], ":")}, parts[n-3:]...)
	}
	b := Book{Name: parts[0]}
	if b.Name == "" {
		return b, errors.New("it has no name")
	}
	if len(parts) > 1 {
		b.Sheet = parts[1]
	}
	for i, of := range []*int{&b.Rows, &b.Columns} {
		if len(parts) > i+2 {
			var err error
			if *of, err = positive(parts[i+2]); err != nil {
				return b, fmt.Errorf("%q: %w", parts[i+2], err)
			}
		}
	}
	return b, nil
}

// ParseSteps reads multiples of the rates, as in "1,2,5,10".
func ParseSteps(text string) ([]float64, error) {
	var steps []float64
	for part := range strings.SplitSeq(text, ",") {
		x, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(part), "x"), 64)
		if err != nil || !(x > 0) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%q is no multiple of a rate", part)
		}
		steps = append(steps, x)
	}
	return slices.Clip(steps), nil
}
