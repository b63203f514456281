package lok

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Program is an installation of LibreOffice.
type Program struct {
	Dir     string // the program folder
	Library string // the library in it that has LibreOfficeKit
}

// A NotFoundError says that there is no LibreOffice.
type NotFoundError struct {
	Tried []string // the folders that were looked into
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("LibreOffice is not installed (looked into %s); Debian has it as libreoffice-calc-nogui", strings.Join(e.Tried, ", "))
}

// libraries are the files that may have LibreOfficeKit: the first where LibreOffice was built in
// one piece, as distributions do, the second where it was not.
var libraries = [...]string{"libmergedlo.so", "libsofficeapp.so"}

// Find gives the installation in the folder given, which is the program folder or the one above
// it. Where given is "" it looks where LibreOffice is usually installed, then where the soffice
// on PATH is; of several versions side by side it takes the one whose name sorts last. It looks
// at the file system alone, and may be called at any time by anybody. The error is a
// [*NotFoundError].
func Find(given string) (Program, error) {
	var dirs []string
	if given != "" {
		dirs = []string{given, filepath.Join(given, "program")}
	} else {
		dirs = []string{"/usr/lib/libreoffice/program"}
		opt, _ := filepath.Glob("/opt/libreoffice*/program")
		slices.Reverse(opt)
		dirs = append(dirs, opt...)
		for _, name := range []string{"soffice", "libreoffice"} {
			if path, err := exec.LookPath(name); err == nil {
				if path, err = filepath.EvalSymlinks(path); err == nil {
					dirs = append(dirs, filepath.Dir(path))
				}
			}
		}
	}
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir)
		if err != nil {
			continue
		}
		for _, name := range libraries {
			library := filepath.Join(dir, name)
			if info, err := os.Stat(library); err == nil && info.Mode().IsRegular() {
				return Program{Dir: dir, Library: library}, nil
			}
		}
	}
	return Program{}, &NotFoundError{Tried: dirs}
}
