package server

import (
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ProcessMemory gives how much memory the system lets this process alone have, in bytes, by RLIMIT_DATA; 0: there is no
// bound, or it cannot be read. Of RLIMIT_AS nothing can be told: it counts addresses, of which Go reserves many that cost
// nothing.
func ProcessMemory() int64 {
	var data unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_DATA, &data) == nil && data.Cur < math.MaxInt64 {
		return int64(data.Cur)
	}
	return 0
}

// GroupMemory gives how much memory the system lets this process and all that it starts have together, in bytes: the
// least of the limits of its control groups (either version); 0: there is none, or it cannot be read.
func GroupMemory() int64 { return groupMemory(os.DirFS("/")) }

// MachineMemory gives how much memory the machine has, in bytes; 0: it is not known.
func MachineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(uint64(info.Totalram) * uint64(info.Unit))
}

// groupMemory gives the least memory that a control group of this process is bounded to; 0: none is. A group
// is bounded by those above it, too. In a container the group's path may be that which it has outside: then what is
// mounted is the group itself.
func groupMemory(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	least := int64(0)
	for line := range strings.Lines(string(groups)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
			if !strings.Contains(","+fields[1]+",", ",memory,") {
				continue
			}
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			text, err := fs.ReadFile(root, path.Join(mount, group, file))
			// No bound is "max", or in the older version a number that is near that of all addresses.
			if n, wrong := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && wrong == nil && n < math.MaxInt64/2 {
				least = lesser(least, n)
			}
			if group == "/" {
				break
			}
		}
	}
	return least
}

// lesser gives the lesser of two bounds of which 0 is none.
func lesser(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
