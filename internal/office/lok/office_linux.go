//go:build (amd64 || arm64) && !nooffice

package lok

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"unsafe"

	"github.com/ebitengine/purego"
)

// The functions of the office that are used.
const (
	officeGetError    slot = 3
	officeLoad        slot = 4 // documentLoadWithOptions
	officeFreeError   slot = 5 // frees every text that LibreOffice gives away
	officeVersionInfo slot = 10
)

// An Office is LibreOffice, started in this process.
type Office struct{ o object }

// Open loads LibreOffice and starts it with the user profile in the folder profile, which it
// makes if it is not there. It works once in a process. The calling goroutine must be locked to
// its thread and stay there.
func Open(p Program, profile string) (*Office, error) {
	library, err := purego.Dlopen(p.Library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, &Error{Op: "start", Message: err.Error()}
	}
	hook, err := purego.Dlsym(library, "libreofficekit_hook_2")
	if err != nil {
		return nil, &Error{Op: "start", Message: err.Error()}
	}
	before := snapshotActions()
	r, _, _ := purego.SyscallN(hook, uintptr(unsafe.Pointer(cString(p.Dir))), uintptr(unsafe.Pointer(cString(fileURL(profile)))))
	before.restore()
	if r == 0 {
		return nil, &Error{Op: "start"}
	}
	return &Office{o: object(r)}, nil
}

// fileURL names a file as LibreOffice wants it.
func fileURL(path string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()
}

// text calls a function that gives a text away.
//
//go:uintptrescapes
func (f *Office) text(o object, s slot, args ...uintptr) (string, error) {
	r, err := o.call(s, args...)
	if err != nil || r == 0 {
		return "", err
	}
	text := goString(r)
	free, err := f.o.function(officeFreeError)
	if err == nil {
		purego.SyscallN(free, r)
	}
	return text, err
}

// failed makes an error of what LibreOffice says of its last call.
func (f *Office) failed(op string) error {
	message, err := f.text(f.o, officeGetError)
	if err != nil {
		return err
	}
	return &Error{Op: op, Message: message}
}

// Version gives the version in full, such as "7.4.7.2".
func (f *Office) Version() (string, error) {
	text, err := f.text(f.o, officeVersionInfo)
	if err != nil {
		return "", err
	}
	var v struct{ ProductVersion, ProductExtension string }
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return "", &Error{Op: "version", Message: fmt.Sprintf("%.100q: %v", text, err)}
	}
	return v.ProductVersion + v.ProductExtension, nil
}

// Load loads a document. Nobody is asked anything; what would need an answer fails.
func (f *Office) Load(path string) (*Document, error) {
	const options = "Batch=true;Language=en-US;"
	r, err := f.o.call(officeLoad, uintptr(unsafe.Pointer(cString(fileURL(path)))), uintptr(unsafe.Pointer(cString(options))))
	switch {
	case err != nil:
		return nil, err
	case r == 0:
		return nil, f.failed("load")
	}
	return &Document{office: f, o: object(r)}, nil
}
