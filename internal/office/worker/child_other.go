//go:build !linux

package worker

import (
	"errors"
	"time"

	"gridflow/internal/office/wire"
)

const unconfined = "none"

var errOnlyLinux = errors.New("office workers run on Linux only")

func checkPipes() error         { return errOnlyLinux }
func confine(wire.Start) error  { return errOnlyLinux }
func limit(wire.Start) error    { return errOnlyLinux }
func processCPU() time.Duration { return 0 }
func processRSS() int64         { return 0 }
func offer()                    {}
