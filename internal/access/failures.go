package access

import (
	"time"

	"gridflow/flow/rate"
	"gridflow/internal/lock"
)

const (
	// A machine may fail to say who it is so often at once, and then as often as that.
	failuresBurst = 20
	failuresEvery = 3 * time.Second
	// machinesMax bounds the machines that are told apart; those beyond share one count.
	machinesMax = 4096
)

// failures counts how often machines have failed to say who they are. Its methods may be called
// from any number of goroutines at once.
type failures struct {
	mu        lock.Mutex[lock.AccessFailures]
	began     time.Time
	ofMachine map[string]*rate.Bucket
	others    *rate.Bucket
}

func newFailures() *failures {
	f := &failures{began: time.Now(), ofMachine: make(map[string]*rate.Bucket)}
	f.others = f.bucket(failuresBurst, failuresEvery)
	return f
}

func (f *failures) bucket(burst int64, every time.Duration) *rate.Bucket {
	b, err := rate.NewBucket(time.Since(f.began), rate.Rate{Tokens: 1, Per: every}, burst)
	if err != nil {
		panic(err) // the constants are wrong
	}
	return &b
}

// of gives the bucket of a machine. f.mu is held.
func (f *failures) of(machine string) *rate.Bucket {
	if b := f.ofMachine[machine]; b != nil {
		return b
	}
	if len(f.ofMachine) >= machinesMax {
		now := time.Since(f.began)
		for other, b := range f.ofMachine {
			if b.Full(now) { // no different from a new one
				delete(f.ofMachine, other)
			}
		}
		if len(f.ofMachine) >= machinesMax {
			return f.others
		}
	}
	b := f.bucket(failuresBurst, failuresEvery)
	f.ofMachine[machine] = b
	return b
}

// failed counts a failure of a machine. Where there have been too many it says when to come
// back.
func (f *failures) failed(machine string) (retryAfter time.Duration, tooMany bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	retryAfter, ok := f.of(machine).Take(time.Since(f.began), 1)
	return retryAfter, !ok
}

// blocked tells whether there have been too many failures of a machine, and when to come back.
func (f *failures) blocked(machine string) (retryAfter time.Duration, tooMany bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.ofMachine[machine]
	if b == nil {
		if len(f.ofMachine) < machinesMax {
			return 0, false
		}
		b = f.others
	}
	now := time.Since(f.began)
	if b.Tokens(now) >= 1 {
		return 0, false
	}
	again := *b // asking takes nothing
	retryAfter, _ = again.Take(now, 1)
	return retryAfter, true
}
