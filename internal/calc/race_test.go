//go:build race

package calc

const underRace = true
