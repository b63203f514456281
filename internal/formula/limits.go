package formula

import (
	"fmt"
	"unicode/utf16"
)

// What Excel takes in a formula (its specifications and limits); a file with more than that it calls damaged.
const (
	MaxTextLiteral = 255 // characters of a text in quotes
	MaxNested      = 64  // functions within one another
	MaxArguments   = 255 // of one call
)

// ParseTyped is Parse for a formula that somebody types: one that Excel would not take, though it can be read, is an
// error as well.
func ParseTyped(text string) (*Tree, error) {
	t, err := Parse(text)
	if err == nil {
		err = t.Root.limits(0)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// limits looks for what Excel would not take in n, which lies within so many calls.
func (n *Node) limits(calls int) error {
	kids := n.Kids
	switch n.Kind {
	case Text:
		if size := len(utf16.Encode([]rune(n.Text))); size > MaxTextLiteral {
			return fmt.Errorf("a text in a formula has at most %d characters, and one has %d: join shorter ones with &, or put it into a cell", MaxTextLiteral, size)
		}
	case Invoke:
		kids = kids[1:]
		fallthrough
	case Call:
		if calls++; calls > MaxNested {
			return fmt.Errorf("there are more than %d functions within one another: split the formula over several cells", MaxNested)
		}
		if len(kids) > MaxArguments {
			return fmt.Errorf("a function has at most %d arguments, and one is given %d: hand it a range", MaxArguments, len(kids))
		}
	}
	for _, k := range n.Kids {
		if err := k.limits(calls); err != nil {
			return err
		}
	}
	return nil
}
