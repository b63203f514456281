package regex

import (
	"errors"
	"unicode"
)

// What a search may take: PCRE2 gives up after ten million steps back and forth; a character that is only
// looked at costs a fraction of one.
const (
	MatchLimit = 10_000_000 * stepCost
	stepCost   = 16
	pollEvery  = 1 << 16 // some tenths of a millisecond
	// How deep continuations may be nested, which take up the stack: enough for a group that repeats over the
	// longest text of a cell.
	maxNested = 1 << 17
)

// The errors of a search.
var (
	ErrLimit   = errors.New("the regular expression takes too long")
	ErrStopped = errors.New("the search was stopped")
)

// Budget is what searches may take together. Its zero value has [MatchLimit] and is never stopped.
type Budget struct {
	Limit int         // 0: MatchLimit
	Stop  func() bool // asked whenever pollEvery has been spent; may be nil
	left  int
	poll  int // how much has been spent since Stop was asked
}

// Find searches text from place from on, in characters, and gives the spans of the match and of its groups:
// for group n they begin at 2n, -1 for one that took no part. It is nil where there is no match. An error is
// ErrLimit or ErrStopped.
func (re *Regexp) Find(text []rune, from int, b *Budget) ([]int, error) {
	if b.left == 0 {
		if b.left = b.Limit; b.left == 0 {
			b.left = MatchLimit
		}
	}
	m := matcher{text: text, budget: b, spans: make([]int, 2*(re.groups+1))}
	for _, s := range re.needs {
		found := false
		for i := from; i < len(text) && !found; i++ {
			if !m.spend(1 + s.cost) {
				return nil, m.err
			}
			found = s.is(text[i])
		}
		if !found {
			return nil, nil
		}
	}
	for i := from; i <= len(text); i++ {
		if re.first != nil && (i == len(text) || !re.first(text[i])) {
			if m.spend(1 + re.firstCost) {
				continue
			}
			return nil, m.err
		}
		for k := range m.spans {
			m.spans[k] = -1
		}
		m.start = i
		end := -1
		if m.match(re.root, i, func(j int) bool { end = j; return true }) {
			m.spans[0], m.spans[1] = m.start, end
			return m.spans, nil
		}
		if m.err != nil {
			return nil, m.err
		}
	}
	return nil, nil
}

// matcher is one search.
type matcher struct {
	text   []rune
	spans  []int
	start  int // of the match
	budget *Budget
	nested int
	err    error
}

// step counts a step and reports whether the search may go on.
func (m *matcher) step() bool { return m.spend(stepCost) }

// spend takes from the budget and reports whether the search may go on.
func (m *matcher) spend(n int) bool {
	if m.err != nil {
		return false
	}
	b := m.budget
	if b.left -= n; b.left <= 0 {
		b.left, m.err = -1, ErrLimit
		return false
	}
	if b.poll += n; b.poll >= pollEvery {
		if b.poll = 0; b.Stop != nil && b.Stop() {
			m.err = ErrStopped
			return false
		}
	}
	return true
}

// match has n match at place i and calls then with where it ended, for one way after the other until then
// is true. What follows a failure has the groups as they were.
func (m *matcher) match(n node, i int, then func(int) bool) bool {
	if !m.step() {
		return false
	}
	if m.nested++; m.nested > maxNested {
		m.err = ErrLimit
	}
	found := m.err == nil && m.matchNode(n, i, then)
	m.nested--
	return found
}

func (m *matcher) matchNode(n node, i int, then func(int) bool) bool {
	switch n := n.(type) {
	case *single:
		return m.spend(n.cost) && i < len(m.text) && n.is(m.text[i]) && then(i+1)
	case *assertion:
		return n.at(m.text, i) && then(i)
	case *concat:
		return m.sequence(n.list, i, then)
	case *choice:
		for _, c := range n.list {
			if m.match(c, i, then) {
				return true
			}
			if m.err != nil {
				return false
			}
		}
		return false
	case *capture:
		was := [2]int{m.spans[2*n.n], m.spans[2*n.n+1]}
		if m.match(n.node, i, func(j int) bool {
			inner := [2]int{m.spans[2*n.n], m.spans[2*n.n+1]}
			m.spans[2*n.n], m.spans[2*n.n+1] = i, j
			if then(j) {
				return true
			}
			m.spans[2*n.n], m.spans[2*n.n+1] = inner[0], inner[1]
			return false
		}) {
			return true
		}
		m.spans[2*n.n], m.spans[2*n.n+1] = was[0], was[1]
		return false
	case *backref:
		from, to := m.spans[2*n.n], m.spans[2*n.n+1]
		if from < 0 || len(m.text)-i < to-from {
			return false
		}
		for k := range to - from {
			if a, b := m.text[from+k], m.text[i+k]; a != b && !(n.fold && folded(a) == folded(b)) {
				return false
			}
		}
		return then(i + to - from)
	case *repeat:
		if n.possessive {
			greedy := *n
			greedy.possessive = false
			return m.once(&greedy, i, then)
		}
		if s, ok := n.node.(*single); ok {
			return m.repeatSingle(n, s, nil, i, then)
		}
		return m.repeat(n, i, 0, then)
	case *atomic:
		return m.once(n.node, i, then)
	case *look:
		return m.look(n, i, then)
	case *keepOut:
		was := m.start
		if m.start = i; then(i) {
			return true
		}
		m.start = was
		return false
	}
	return then(i) // nothing
}

