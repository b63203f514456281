package server

import (
	"math"
	"time"

	"gridflow/internal/lock"
)

// How often progress goes out: at most four times a second while the tool reports. Of a
// tool that has said nothing there is a sign of life after two seconds, since by then
// somebody looks at the screen, and while it is silent another one every ten (several
// clients give up after a minute of silence).
const (
	progressInterval  = 250 * time.Millisecond
	firstHeartbeat    = 2 * time.Second
	heartbeatInterval = 10 * time.Second
)

// progress sends what a tool reports, thinned out, and a heartbeat where it reports
// nothing. The values sent increase strictly, as the protocol demands.
type progress struct {
	send  func(done, total float64, message string)
	start time.Time

	mu      lock.Mutex[lock.ServerProgress] // also held while sending, so that nothing follows stop
	beat    alarm
	sentAt  time.Time
	sent    float64 // the last value sent
	total   float64 // the latest reported, 0 where unknown
	message string
	stopped bool
}

func startProgress(send func(done, total float64, message string)) *progress {
	p := &progress{send: send, start: time.Now()}
	p.mu.Lock() // the timer must not find itself unset
	defer p.mu.Unlock()
	p.beat = alarmAfter(firstHeartbeat, p.heartbeat)
	return p
}

// report is called by the tool, from any goroutine. It does not wait for a slow client:
// a report that finds another one being sent is dropped.
func (p *progress) report(done, total float64, message string) {
	if math.IsNaN(done) || math.IsInf(done, 0) || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	p.message = message
	if total > 0 && !math.IsInf(total, 0) {
		p.total = total
	}
	now := time.Now()
	if p.stopped || done <= p.sent || !p.sentAt.IsZero() && now.Sub(p.sentAt) < progressInterval {
		return
	}
	p.emit(now, done, message)
}

// heartbeat runs on the timer. It moves the value by as little as can be told apart
// after it has gone through JSON, because nothing is known to have been done.
func (p *progress) heartbeat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	now := time.Now()
	message := p.message
	if message == "" {
		message = "working"
	}
	message += " (" + now.Sub(p.start).Round(time.Second).String() + ")"
	p.emit(now, p.sent+math.Max(p.sent, 1)*1e-6, message)
}

func (p *progress) emit(now time.Time, done float64, message string) {
	p.sent, p.sentAt = done, now
	p.beat.again(heartbeatInterval)
	p.send(done, max(p.total, 0), message)
}

// stop ends the reports; nothing is sent after it has returned.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.beat.stop()
}
