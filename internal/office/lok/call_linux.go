//go:build (amd64 || arm64) && !nooffice

package lok

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"
)

// An object of LibreOfficeKit begins with the address of its table of functions, whose first
// word is the size of the table in bytes.
type object uintptr

const wordBytes = unsafe.Sizeof(uintptr(0))

// at gives the memory at an address that C gave. It is not Go's memory, so that nothing moves
// it; the detour keeps vet from taking it for a mistake.
func at(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// A slot is a function's place in its table, in words.
type slot uintptr

// function gives the address of a function, or an error where the library is too old to have it.
func (o object) function(s slot) (uintptr, error) {
	table := *(*uintptr)(at(uintptr(o)))
	size := *(*uintptr)(at(table))
	if uintptr(s) >= size/wordBytes {
		return 0, &Error{Op: "call", Message: fmt.Sprintf("this LibreOffice is too old: it has %d functions, and number %d is needed", size/wordBytes, s)}
	}
	f := *(*uintptr)(at(table + uintptr(s)*wordBytes))
	if f == 0 {
		return 0, &Error{Op: "call", Message: fmt.Sprintf("this LibreOffice does not have function number %d", s)}
	}
	return f, nil
}

// call calls a method: the object is the first argument. Arguments that are addresses of Go's
// memory are converted within the call, and stay where they are until it returns.
//
//go:uintptrescapes
func (o object) call(s slot, args ...uintptr) (uintptr, error) {
	f, err := o.function(s)
	if err != nil {
		return 0, err
	}
	r, _, _ := purego.SyscallN(f, append([]uintptr{uintptr(o)}, args...)...)
	return r, nil
}

// cString gives s as C has texts; what follows a zero byte is not seen by C.
func cString(s string) *byte {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return &b[0]
}

// cStringOrNil gives NULL for "".
func cStringOrNil(s string) *byte {
	if s == "" {
		return nil
	}
	return cString(s)
}

// goString copies a text of C's.
func goString(address uintptr) string {
	if address == 0 {
		return ""
	}
	n := uintptr(0)
	for *(*byte)(at(address + n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(at(address)), n))
}
