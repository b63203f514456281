//go:build interleave

package mutant

import (
	"slices"
	"strings"
)

// Switch is a fault that can be planted.
type Switch struct {
	name string
	on   bool
}

var all []*Switch

// New gives a switch. It is for package variables; it panics if there is one of that name.
func New(name string) *Switch {
	if slices.ContainsFunc(all, func(s *Switch) bool { return s.name == name }) {
		panic("mutant: two switches are named " + name)
	}
	s := &Switch{name: name}
	all = append(all, s)
	return s
}

// Named gives the switches whose names begin so, in the order in which they were made.
func Named(prefix string) []*Switch {
	var named []*Switch
	for _, s := range all {
		if strings.HasPrefix(s.name, prefix) {
			named = append(named, s)
		}
	}
	return named
}

// On reports whether the fault is planted.
func (s *Switch) On() bool { return s.on }

// Name gives the name.
func (s *Switch) Name() string { return s.name }

// During calls f with the fault planted.
func (s *Switch) During(f func()) {
	s.on = true
	defer func() { s.on = false }()
	f()
}
