package sim

import "time"

// event is something that will happen. It holds numbers in place of pointers, so that
// the collector does not look at the heap and moving one costs a copy.
type event struct {
	at   time.Duration
	seq  uint64 // those of one instant happen in the order in which they were planned
	ref  uint32 // number of a source, a job or a step
	arg  uint32 // thinkOver: the client; impatient: the generation of the job
	what happening
}

type happening uint8

const (
	arrival   happening = iota // of the source ref, an open loop
	thinkOver                  // a thread of the client arg of the source ref asks again
	finished                   // the job ref
	impatient                  // the owner of the job ref, if it is still the arg-th to have that number
	step                       // of the script
)

func (a *event) before(b *event) bool { return a.at < b.at || a.at == b.at && a.seq < b.seq }

// events is a 4-ary min-heap.
type events struct {
	e   []event
	seq uint64
}

func (h *events) push(x event) {
	h.seq++
	x.seq = h.seq
	h.e = append(h.e, x)
	i := len(h.e) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !x.before(&h.e[parent]) {
			break
		}
		h.e[i] = h.e[parent]
		i = parent
	}
	h.e[i] = x
}

// drop takes out the first event.
func (h *events) drop() {
	last := len(h.e) - 1
	x := h.e[last]
	h.e = h.e[:last]
	if last > 0 {
		h.down(x)
	}
}

// replace takes out the first event and puts x in. An open loop whose arrivals are most of
// what happens has the next one at the top at once.
func (h *events) replace(x event) {
	h.seq++
	x.seq = h.seq
	h.down(x)
}

// down puts x in place of the first event, and then where it belongs.
func (h *events) down(x event) {
	i, last := 0, len(h.e)
	for {
		first := 4*i + 1
		if first >= last {
			break
		}
		least := first
		for c := first + 1; c < min(first+4, last); c++ {
			if h.e[c].before(&h.e[least]) {
				least = c
			}
		}
		if !h.e[least].before(&x) {
			break
		}
		h.e[i] = h.e[least]
		i = least
	}
	h.e[i] = x
}
