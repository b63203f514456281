package server

import (
	"context"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/lock"
)

// sessions knows of the sessions of the older era what decides which of them has to go
// when there are as many as there may be: one that was opened and never used since, or else the
// one that has rested longest, if that is for restedMin. An initialize costs its sender nothing, so that
// sessions alone must not shut others out. Nor does it cost much to use them, so that one client has no
// more than a share of them; and many clients open one for each task and never end it.
type sessions struct {
	mu   lock.Mutex[lock.ServerSessions]
	byID map[string]*sessionUse
}

// sessionUse is how a session is used.
type sessionUse struct {
	client   string // who has opened it: a user, or a machine
	requests int    // after initialize
	inFlight int
	rests    time.Time // since when no request is in flight

	over context.Context // ends with the session
	end  context.CancelFunc

	forget func() bool // that it is to end with its principal; nil: it is not
}

// dropped lets go of what a session holds that has ended.
func (u *sessionUse) dropped() {
	u.end()
	if u.forget != nil {
		u.forget()
	}
}

// restedMin is how long a session must have rested to be ended for another one. Its client is told that
// it is not there, by which clients know that they have to begin a new one.
const restedMin = time.Minute

// used tells whether somebody works with the session. The first request after initialize
// only says that it was answered.
func (u *sessionUse) used() bool { return u.requests > 1 || u.inFlight > 0 }

// mayGo tells whether the session may be ended to make room.
func (u *sessionUse) mayGo() bool {
	return !u.used() || u.inFlight == 0 && time.Since(u.rests) >= restedMin
}

// goesBefore tells which of two that may go is ended first: one that was never used, or else the one that
// has rested for longer.
func (u *sessionUse) goesBefore(v *sessionUse) bool {
	if u.used() != v.used() {
		return v.used()
	}
	return u.rests.Before(v.rests)
}

// begun notes a new session of a client; id is "" where none was opened.
func (s *sessions) begun(id, client string) {
	if id == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*sessionUse)
	}
	over, end := context.WithCancel(context.Background())
	s.byID[id] = &sessionUse{client: client, rests: time.Now(), over: over, end: end}
}

// isOf tells whether a client may use a session: one that it has opened, or none that there is,
// which the SDK says.
func (s *sessions) isOf(id, client string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.byID[id]
	return u == nil || !strings.HasPrefix(u.client, userPrefix) || u.client == client
}

// endWith calls end when over has ended, unless the session has gone before.
func (s *sessions) endWith(over context.Context, id string, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.byID[id]; u != nil {
		u.forget = context.AfterFunc(over, end)
	}
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
		u.rests = time.Now()
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

// room tells whether one more session of a client may begin. Where there are as many as
// there may be, in all or of that client, it ends the first of these that may go, if there is one.
func (s *sessions) room(server *mcp.Server, client string, most int) bool {
	live := make(map[string]*mcp.ServerSession)
	for session := range server.Sessions() {
		live[session.ID()] = session
	}
	s.mu.Lock()
	its := 0
	for id, u := range s.byID {
		if live[id] == nil {
			u.dropped()
			delete(s.byID, id)
		} else if u.client == client {
			its++
		}
	}
	share := max(most/ofOneMachine, 1)
	tooMany := client != thisMachine && its >= share
	if len(live) < most && !tooMany {
		s.mu.Unlock()
		return true
	}
	victim := ""
	for id, u := range s.byID {
		if u.mayGo() && (!tooMany || u.client == client) && (victim == "" || u.goesBefore(s.byID[victim])) {
			victim = id
		}
	}
	if u := s.byID[victim]; u != nil {
		u.dropped()
	}
	delete(s.byID, victim)
	s.mu.Unlock()
	if victim == "" {
		return false
	}
	_ = live[victim].Close() // it may have ended by itself
	return true
}
