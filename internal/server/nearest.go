package server

import (
	"math"
	"strings"
)

// Nearest gives the candidate that word was most likely meant to be: the one with the
// smallest edit distance, if that is at most a third of the word's length (and at
// least 2). Letter case does not count. It gives "" where nothing is near.
func Nearest(word string, candidates []string) string {
	word = strings.ToLower(word)
	best, bestDistance := "", max(2, len(word)/3)+1
	for _, c := range candidates {
		if d := editDistance(word, strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// wordMax bounds the words that are compared, in bytes: names are short, and the
// distance costs the product of the lengths.
const wordMax = 128

// editDistance counts the insertions, deletions, substitutions and exchanges of
// neighbours that make b of a (optimal string alignment).
func editDistance(a, b string) int {
	if len(a) > wordMax || len(b) > wordMax {
		return math.MaxInt
	}
	before, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(b)]
}
