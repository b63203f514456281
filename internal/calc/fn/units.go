package fn

import (
	"strings"
	"unicode/utf8"
)

// Excel counts texts in UTF-16 code units: a character outside of the Basic Multilingual
// Plane counts as two. The functions here do so on UTF-8, without copying what is ASCII.

// maxText is the number of units that a cell can hold.
const maxText = 32767

// ascii reports whether s has nothing but ASCII.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// unitsOf gives the length of s in units.
func unitsOf(s string) int {
	if ascii(s) {
		return len(s)
	}
	n := 0
	for _, r := range s {
		n += unitsOfRune(r)
	}
	return n
}

func unitsOfRune(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// slice gives the units of s from one place up to another, as far as it has them. Half of
// a surrogate pair, which UTF-8 cannot write, becomes U+FFFD.
func slice(s string, from, to int) string {
	if to <= from {
		return ""
	}
	if ascii(s) {
		return s[min(from, len(s)):min(to, len(s))]
	}
	var start, at int
	begun := from == 0
	var half strings.Builder // what stands before start, where a pair is cut there
	for i, r := range s {
		if !begun && at >= from {
			begun, start = true, i
			if at > from {
				half.WriteRune(utf8.RuneError)
			}
		}
		n := unitsOfRune(r)
		if begun && at+n > to {
			half.WriteString(s[start:i])
			if at < to {
				half.WriteRune(utf8.RuneError)
			}
			return half.String()
		}
		at += n
	}
	if !begun {
		if at > from { // the last character is cut in half
			return string(utf8.RuneError)
		}
		return ""
	}
	half.WriteString(s[start:])
	return half.String()
}

// offsetOf gives the byte offset of unit n in s, or the length of s beyond its end.
func offsetOf(s string, n int) int {
	if ascii(s) {
		return min(n, len(s))
	}
	for i, r := range s {
		if n <= 0 {
			return i
		}
		n -= unitsOfRune(r)
	}
	return len(s)
}
