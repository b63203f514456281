//go:build !race

package forks

const raceDetector = false
