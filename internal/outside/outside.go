package outside

import (
	"strings"

	"gridflow/internal/formula"
)

// Policy says what becomes of a formula that reaches outside of its workbook.
type Policy string

// The policies.
const (
	Allow  Policy = "allow"  // it is written, and nothing is said
	Warn   Policy = "warn"   // it is written, and the result says so
	Refuse Policy = "refuse" // the call fails, and nothing is written
)

// functions are those with which a workbook reaches outside, by what they do. HYPERLINK is looked at by
// itself: most of its links stay inside.
var functions = map[string]string{
	"WEBSERVICE":     "asks an address of the web",
	"IMAGE":          "loads a picture from the web",
	"STOCKHISTORY":   "asks a service on the web",
	"TRANSLATE":      "sends text to a service on the web",
	"DETECTLANGUAGE": "sends text to a service on the web",
	"COPILOT":        "sends cells to a service on the web",
	"PY":             "runs a program in a service on the web",
	"RTD":            "starts a program for data in real time",
	"CALL":           "runs code of a library",
	"REGISTER.ID":    "loads a library",
	"SQL.REQUEST":    "asks a database",
}

// Of gives what a formula asks for outside of its workbook, each once, such as "WEBSERVICE (asks an address
// of the web)"; nil where it asks for nothing, or is no formula: what does not parse is not written either,
// links by DDE among it. text is as typed or stored, without "=". It may be called from any number of
// goroutines.
func Of(text string) (asks []string) {
	if !may(text) {
		return nil
	}
	t, err := formula.Parse(text)
	if err != nil {
		return nil
	}
	add := func(s string) {
		for _, has := range asks {
			if has == s {
				return
			}
		}
		asks = append(asks, s)
	}
	for n := range formula.Nodes(t.Root) {
		if n.Kind != formula.Call {
			continue
		}
		name := n.Function()
		if what, ok := functions[name]; ok {
			add(name + " (" + what + ")")
		} else if name == "HYPERLINK" && len(n.Kids) > 0 && leads(n.Kids[0]) {
			add("HYPERLINK (leads out of the workbook)")
		}
	}
	for r := range formula.References(t.Root) {
		if r.Book() != "" {
			add("another workbook (its values are read when links are updated)")
		}
		// A function may be handed to another one by its name alone.
		if name := formula.FunctionName(r.Name); r.Kind == formula.NameRef && functions[name] != "" {
			add(name + " (" + functions[name] + ")")
		}
	}
	return asks
}

// leads reports whether the target of a link may lie outside: it does not where it is written out and begins
// as a place in the workbook does.
func leads(target *formula.Node) bool {
	switch {
	case target.Kind == formula.Paren, target.Kind == formula.Binary && target.Op == formula.OpConcat:
		return leads(target.Kids[0]) // the beginning of a text says where it leads
	}
	return target.Kind != formula.Text || !strings.HasPrefix(strings.TrimSpace(target.Text), "#")
}

// may reports whether a formula has any of the words that Of looks for, so that most need not be
// parsed.
func may(text string) bool {
	if strings.IndexByte(text, '[') >= 0 {
		return true
	}
	for at := 0; at < len(text); at++ {
		begin := at
		for at < len(text) && word(text[at]) {
			at++
		}
		if at-begin < shortest {
			continue
		}
		name := formula.FunctionName(text[begin:at])
		if _, ok := functions[name]; ok || name == "HYPERLINK" {
			return true
		}
	}
	return false
}

const shortest = len("PY")

// word reports whether a letter may stand in the name of one of the functions.
func word(c byte) bool { return c == '.' || c == '_' || 'A' <= c&^0x20 && c&^0x20 <= 'Z' }
