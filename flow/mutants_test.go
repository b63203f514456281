//go:build interleave

package flow

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
		if !p.big {
			searches = append(searches, func() (interleave.Report, *interleave.Failure) {
				return interleave.Search(options(len(p.threads)), p.run)
			})
		}
	}
	if n := interleave.KillMutants(t, "", searches...); n < 30 {
		t.Errorf("%d mutants", n)
	}
}
