package whatif

import (
	"time"

	"golang.org/x/sys/unix"
)

// processor gives the processor time that the process has used.
func processor() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
