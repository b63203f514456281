//go:build interleave

package limit

import (
	"testing"

	"gridflow/internal/interleave"
)

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) {
	if testing.Short() || !interleave.Planted(t, "testdata/mutants.txt") {
		return
	}
	var searches []func() (interleave.Report, *interleave.Failure)
	for _, p := range programs {
		for _, run := range []func(*interleave.Run){p.controller, p.gradient} {
			searches = append(searches, func() (interleave.Report, *interleave.Failure) {
				return interleave.Search(p.options(), run)
			})
		}
	}
	if n := interleave.KillMutants(t, "", searches...); n < 10 {
		t.Errorf("%d mutants", n)
	}
}
