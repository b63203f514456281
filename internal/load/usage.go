package load

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a server's processes took, those that they have started included. It is
// looked at from outside, where the system has /proc.
type Usage struct {
	RestBytes int64         // resident when the load began
	PeakBytes int64         // the most at any look
	EndBytes  int64         // when the load had ended
	CPU       time.Duration // processor time while the load lasted; of processes that ended meanwhile, until the last look at them
	Processes int           // the most at any look
	Series    []UsagePoint
}

// A UsagePoint is one look at the processes.
type UsagePoint struct {
	At    time.Duration // since the load began
	Bytes int64         // resident
	CPU   time.Duration // since the load began
}

func (u Usage) MarshalJSON() ([]byte, error) {
	type point struct {
		At    float64 `json:"at_ms"`
		Bytes int64   `json:"resident_bytes"`
		CPU   float64 `json:"cpu_ms"`
	}
	points := make([]point, len(u.Series))
	for i, p := range u.Series {
		points[i] = point{millis(p.At), p.Bytes, millis(p.CPU)}
	}
	return json.Marshal(struct {
		Rest      int64   `json:"resident_bytes_before"`
		Peak      int64   `json:"resident_bytes_most"`
		End       int64   `json:"resident_bytes_after"`
		CPU       float64 `json:"cpu_ms"`
		Processes int     `json:"processes_most"`
		Series    []point `json:"series"`
	}{u.RestBytes, u.PeakBytes, u.EndBytes, millis(u.CPU), u.Processes, points})
}

// A watch looks at processes again and again until it is stopped.
type watch struct {
	pids  func() []int
	began time.Time
	every time.Duration
	quit  chan struct{}
	done  chan struct{}

	usage Usage
	cpu   map[int]span // by process
	seen  bool
}

// span is the processor time of a process at the first and at the last look.
type span struct{ first, last time.Duration }

func startWatch(pids func() []int, every time.Duration) *watch {
	w := &watch{pids: pids, began: time.Now(), every: every, quit: make(chan struct{}), done: make(chan struct{}), cpu: map[int]span{}}
	w.look()
	go func() {
		defer close(w.done)
		tick := time.NewTicker(w.every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.look()
			case <-w.quit:
				return
			}
		}
	}()
	return w
}

// stop looks once more and gives what was seen, nil if that was nothing.
func (w *watch) stop() *Usage {
	close(w.quit)
	<-w.done
	w.look()
	if !w.seen {
		return nil
	}
	return &w.usage
}

func (w *watch) look() {
	at := time.Since(w.began)
	roots := w.pids()
	if len(roots) == 0 {
		return
	}
	all := processes()
	var total int64
	n := 0
	for _, pid := range withChildren(roots, all) {
		p, ok := all[pid]
		if !ok {
			continue
		}
		n++
		total += p.resident
		s, known := w.cpu[pid]
		if !known {
			s.first = p.cpu
			if w.seen { // it began meanwhile
				s.first = 0
			}
		}
		s.last = p.cpu
		w.cpu[pid] = s
	}
	if n == 0 {
		return
	}
	var cpu time.Duration
	for _, s := range w.cpu {
		cpu += s.last - s.first
	}
	u := &w.usage
	if !w.seen {
		u.RestBytes = total
	}
	w.seen = true
	u.PeakBytes, u.EndBytes, u.CPU, u.Processes = max(u.PeakBytes, total), total, cpu, max(u.Processes, n)
	u.Series = append(u.Series, UsagePoint{at, total, cpu})
}

// A proc is one process of the system.
type proc struct {
	parent   int
	resident int64 // bytes
	cpu      time.Duration
}

// processes reads those of the system; none where there is no /proc.
func processes() map[int]proc {
	all := map[int]proc{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if p, err := parseStat(string(data)); err == nil {
			all[pid] = p
		}
	}
	return all
}

// parseStat reads a line of /proc/PID/stat, as proc(5) has it. Times there are in
// hundredths of a second on all Linux systems.
func parseStat(text string) (proc, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 22 {
		return proc{}, fmt.Errorf("%d fields", len(fields))
	}
	var n [4]int64
	for i, field := range []int{4, 14, 15, 24} { // counted as in the manual page
		var err error
		if n[i], err = strconv.ParseInt(fields[field-3], 10, 64); err != nil {
			return proc{}, err
		}
	}
	return proc{parent: int(n[0]), cpu: time.Duration(n[1]+n[2]) * 10 * time.Millisecond, resident: n[3] * int64(os.Getpagesize())}, nil
}

// withChildren gives processes and all that they have started.
func withChildren(roots []int, all map[int]proc) []int {
	children := map[int][]int{}
	for pid, p := range all {
		children[p.parent] = append(children[p.parent], pid)
	}
	var found []int
	seen := map[int]bool{}
	for todo := append([]int(nil), roots...); len(todo) > 0; {
		pid := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[pid] {
			continue
		}
		seen[pid] = true
		found = append(found, pid)
		todo = append(todo, children[pid]...)
	}
	return found
}
