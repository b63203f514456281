//go:build !unix

package patch

import "time"

// processorTime is not known here.
func processorTime() time.Duration { return 0 }
