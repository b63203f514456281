package server

import (
	"context"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/lock"
)

// sessions knows of the sessions of the older era what decides which of them has to go
// when there are as many as there may be: one that was opened and never used since. An
// initialize costs its sender nothing, so that sessions alone must not shut others out. Nor
// does it cost much to use them, so that one machine has no more than a share of them.
type sessions struct {
	mu   lock.Mutex[lock.ServerSessions]
	byID map[string]*sessionUse
}

// sessionUse is how a session is used.
type sessionUse struct {
	machine  string
	begun    time.Time
	requests int // after initialize
	inFlight int

	over context.Context // ends with the session
	end  context.CancelFunc
}

// used tells whether somebody works with the session. The first request after initialize
// only says that it was answered.
func (u *sessionUse) used() bool { return u.requests > 1 || u.inFlight > 0 }

// begun notes a new session of a machine; id is "" where none was opened.
func (s *sessions) begun(id, machine string) {
	if id == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*sessionUse)
	}
	over, end := context.WithCancel(context.Background())
	s.byID[id] = &sessionUse{machine: machine, begun: time.Now(), over: over, end: end}
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

// room tells whether one more session of a machine may begin. Where there are as many as
// there may be, in all or of that machine, it ends the oldest of these that was never used, if
// there is one.
func (s *sessions) room(server *mcp.Server, machine string, most int) bool {
	live := make(map[string]*mcp.ServerSession)
	for session := range server.Sessions() {
		live[session.ID()] = session
	}
	s.mu.Lock()
	its := 0
	for id, u := range s.byID {
		if live[id] == nil {
			u.end()
			delete(s.byID, id)
		} else if u.machine == machine {
			its++
		}
	}
	share := max(most/ofOneMachine, 1)
	tooMany := machine != thisMachine && its >= share
	if len(live) < most && !tooMany {
		s.mu.Unlock()
		return true
	}
	victim := ""
	for id, u := range s.byID {
		if !u.used() && (!tooMany || u.machine == machine) && (victim == "" || u.begun.Before(s.byID[victim].begun)) {
			victim = id
		}
	}
	delete(s.byID, victim)
	s.mu.Unlock()
	if victim == "" {
		return false
	}
	_ = live[victim].Close() // it may have ended by itself
	return true
}
