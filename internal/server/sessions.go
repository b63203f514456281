package server

import (
	"context"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/lock"
)

// sessions knows of the sessions of the older era what decides which of them has to go
// when there are as many as there may be: one that was opened and never used since. An
// initialize costs its sender nothing, so that sessions alone must not shut others out.
type sessions struct {
	mu   lock.Mutex[lock.ServerSessions]
	byID map[string]*sessionUse
}

// sessionUse is how a session is used.
type sessionUse struct {
	begun    time.Time
	requests int // after initialize
	inFlight int

	over context.Context // ends with the session
	end  context.CancelFunc
}

// used tells whether somebody works with the session. The first request after initialize
// only says that it was answered.
func (u *sessionUse) used() bool { return u.requests > 1 || u.inFlight > 0 }

// begun notes a new session; id is "" where none was opened.
func (s *sessions) begun(id string) {
	if id == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*sessionUse)
	}
	over, end := context.WithCancel(context.Background())
	s.byID[id] = &sessionUse{begun: time.Now(), over: over, end: end}
}

// use notes a request of a session, and its end when done is called. The context is ctx
// until the session is ended.
func (s *sessions) use(ctx context.Context, id string) (_ context.Context, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.byID[id]
	if u == nil {
		return ctx, func() {} // none yet, or none such, which the SDK says
	}
	u.requests++
	u.inFlight++
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(u.over, cancel)
	return ctx, func() {
		stop()
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		u.inFlight--
	}
}

// end cancels what is under way for a session that its client ends.
func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.byID[id]; u != nil {
		u.end()
	}
}

// room tells whether one more session may begin. Where there are enough it ends the oldest
// that was never used, if there is one.
func (s *sessions) room(server *mcp.Server, most int) bool {
	n := 0
	live := make(map[string]*mcp.ServerSession)
	for session := range server.Sessions() {
		n++
		live[session.ID()] = session
	}
	s.mu.Lock()
	victim := ""
	for id, u := range s.byID {
		switch {
		case live[id] == nil:
			u.end()
			delete(s.byID, id)
		case !u.used() && (victim == "" || u.begun.Before(s.byID[victim].begun)):
			victim = id
		}
	}
	if n >= most {
		delete(s.byID, victim)
	}
	s.mu.Unlock()
	switch {
	case n < most:
		return true
	case victim == "":
		return false
	}
	_ = live[victim].Close() // it may have ended by itself
	return true
}
