package lok

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// LibreOffice takes most signals for itself when it starts, with handlers that do not ask for
// the alternate stack. Go's runtime dies of the first signal that meets such a handler on a
// goroutine's stack. So what the handlers were is written down before, and put back after.

// An action is the kernel's struct sigaction: handler, flags, restorer and mask, a word of
// eight bytes each, on amd64 as on arm64.
type action [4]uint64

const signalMax = 64

// actions are what is done on each signal; index 0 is nobody's.
type actions [signalMax + 1]action

func snapshotActions() *actions {
	a := new(actions)
	for signal := 1; signal <= signalMax; signal++ {
		rtSigaction(signal, nil, &a[signal])
	}
	return a
}

// restore makes the actions of the process what a says, and gives the signals whose action had
// been another.
func (a *actions) restore() (changed []int) {
	now := snapshotActions()
	for signal := range now {
		if now[signal] != a[signal] {
			changed = append(changed, signal)
			rtSigaction(signal, &a[signal], nil)
		}
	}
	return changed
}

// rtSigaction never fails for a signal that can have an action; for SIGKILL and SIGSTOP, which
// cannot, it reads as ever the same.
func rtSigaction(signal int, set, get *action) {
	const setBytes = 8
	unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(get)), setBytes, 0, 0)
}
