package breaker

import (
	"container/list"
	"fmt"
	"slices"

	"gridflow/internal/lock"
)

// Set holds breakers of one kind by name, and makes them when they are asked for. It is
// safe for concurrent use.
type Set struct {
	cfg Config
	max int

	mu     lock.Mutex[lock.BreakerSet]
	byName map[string]*list.Element // of *Breaker
	order  list.List                // the last to be asked for at the front
}

// NewSet gives a Set of at most max breakers, or says what is wrong.
func NewSet(cfg Config, max int) (*Set, error) {
	if max < 1 {
		return nil, fmt.Errorf("breaker: a set of %d breakers: it must be at least 1", max)
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Set{cfg: cfg, max: max, byName: make(map[string]*list.Element)}, nil
}

// Get gives the breaker of that name. When there are too many, the closed one that was
// not asked for the longest goes, and only if none is closed the same of all: its
// failures are forgotten, and whoever still holds it uses it to its end.
func (s *Set) Get(name string) *Breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byName[name]; e != nil {
		s.order.MoveToFront(e)
		return e.Value.(*Breaker)
	}
	if s.order.Len() >= s.max {
		s.drop()
	}
	b, err := New(name, s.cfg)
	if err != nil {
		panic(err) // NewSet has looked at the configuration
	}
	s.byName[name] = s.order.PushFront(b)
	return b
}

func (s *Set) drop() {
	victim := s.order.Back()
	for e := victim; e != nil; e = e.Prev() {
		if e.Value.(*Breaker).State() == Closed {
			victim = e
			break
		}
	}
	delete(s.byName, victim.Value.(*Breaker).name)
	s.order.Remove(victim)
}

// All gives the breakers, sorted by name.
func (s *Set) All() []*Breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*Breaker, 0, s.order.Len())
	for e := s.order.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*Breaker))
	}
	slices.SortFunc(all, func(a, b *Breaker) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}