func (m *matcher) sequence(list []node, i int, then func(int) bool) bool {
	switch len(list) {
	case 0:
		return then(i)
	case 1:
		return m.match(list[0], i, then)
	}
	// Characters in a row need no continuation, and what cannot go on with the next one is not tried.
	if n, ok := list[0].(*repeat); ok && !n.possessive {
		s, single1 := n.node.(*single)
		next, single2 := list[1].(*single)
		if single1 && single2 {
			return m.step() && m.repeatSingle(n, s, next, i, func(j int) bool { return m.sequence(list[1:], j, then) })
		}
	}
	if s, ok := list[0].(*single); ok {
		return m.spend(1+s.cost) && i < len(m.text) && s.is(m.text[i]) && m.sequence(list[1:], i+1, then)
	}
	return m.match(list[0], i, func(j int) bool { return m.sequence(list[1:], j, then) })
}

// once has n match in the first way that it can, and in no other.
func (m *matcher) once(n node, i int, then func(int) bool) bool {
	was, start, end := m.save(), m.start, -1
	if m.match(n, i, func(j int) bool { end = j; return true }) && then(end) {
		return true
	}
	m.restore(was, start)
	return false
}

func (m *matcher) save() []int { return append([]int(nil), m.spans...) }

func (m *matcher) restore(spans []int, start int) {
	copy(m.spans, spans)
	m.start = start
}

// repeatSingle repeats one character: without a continuation for each. next, if it is not nil, has to match
// what follows.
func (m *matcher) repeatSingle(n *repeat, s, next *single, i int, then func(int) bool) bool {
	after := 0
	if next != nil {
		after = next.cost
	}
	goesOn := func(j int) bool { return next == nil || j < len(m.text) && next.is(m.text[j]) }
	most := len(m.text) - i
	if n.max >= 0 {
		most = min(most, n.max)
	}
	if n.lazy {
		for k := 0; ; k++ {
			if k >= n.min && goesOn(i+k) && m.step() && then(i+k) {
				return true
			}
			if k >= most || !m.spend(1+s.cost) || !s.is(m.text[i+k]) {
				return false
			}
		}
	}
	k := 0
	for k < most && s.is(m.text[i+k]) {
		if k++; !m.spend(1 + s.cost) {
			return false
		}
	}
	for ; k >= n.min; k-- {
		if goesOn(i+k) && m.step() && then(i+k) {
			return true
		}
		if !m.spend(1 + after) {
			return false
		}
	}
	return false
}

// repeat goes on after count times. A time that matches nothing is the last one.
func (m *matcher) repeat(n *repeat, i, count int, then func(int) bool) bool {
	if !m.step() {
		return false
	}
	more := func() bool {
		return (n.max < 0 || count < n.max) && m.match(n.node, i, func(j int) bool {
			if j == i && count >= n.min {
				return then(j)
			}
			return m.repeat(n, j, count+1, then)
		})
	}
	switch {
	case count < n.min:
		return more()
	case n.lazy:
		return then(i) || m.err == nil && more()
	}
	return more() || m.err == nil && then(i)
}

func (m *matcher) look(n *look, i int, then func(int) bool) bool {
	was, start := m.save(), m.start
	found := false
	if n.behind {
		for from := i; from >= 0 && !found && m.err == nil; from-- {
			found = m.match(n.node, from, func(j int) bool { return j == i })
		}
	} else {
		found = m.match(n.node, i, func(int) bool { return true })
	}
	if m.err != nil {
		return false
	}
	if n.negate {
		m.restore(was, start)
		return !found && then(i)
	}
	if found && then(i) {
		return true
	}
	m.restore(was, start)
	return false
}

// folded gives the same for letters that differ only in case.
func folded(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}
