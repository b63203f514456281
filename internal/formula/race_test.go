//go:build race

package formula

const underRace = true
