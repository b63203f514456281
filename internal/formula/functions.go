package formula

import (
	"iter"
	"strings"
)

// The prefixes that files put before the names of functions which came after Excel
// 2007, of which two may follow one another, and before those that are not called but handed to another one.
var storagePrefixes = [...]string{"_xlfn.", "_xlws.", "_xludf.", handedPrefix}

// handedPrefix is what files put before the name of a function that another one is given: _xleta.SUM.
const handedPrefix = "_xleta."

// Handed gives the function, named as by [FunctionName], for which files have this name where it is handed to another
// one; "" for any other name.
func Handed(name string) string {
	if n := len(handedPrefix); len(name) > n && strings.EqualFold(name[:n], handedPrefix) {
		return FunctionName(name)
	}
	return ""
}

// FunctionName gives a function's name as users know it: in upper case, without the
// storage prefixes.
func FunctionName(name string) string {
	return strings.ToUpper(name[storagePrefix(name):])
}

// storagePrefix gives the length of the storage prefixes of a function name.
func storagePrefix(name string) int {
	n := 0
	for len(name) > n && name[n] == '_' {
		found := 0
		for _, p := range storagePrefixes {
			if len(name)-n > len(p) && class[name[n+len(p)]]&isNameStart != 0 && strings.EqualFold(name[n:n+len(p)], p) {
				found = len(p)
			}
		}
		if found == 0 {
			break
		}
		n += found
	}
	return n
}

// Functions walks the names of the functions that are called under n, in the order
// in which they are written, once for every call, as [FunctionName] gives them.
func Functions(n *Node) iter.Seq[string] {
	return func(yield func(string) bool) {
		for m := range Nodes(n) {
			if m.Kind == Call && !yield(m.Function()) {
				return
			}
		}
	}
}

// Volatile reports whether Excel calculates the named function anew at every
// calculation. For CELL and INFO it depends on the argument: CELL("contents",A1) and
// INFO("directory") need no more than an ordinary function does, and both are
// counted as volatile because the argument may itself be calculated.
func Volatile(name string) bool {
	name = name[storagePrefix(name):]
	switch len(name) {
	case 3, 4, 5, 6, 8, 9, 11:
		switch strings.ToUpper(name) {
		case "NOW", "TODAY", "RAND", "RANDBETWEEN", "RANDARRAY", "OFFSET", "INDIRECT", "INFO", "CELL":
			return true
		}
	}
	return false
}
