//go:build !interleave

package mutant

// Switch is a fault that can be planted, in another build than this one.
type Switch struct{}

// New gives a switch.
func New(name string) *Switch { return nil }

// On reports whether the fault is planted.
func (*Switch) On() bool { return false }
