// Package nearest finds what somebody who misspelt a name most likely meant. It has
// one function, [Names], and no state.
package nearest

import (
	"slices"
	"strings"
)

// maxWord bounds the names that are compared, in bytes: the distance costs the product
// of the lengths, and longer names are not misspelt, they are pasted.
const maxWord = 128

// maxCandidates bounds how many names are looked at.
const maxCandidates = 4096

// Names gives up to n of the candidates that word may have been meant to be, the
// nearest first: those that hold it or are held by it, and those whose edit distance
// is at most a third of its length and at least 2. Letter case does not count.
func Names(word string, candidates []string, n int) []string {
	type found struct {
		name     string
		distance int
	}
	word = strings.ToLower(strings.TrimSpace(word))
	if word == "" || len(word) > maxWord {
		return nil
	}
	var near []found
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		l := strings.ToLower(c)
		d := editDistance(word, l)
		if d > max(2, len(word)/3) {
			if len(word) < 3 || !strings.Contains(l, word) && (len(l) < 3 || !strings.Contains(word, l)) {
				continue
			}
			d = maxWord + d // behind everything that is merely misspelt
		}
		near = append(near, found{c, d})
	}
	slices.SortStableFunc(near, func(a, b found) int { return a.distance - b.distance })
	var names []string
	for _, f := range near[:min(n, len(near))] {
		names = append(names, f.name)
	}
	return names
}

// editDistance counts the insertions, deletions, substitutions and exchanges of
// neighbours that make b of a (optimal string alignment), in bytes.
func editDistance(a, b string) int {
	if len(b) > maxWord {
		return maxWord
	}
	var rows [3][maxWord + 1]int
	before, prev, cur := rows[0][:len(b)+1], rows[1][:len(b)+1], rows[2][:len(b)+1]
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
