package server

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"
)

// TestGroupMemory: the bound that holds is found in either version of control groups, in a group or one above
// it, and in a container that sees its own group alone.
func TestGroupMemory(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no control groups", nil, 0},
		{"the second version", map[string]string{"proc/self/cgroup": "0::/system.slice/a.service\n", "sys/fs/cgroup/system.slice/a.service/memory.max": "268435456\n"}, 256 << 20},
		{"none", map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 0},
		{"that above", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000000\n", "sys/fs/cgroup/a/b/memory.max": "max\n"}, 1000000},
		{"the least", map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000000\n", "sys/fs/cgroup/a/b/memory.max": "3000000\n"}, 1000000},
		{"its own group alone", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "5000000\n"}, 5000000},
		{"the first version, by its path outside", map[string]string{"proc/self/cgroup": "12:cpu,cpuacct:/docker/x\n9:memory:/docker/x\n0::/docker/x\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "7000000\n"}, 7000000},
		{"the first version without a bound", map[string]string{"proc/self/cgroup": "9:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"nonsense", map[string]string{"proc/self/cgroup": "memory\n0::../../x\n", "sys/fs/cgroup/x/memory.max": "many\n"}, 0},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := groupMemory(root); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// TestMachineMemory: the machine has as much memory as the kernel's own list says.
func TestMachineMemory(t *testing.T) {
	list, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Skip(err)
	}
	var kib int64
	if _, err := fmt.Sscanf(string(list), "MemTotal: %d kB", &kib); err != nil {
		t.Fatal(err)
	}
	if got := MachineMemory(); got != kib<<10 {
		t.Errorf("%d bytes, the list says %d", got, kib<<10)
	}
}
