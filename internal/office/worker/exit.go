package worker

import (
	"bytes"
	"fmt"
	"strings"

	"gridflow/internal/lock"
)

// Cause is why a worker ended.
type Cause string

const (
	// Killed: its parent had no more use for it, or its job took too long.
	Killed Cause = "killed"
	// Crashed: it ended by itself, by a signal or with a code.
	Crashed Cause = "crashed"
	// Memory: it crashed, most likely because it had all the memory that it may have.
	Memory Cause = "out of memory"
	// Protocol: it said what makes no sense, and was killed for it.
	Protocol Cause = "protocol"
	// NoOutput: it said that it has done its job and had written no file, and was killed for it.
	NoOutput Cause = "no output"
)

// An Exit is how a worker ended. As an error it is that of the job that it had.
type Exit struct {
	Cause  Cause
	Code   int    // the exit code; -1 where it ended by a signal
	Signal string // the signal, such as "segmentation fault"; "" where there was none
	Detail string // of Protocol: what it said; else the line of what it printed that says most
	// Printed is the end of what it printed, for people: at most [printedMax] bytes.
	Printed string
	// RSSMax is the most memory that it had at once, in bytes.
	RSSMax int64
}

func (e *Exit) Error() string {
	switch {
	case e.Cause == Killed:
		return "the office worker was killed"
	case e.Cause == Protocol || e.Cause == NoOutput:
		return "the office worker was killed: " + e.Detail
	}
	how := fmt.Sprintf("ended with code %d", e.Code)
	if e.Signal != "" {
		how = "ended by the signal " + e.Signal
	}
	if e.Cause == Memory {
		how += ", most likely out of memory"
	}
	if e.Detail != "" {
		how += fmt.Sprintf(" (%.200s)", e.Detail)
	}
	return "the office worker " + how
}

// printedMax is how much is kept of what a worker prints.
const printedMax = 4096

// A tail keeps the end of what is written to it. Go's runtime says first why it dies, and then
// much more; so the line with the reason is kept for itself.
type tail struct {
	mu     lock.Mutex[lock.OfficeOutput]
	text   []byte
	reason string
	memory bool // there were words of having no memory
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if t.reason == "" {
		t.reason = reason(string(t.text))
	}
	for _, words := range outOfMemory {
		t.memory = t.memory || bytes.Contains(t.text, []byte(words))
	}
	if len(t.text) > printedMax {
		t.text = append(t.text[:0], t.text[len(t.text)-printedMax:]...)
	}
	return len(p), nil
}

// outOfMemory are words with which a process says that it had no memory: of Go's runtime, and
// of the C++ library.
var outOfMemory = []string{"out of memory", "annot allocate memory", "bad_alloc", "failed to create new OS thread"}

// reason finds the line with which Go's runtime or the C++ library ends a process.
func reason(text string) string {
	for line := range strings.Lines(text) {
		for _, begin := range []string{"fatal error: ", "panic: ", "SIG", "terminate called", "runtime: "} {
			if strings.HasPrefix(line, begin) {
				return strings.TrimSpace(line)
			}
		}
	}
	return ""
}

// said gives what was printed, the line that says most of it, and whether there was no memory.
func (t *tail) said() (text, most string, noMemory bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, most = string(t.text), t.reason
	if most == "" {
		lines := strings.TrimSpace(text)
		most = lines[strings.LastIndexByte(lines, '\n')+1:]
	}
	return text, most, t.memory
}
