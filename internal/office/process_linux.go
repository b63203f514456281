package office

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// killWait bounds the wait for a process that was killed: the kernel is to end it, which takes
	// a moment, or for ever where it waits for a broken disk.
	killWait = 5 * time.Second
	// killRounds bounds how often it is looked whether those that were killed have started others
	// in the meantime.
	killRounds = 8
)

// killOf kills the processes whose home is a folder that begins with prefix, and says how many
// there were. It returns when they are gone. Processes of other users are not seen, and one
// whose number has been given to another is not taken for it.
func killOf(prefix string) (killed int, err error) {
	home := []byte("\x00HOME=" + prefix)
	for range killRounds {
		found := 0
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return killed, err
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || !hasVariable(pid, home) {
				continue
			}
			switch ended, err := kill(pid, home); {
			case err != nil:
				return killed, err
			case ended:
				found++
			}
		}
		if killed += found; found == 0 {
			return killed, nil
		}
	}
	return killed, errors.New("processes come into being faster than they can be ended")
}

// hasVariable tells whether the environment of a process has an entry that begins so, with the
// zero byte before it.
func hasVariable(pid int, begin []byte) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && bytes.Contains(append([]byte{0}, environ...), begin)
}

// kill ends a process that still has the variable, and waits for its end.
func kill(pid int, variable []byte) (ended bool, err error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("process %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if !hasVariable(pid, variable) { // now that the number cannot change hands
		return false, nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		if errors.Is(err, unix.ESRCH) {
			return false, nil
		}
		return false, fmt.Errorf("process %d: %w", pid, err)
	}
	for end := time.Now().Add(killWait); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, max(int(time.Until(end).Milliseconds()), 0))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false, fmt.Errorf("process %d: %w", pid, err)
		case n == 0:
			return false, fmt.Errorf("process %d has been killed and does not end", pid)
		}
		return true, nil
	}
}
