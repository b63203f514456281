package analyze

import (
	"context"
	"sync"
	"testing"

	"gridflow/internal/cell"
)

// million is a sheet of 1 000 000 cells: 83 333 rows of 12 columns, a quarter of them
// formulas, half of these shared.
var million = sync.OnceValue(func() *memBook { return wideBook(83_333, 12) })

func BenchmarkDetectMillion(b *testing.B) {
	v := million().view(0)
	for b.Loop() {
		if _, err := Detect(context.Background(), v, DefaultLimits); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProfileMillion(b *testing.B) {
	v := million().view(0)
	used, _ := v.Used()
	cols := v.OccupiedCols(0, cell.MaxRows-1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Profile(context.Background(), v, used, cols, ProfileOptions{Top: 3, Samples: 5}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindValueMillion(b *testing.B) {
	v := million().view(0)
	for _, query := range []string{"name 99", "77"} {
		b.Run(query, func(b *testing.B) {
			m, _ := NewMatcher(query, Contains, false)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := FindValues(context.Background(), v, Query{Match: m}, &Page{Limit: 50}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFindFormulaMillion(b *testing.B) {
	v := million().view(0)
	for _, query := range []string{"sum(", "a77"} {
		b.Run(query, func(b *testing.B) {
			m, _ := NewMatcher(query, Contains, false)
			for b.Loop() {
				if _, err := FindFormulas(context.Background(), v, m, &Page{Limit: 50}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFormulasMillion(b *testing.B) {
	s := million().sheets[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewFormulas(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReferenceIndexMillion builds the graph and asks for the dependents of a cell.
func BenchmarkReferenceIndexMillion(b *testing.B) {
	book := million()
	b.ReportAllocs()
	for b.Loop() {
		snap := book.snapshot()
		if _, err := Follow(context.Background(), snap, 0, cell.Ref{Row: 5000}, TraceOptions{Dependents: true, Depth: 1, PageSize: 20}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTraceDependents asks an index that is there.
func BenchmarkTraceDependents(b *testing.B) {
	snap := million().snapshot()
	for b.Loop() {
		if _, err := Follow(context.Background(), snap, 0, cell.Ref{Row: 80000}, TraceOptions{Dependents: true, Depth: 3, PageSize: 20}); err != nil {
			b.Fatal(err)
		}
	}
}
