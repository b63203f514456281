package workspace

import (
	"io/fs"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// unchanged says that the file of a name is still the one that info describes, as sameFile has it.
// It is for the call that finds its workbook in memory: where Stat opens each folder on the way and
// allocates, it asks the system once, or three times for a file in a folder of this one. No symbolic
// link is followed. False says nothing: ask Stat.
func (d *directory) unchanged(name string, info fs.FileInfo) bool {
	was, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	defer runtime.KeepAlive(d)
	// The number of a folder that was closed meanwhile may be another's: no file there is the same.
	in, flags := int(d.self.Fd()), unix.AT_SYMLINK_NOFOLLOW
	if strings.Contains(name, "/") {
		file, err := unix.Openat2(in, name, &unix.OpenHow{
			Flags:   unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
		})
		if err != nil { // the file is gone, or the system is older than this call
			return false
		}
		defer unix.Close(file)
		in, name, flags = file, "", unix.AT_EMPTY_PATH
	}
	var now unix.Stat_t
	return unix.Fstatat(in, name, &now, flags) == nil &&
		now.Mode == was.Mode && now.Dev == was.Dev && now.Ino == was.Ino && now.Size == was.Size &&
		now.Mtim.Sec == was.Mtim.Sec && now.Mtim.Nsec == was.Mtim.Nsec
}
