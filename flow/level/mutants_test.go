//go:build interleave

package level

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
		searches = append(searches, func() (interleave.Report, *interleave.Failure) {
			return interleave.Search(p.options(), p.run)
		})
	}
	if n := interleave.KillMutants(t, "", searches...); n < 10 {
		t.Errorf("%d mutants", n)
	}
}
