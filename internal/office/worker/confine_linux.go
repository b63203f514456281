package worker

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"

	"gridflow/internal/office/wire"
)

// A worker is confined by Landlock: it reads what LibreOffice needs to run, and has its own
// folder and that of the jobs; every other file of the system is closed to it, nor may it execute
// a program, connect by TCP, or signal a process that is not its own. (LibreOffice would execute
// a shell and several parts of GnuPG when it starts, for printers and signatures.) Landlock asks for no privilege. What
// it says holds for the calling thread and what that thread starts; so the worker confines its
// first thread and executes itself again, and all its threads are born confined.
//
// See https://docs.kernel.org/userspace-api/landlock.html.

// readable are the files and folders that LibreOffice and the C library read, those that are
// there. No configuration with secrets is among them, and no home.
var readable = []string{
	"/usr", "/lib", "/lib32", "/lib64", "/bin",
	"/etc/passwd", "/etc/fonts", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf", "/etc/papersize",
	"/var/cache/fontconfig",
	"/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/filesystems", "/proc/sys/vm", "/proc/sys/kernel",
	"/sys/devices/system/cpu", "/sys/kernel/mm",
	"/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
}

const (
	accessRead    = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	accessExecute = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	// accessFile are the rights that there are for what is not a folder.
	accessFile  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	accessFirst = accessRead | accessExecute | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	// accessNever is what a worker may not even do in its own folders.
	accessNever = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
)

// landlockVersion is what the kernel has: 0 is nothing.
func landlockVersion() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// unconfined is what the second stage is told where the first could not, or was not to, confine it.
const unconfined = "none"

// confine makes this process one that is confined and has no files of its parent's, by executing
// it again; when it returns without an error, that has been done before.
func confine(start wire.Start) error {
	if start.Confined != "" {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	start.Confined = unconfined
	if version := landlockVersion(); version > 0 && !start.Open {
		dropCapabilities()
		if err := restrict(start, version, self); err != nil {
			return fmt.Errorf("landlock: %w", err)
		}
		start.Confined = fmt.Sprintf("landlock %d", version)
	}
	// A parent can have files that it was itself given without a word.
	if err := unix.CloseRange(wire.ResponseFD+1, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil && err != unix.ENOSYS && err != unix.EINVAL {
		return err
	}
	for _, fd := range []uintptr{wire.RequestFD, wire.ResponseFD} {
		if _, err := unix.FcntlInt(fd, unix.F_SETFD, 0); err != nil {
			return err
		}
	}
	return fmt.Errorf("executing %s again: %w", self, unix.Exec(self, append(os.Args[:1:1], start.Args()...), os.Environ()))
}

// restrict confines the calling thread and what it executes.
func restrict(start wire.Start, version int, self string) error {
	attr := unix.LandlockRulesetAttr{Handled_access_fs: accessFirst}
	if version >= 2 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 && !start.Network {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	// An older kernel takes a longer struct where the rest is zero.
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return errno
	}
	ruleset := int(fd)
	defer unix.Close(ruleset)

	program, err := filepath.EvalSymlinks(start.Program)
	if err != nil {
		return err
	}
	for _, path := range append(interpreter(self), self) {
		if err := allow(ruleset, path, accessExecute); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, path := range append(installation(program), readable...) {
		if err := allow(ruleset, path, accessRead); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := allow(ruleset, "/dev/null", accessRead|unix.LANDLOCK_ACCESS_FS_WRITE_FILE); err != nil {
		return fmt.Errorf("/dev/null: %w", err)
	}
	for _, dir := range []string{start.Dir, start.Jobs} {
		if err := allow(ruleset, dir, attr.Handled_access_fs&^accessNever); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}

	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(ruleset), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// interpreter gives the program that loads a program's libraries, if it has any.
func interpreter(program string) []string {
	f, err := elf.Open(program)
	if err != nil {
		return nil
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP && p.Filesz < unix.PathMax {
			path := make([]byte, p.Filesz)
			if _, err := p.ReadAt(path, 0); err == nil {
				return []string{unix.ByteSliceToString(path)}
			}
		}
	}
	return nil
}

// installation gives the folder of LibreOffice and what its links lead to: packages keep the
// settings and the extensions of the machine elsewhere.
func installation(program string) []string {
	root := filepath.Dir(program)
	paths := []string{root}
	// What cannot be looked into is not read either.
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type()&fs.ModeSymlink != 0 {
			if target, err := filepath.EvalSymlinks(path); err == nil && !within(root, target) {
				paths = append(paths, target)
			}
		}
		return nil
	})
	return paths
}

// allow lets the rights to what lies at and below path pass.
func allow(ruleset int, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= accessFile
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// dropCapabilities takes from a worker of root's what root has more than others, for the thread
// and what it executes. Where that is not allowed there is mostly nothing to take.
func dropCapabilities() {
	if os.Geteuid() != 0 {
		return
	}
	const noRoot, noRootLocked = 1 << 0, 1 << 1 // of linux/securebits.h
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, noRoot|noRootLocked, 0, 0, 0); err != nil {
		return
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_ = unix.Capset(&header, &none[0])
}
