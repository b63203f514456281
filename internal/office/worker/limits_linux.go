package worker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gridflow/internal/office/wire"
)

// checkPipes fails where the process was not started by [Start].
func checkPipes() error {
	for _, fd := range []uintptr{wire.RequestFD, wire.ResponseFD} {
		if _, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil {
			return errors.New("gridflow starts its office workers itself: this command is not for use by hand")
		}
		unix.CloseOnExec(int(fd))
	}
	return nil
}

// filesMax is how many files a worker may have open; LibreOffice has some thirty.
const filesMax = 512

// limit bounds what the process may take. The memory that it may have is that of RLIMIT_DATA:
// addresses alone (RLIMIT_AS) cost nothing, and Go reserves many of them.
func limit(start wire.Start) error {
	limits := []struct {
		name     string
		resource int
		most     int64
	}{
		{"memory", unix.RLIMIT_DATA, start.DataLimit},
		{"file size", unix.RLIMIT_FSIZE, start.FileLimit},
		{"files", unix.RLIMIT_NOFILE, filesMax},
	}
	for _, l := range limits {
		if l.most <= 0 {
			continue
		}
		if err := lower(l.resource, uint64(l.most)); err != nil {
			return fmt.Errorf("limit of %s: %w", l.name, err)
		}
	}
	if err := lower(unix.RLIMIT_CORE, 0); err != nil {
		return fmt.Errorf("limit of core dumps: %w", err)
	}
	return nil
}

// offer lets the kernel take this process, before the server, when the machine or the control group is
// out of memory. With anything less than the most that can be said a worker that has just started would
// be spared for a server that takes most of a small group. Where it cannot be said it is as it is.
func offer() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }

// lower sets both limits of a resource, but never above what they are.
func lower(resource int, most uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err
	}
	most = min(most, now.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most})
}

// processCPU is the processor time that this process has had, the system's included.
func processCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processRSS is the memory that this process has, in bytes.
func processRSS() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
