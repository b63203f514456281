//go:build interleave

package interleave

import (
	"fmt"
	"strconv"
	"strings"

	"gridflow/internal/interleave/coro"
)

// maxThreads is what fits into a set of transitions.
const maxThreads = 64 / coro.Ways

// transition is a thread and the way in which its operation goes on.
type transition uint8

const none transition = 255

func makeTransition(thread, way int) transition { return transition(thread*coro.Ways + way) }

func (x transition) thread() int { return int(x) / coro.Ways }
func (x transition) way() int    { return int(x) % coro.Ways }

// set is a set of transitions.
type set uint64

func (x transition) set() set { return 1 << x }

// of gives all transitions of a thread.
func of(thread int) set { return (1<<coro.Ways - 1) << (coro.Ways * thread) }

// schedule is the transitions of one execution. As text it is a letter for each thread in
// the order of their start, a ! where its wait was cancelled, and a count of repetitions:
// a3b!2 is three steps of the first thread and two of the second, whose waits were
// cancelled.
type schedule []transition

const letters = "abcdefghijklmnopqrstuvwxyzABCDEF"

func (s schedule) String() string {
	var b strings.Builder
	for i := 0; i < len(s); {
		n := i + 1
		for n < len(s) && s[n] == s[i] {
			n++
		}
		b.WriteByte(letters[s[i].thread()])
		if s[i].way() == coro.Cancelled {
			b.WriteByte('!')
		}
		if n-i > 1 {
			b.WriteString(strconv.Itoa(n - i))
		}
		i = n
	}
	return b.String()
}

func parseSchedule(text string) (schedule, error) {
	var s schedule
	for i := 0; i < len(text); {
		thread := strings.IndexByte(letters, text[i])
		if thread < 0 {
			return nil, fmt.Errorf("schedule %q: at %d stands %q and not the letter of a thread", text, i, text[i])
		}
		i++
		way := coro.Proceed
		if i < len(text) && text[i] == '!' {
			way = coro.Cancelled
			i++
		}
		digits := i
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		n := 1
		if digits < i {
			var err error
			if n, err = strconv.Atoi(text[digits:i]); err != nil {
				return nil, fmt.Errorf("schedule %q: %w", text, err)
			}
		}
		for range n {
			s = append(s, makeTransition(thread, way))
		}
	}
	return s, nil
}
