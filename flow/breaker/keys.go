package breaker

import (
	"container/list"
	"time"
)

// suspect is a key that has failed.
type suspect struct {
	key         string
	inARow      uint
	since       uint64    // calls that were let in before this number say nothing new
	until       time.Time // end of the quarantine; zero: not in quarantine
	probing     bool
	counted     uint      // failures that counted against the backend …
	countedFrom time.Time // … since then
}

// suspects remembers at most max of them; the one that failed longest ago goes first.
type suspects struct {
	max   int
	byKey map[string]*list.Element // of *suspect
	order list.List                // the last to fail at the front
}

func (s *suspects) get(key string) *suspect {
	if e := s.byKey[key]; e != nil {
		return e.Value.(*suspect)
	}
	return nil
}

// failed gives the suspect for a key that has just failed, a new one where there is none.
func (s *suspects) failed(key string) *suspect {
	if e := s.byKey[key]; e != nil {
		s.order.MoveToFront(e)
		return e.Value.(*suspect)
	}
	if s.byKey == nil {
		s.byKey = make(map[string]*list.Element)
	}
	for len(s.byKey) >= s.max {
		s.remove(s.order.Back().Value.(*suspect).key)
	}
	p := &suspect{key: key}
	s.byKey[key] = s.order.PushFront(p)
	return p
}

func (s *suspects) remove(key string) {
	if e := s.byKey[key]; e != nil {
		s.order.Remove(e)
		delete(s.byKey, key)
	}
}
