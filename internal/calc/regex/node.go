package regex

// node is a part of a pattern. The parser makes them, and they do not change afterwards.
type node interface{}

type (
	// single matches one character.
	single struct {
		is   func(r rune) bool
		cost int // what it takes to ask, beyond 1: brackets may hold much
	}
	// assertion matches an empty place that meets a condition.
	assertion struct{ at func(text []rune, i int) bool }
	concat    struct{ list []node }
	choice    struct{ list []node }
	// capture is a group whose text is kept, from 1 on.
	capture struct {
		n    int
		node node
	}
	backref struct {
		n    int
		fold bool
	}
	repeat struct {
		node       node
		min, max   int // max is -1 for no bound
		lazy       bool
		possessive bool
	}
	// atomic is a group that is not gone back into.
	atomic struct{ node node }
	// look is a look ahead or behind.
	look struct {
		node           node
		behind, negate bool
	}
	// keepOut is \K: what has been matched so far is not of the match.
	keepOut struct{}
)
