//go:build interleave

package interleave

import (
	"slices"
	"testing"

	"gridflow/internal/interleave/mutant"
)

// KillMutants checks that tests find planted faults: without a fault none of the searches
// may fail, and with each of the faults whose names begin with prefix at least one must.
// It gives the number of faults, and fails the test if there is none. The searches that are
// the shortest without a fault come first.
func KillMutants(t testing.TB, prefix string, searches ...func() (Report, *Failure)) int {
	t.Helper()
	order := make([]int, len(searches))
	length := make([]int, len(searches))
	for i, search := range searches {
		report, failure := search()
		if failure != nil {
			t.Errorf("without a mutant: %v\nafter %v", failure, report)
			return 0
		}
		order[i], length[i] = i, report.Steps
	}
	slices.SortStableFunc(order, func(i, j int) int { return length[i] - length[j] })
	first := func() (int, Report, *Failure) {
		var report Report
		for _, i := range order {
			r, failure := searches[i]()
			report.add(r)
			if failure != nil {
				return i, report, failure
			}
		}
		return 0, report, nil
	}
	mutants := mutant.Named(prefix)
	if len(mutants) == 0 {
		t.Errorf("there is no mutant %s…", prefix)
	}
	for _, m := range mutants {
		m.During(func() {
			i, report, failure := first()
			switch {
			case failure == nil:
				t.Errorf("mutant %q lives, after %v", m.Name(), report)
			case failure.Kind == Incomplete || failure.Kind == Diverged:
				t.Errorf("mutant %q is not found but breaks the search: %v", m.Name(), failure)
			default:
				t.Logf("%s: search %d, execution %d, %v: %s, schedule %s",
					m.Name(), i, report.Executions+report.Pruned, report.Took, failure.Kind, failure.Schedule)
			}
		})
	}
	return len(mutants)
}
