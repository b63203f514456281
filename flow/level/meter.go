package level

import (
	"fmt"
	"math"
	"time"
)

// meterSlots is the number of parts of a window: what leaves it leaves by a sixteenth.
const meterSlots = 16

// Meter measures demand and work over a sliding window. It is not safe for concurrent
// use.
type Meter struct {
	slotSpan time.Duration
	slots    [meterSlots]slot
	at       int64         // number of the slot that is being filled
	begin    time.Duration // first observation
	arrived  time.Duration // last arrival
	used     bool
	any      bool // there was an arrival
}

type slot struct {
	arrivals      int
	gaps, service sums
}

// sums are of numbers in seconds.
type sums struct{ n, x, xx float64 }

func (s *sums) add(d time.Duration) {
	v := d.Seconds()
	s.n++
	s.x += v
	s.xx += v * v
}

// cv gives the coefficient of variation, standard deviation ÷ mean; 0 for fewer than two
// numbers.
func (s sums) cv() float64 {
	if s.n < 2 || s.x <= 0 {
		return 0
	}
	mean := s.x / s.n
	return math.Sqrt(max(0, s.xx/s.n-mean*mean)) / mean
}

// NewMeter gives a Meter for a window, which should hold a few of the bursts that are to
// be evened out.
func NewMeter(window time.Duration) (*Meter, error) {
	if window < meterSlots {
		return nil, fmt.Errorf("level: window of %v: it must be at least %d ns", window, meterSlots)
	}
	return &Meter{slotSpan: window / meterSlots}, nil
}

// Arrived says that a piece of work has come.
func (m *Meter) Arrived(now time.Duration) {
	s := m.slot(now)
	s.arrivals++
	if m.any {
		s.gaps.add(max(0, now-m.arrived))
	}
	m.any, m.arrived = true, max(m.arrived, now)
}

// Done says that a piece of work is finished, and how long it took.
func (m *Meter) Done(now, service time.Duration) {
	m.slot(now).service.add(service)
}

// slot gives the slot of now, and clears those that now stand for another time. A time
// that goes backwards stands still.
func (m *Meter) slot(now time.Duration) *slot {
	n := int64(now / m.slotSpan)
	if !m.used {
		m.used, m.begin, m.at = true, now, n
	}
	if n-m.at >= meterSlots {
		m.slots, m.at = [meterSlots]slot{}, n
	}
	for ; m.at < n; m.at++ {
		m.slots[index(m.at+1)] = slot{}
	}
	return &m.slots[index(m.at)]
}

func index(n int64) int64 { return (n%meterSlots + meterSlots) % meterSlots }

// Figures is what a Meter has measured.
type Figures struct {
	Arrivals   int           // in the window
	Takt       time.Duration // time for one arrival; 0: not known
	Cycle      time.Duration // mean time that a piece of work takes; 0: not known
	ArrivalCV  float64       // standard deviation ÷ mean of the gaps between arrivals
	ServiceCV  float64       // the same of the times that work takes
	WindowTime time.Duration // how much of the window has been seen
}

// Figures gives what is known at now. Takt is known once half of the window has been
// seen and there were two arrivals in it: before that a first burst would look like
// endless demand.
func (m *Meter) Figures(now time.Duration) Figures {
	var f Figures
	if !m.used {
		return f
	}
	m.slot(now)
	var gaps, service sums
	for i := range m.slots {
		s := &m.slots[i]
		f.Arrivals += s.arrivals
		gaps = sums{gaps.n + s.gaps.n, gaps.x + s.gaps.x, gaps.xx + s.gaps.xx}
		service = sums{service.n + s.service.n, service.x + s.service.x, service.xx + s.service.xx}
	}
	oldest := time.Duration(m.at-meterSlots+1) * m.slotSpan
	f.WindowTime = max(0, now-max(m.begin, oldest))
	if f.Arrivals >= 2 && f.WindowTime >= meterSlots/2*m.slotSpan {
		f.Takt = f.WindowTime / time.Duration(f.Arrivals)
	}
	if service.n > 0 {
		f.Cycle = time.Duration(service.x / service.n * float64(time.Second))
	}
	f.ArrivalCV, f.ServiceCV = gaps.cv(), service.cv()
	return f
}

// Ratio gives cycle time ÷ (takt × seats): how much of the seats the demand takes. Above
// 1 more comes than can be done. It is 0 while takt or cycle time are not known.
func (f Figures) Ratio(seats int) float64 {
	if f.Takt == 0 || seats < 1 {
		return 0
	}
	return float64(f.Cycle) / float64(f.Takt) / float64(seats)
}
