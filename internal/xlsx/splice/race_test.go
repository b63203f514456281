//go:build race

package splice

const raceDetector = true
