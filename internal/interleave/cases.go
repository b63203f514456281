//go:build interleave

package interleave

import "testing"

// A Case is a program that is explored, and with which planted faults are looked for.
type Case struct {
	Name    string
	Options Options
	Run     func(*Run)
	Once    bool // it takes too long to be searched for each planted fault
}

// AtMost gives the options of a search with so many preemptions; 0: in every order.
func AtMost(preemptions int) Options {
	if preemptions == 0 {
		return Options{}
	}
	return Options{Mode: Bounded, Bound: preemptions}
}

// ByThreads gives how far a program of so many threads is searched: two in every order, three
// with three preemptions, four and more with two.
func ByThreads(n int) Options {
	switch {
	case n <= 2:
		return AtMost(0)
	case n == 3:
		return AtMost(3)
	}
	return AtMost(2)
}

// ExploreAll explores each of the cases in a test of its own.
func ExploreAll(t *testing.T, cases []Case) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) { Explore(t, c.Options, c.Run) })
	}
}

// FindMutants checks that each of the faults in testdata/mutants.txt, of which there must be
// so many at least, makes one of the cases fail. Short tests leave it out.
func FindMutants(t *testing.T, least int, cases []Case) {
	t.Helper()
	if testing.Short() || !Planted(t, "testdata/mutants.txt") {
		return
	}
	var searches []func() (Report, *Failure)
	for _, c := range cases {
		if !c.Once {
			searches = append(searches, func() (Report, *Failure) { return Search(c.Options, c.Run) })
		}
	}
	if n := KillMutants(t, "", searches...); n < least {
		t.Errorf("there are %d mutants, and should be %d", n, least)
	}
}
