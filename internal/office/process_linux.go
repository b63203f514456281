package office

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// processBegan tells a process from another one that has got its number since: by the boot,
// and the moment of its start in it.
func processBegan(pid int) (string, error) {
	fields, err := statOf(pid)
	if err != nil {
		return "", err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(boot)) + " " + fields[19], nil
}

// statOf gives the fields of /proc/PID/stat from the third on (proc_pid_stat(5)): 0 is the
// state, 2 the group, 19 when it began.
func statOf(pid int) ([]string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	// The name, which may hold anything, stands in parentheses before the third field.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields)+2)
	}
	return fields, nil
}

// killWait bounds the wait for a process that was killed: the kernel is to end it, which takes
// a moment, or for ever where it waits for a broken disk.
const killWait = 5 * time.Second

// killGroup kills what is left of the group of a worker: its leader, which began at that
// moment, or where that is gone what it has started, which is told from others' by the folder
// that stands in its environment. It says whether there was anything, and returns when all of
// it is gone.
func killGroup(leader int, began, folder string) (bool, error) {
	var fds []int
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	ours := false
	for _, pid := range membersOf(leader) {
		fd, err := unix.PidfdOpen(pid, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("process %d: %w", pid, err)
		}
		fds = append(fds, fd)
		if pid == leader {
			now, err := processBegan(pid)
			ours = ours || err == nil && now == began
		} else if environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err == nil {
			ours = ours || bytes.Contains(environ, []byte("="+folder+string(os.PathSeparator)))
		}
	}
	if !ours {
		return false, nil // nobody is there, or others who have got the number
	}
	if err := unix.Kill(-leader, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return false, fmt.Errorf("process group %d: %w", leader, err)
	}
	end := time.Now().Add(killWait)
	for _, fd := range fds {
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, max(int(time.Until(end).Milliseconds()), 0))
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err == nil && n == 0 {
				err = errors.New("it does not end")
			}
			if err != nil {
				return true, fmt.Errorf("process group %d: %w", leader, err)
			}
			break
		}
	}
	return true, nil
}

// membersOf gives the processes of a group, but for those that are dead and only not buried.
func membersOf(group int) (pids []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		fields, err := statOf(pid)
		if err == nil && fields[2] == strconv.Itoa(group) && fields[0] != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}
