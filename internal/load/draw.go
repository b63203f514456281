package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
)

// weighted draws an index as often as its weight says. It is not changed once made.
type weighted []float64 // sums of the weights up to each index, the last of them 1

func newWeighted(weights []float64) weighted {
	sums, total := make(weighted, len(weights)), 0.0
	for i, w := range weights {
		total += w
		sums[i] = total
	}
	for i := range sums {
		sums[i] /= total
	}
	return sums
}

// zipf gives weights such that the k-th of n, from 1, has 1/k^s of the first.
func zipf(n int, s float64) weighted {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = math.Pow(float64(i+1), -s)
	}
	return newWeighted(weights)
}

func (w weighted) draw(rng *rand.Rand) int {
	x := rng.Float64()
	return min(sort.Search(len(w), func(i int) bool { return w[i] > x }), len(w)-1)
}

// A mix draws operations by their weights.
type mix struct {
	ops     []string
	weights weighted
}

// newMix puts the operations in the order of their names, so that a seed always draws the same.
func newMix(of map[string]float64) mix {
	m := mix{}
	for op, w := range of {
		if w > 0 {
			m.ops = append(m.ops, op)
		}
	}
	slices.Sort(m.ops)
	weights := make([]float64, len(m.ops))
	for i, op := range m.ops {
		weights[i] = of[op]
	}
	m.weights = newWeighted(weights)
	return m
}

func (m mix) draw(rng *rand.Rand) string { return m.ops[m.weights.draw(rng)] }
