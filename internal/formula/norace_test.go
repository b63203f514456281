//go:build !race

package formula

const underRace = false
