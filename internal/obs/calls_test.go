package obs

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestCallsAreBounded: however many calls and clients there are, the latest of each class
// and the busiest clients are kept, and no more.
func TestCallsAreBounded(t *testing.T) {
	c := newCalls(2)
	now := time.Duration(0)
	c.add(now, Call{Tool: "slow", Class: 1, Client: "session early", Ran: true, Service: time.Second})
	for i := range 10_000 {
		now += time.Millisecond
		c.add(now, Call{Tool: "quick", Class: 0, Client: fmt.Sprint("session ", i), Ran: true, Service: 10 * time.Microsecond})
		if i%100 == 0 {
			c.add(now, Call{Tool: "quick", Class: 0, Client: "session busy", Ran: true, Service: 5 * time.Millisecond})
			c.add(now, Call{Tool: "quick", Class: 0, Client: "session late", Waited: 7 * time.Millisecond})
		}
	}
	c.add(now, Call{Tool: "quick", Class: NoClass, Client: "session late"})
	if len(c.classes[0]) != callsKept || len(c.classes[1]) != 1 || len(c.clients.by) != clientsKept {
		t.Errorf("%d and %d calls, %d clients", len(c.classes[0]), len(c.classes[1]), len(c.clients.by))
	}
	recent := latest(c.classes, callsKept+10)
	for i := 1; i < len(recent); i++ {
		if recent[i].at > recent[i-1].at {
			t.Fatalf("call %d ended after the one before", i)
		}
	}
	if len(recent) != callsKept+1 || recent[0].at != now || recent[callsKept].Tool != "slow" {
		t.Errorf("%d calls from %v to %v", len(recent), recent[0], recent[len(recent)-1])
	}
	if most := top(c.clients.present(), 1, func(u *client) float64 { return u.waited }); most[0].name != "session late" || most[0].refused < 50 {
		t.Errorf("waited most: %+v", most)
	}
	if most := top(c.clients.present(), 2, func(u *client) float64 { return u.served }); most[0].name != "session early" || most[1].name != "session busy" {
		t.Errorf("served most: %+v", most)
	}
	c.halve(now + 3*halfLife)
	if most := top(c.clients.present(), 1, func(u *client) float64 { return u.served }); most[0].served != .125 {
		t.Errorf("after three half-lives: %+v", most)
	}
	c.halve(now + 100*halfLife)
	if len(c.clients.by) != 0 {
		t.Errorf("after a hundred half-lives %d clients are left", len(c.clients.by))
	}
	c.add(now+100*halfLife, Call{Client: "session new", Ran: true, Service: time.Second})
	if most := top(c.clients.present(), 9, func(u *client) float64 { return u.served }); len(most) != 1 || most[0].name != "session new" {
		t.Errorf("then %+v", most)
	}
}

// TestPartsPushNobodyOut: a client that gives each call another name is listed as one, and
// does not push another client, or its part, off the list.
func TestPartsPushNobodyOut(t *testing.T) {
	c := newCalls(1)
	c.add(0, Call{Client: "user a", Part: "session 1", Ran: true, Service: time.Second})
	for i := range 10_000 {
		c.add(0, Call{Client: "local", Part: fmt.Sprint("program ", i), Ran: true, Service: time.Millisecond})
	}
	by := func(u *client) float64 { return u.served }
	if most := top(c.clients.present(), 9, by); len(most) != 2 || most[0].name != "local" || most[1].name != "user a" || most[0].calls != 10_000 {
		t.Errorf("clients: %+v", most)
	}
	if most := top(c.parts.present(), 1, by); len(c.parts.by) != clientsKept || most[0].part != "session 1" {
		t.Errorf("%d parts, first %+v", len(c.parts.by), most)
	}
	if got := c.aliases(who{"local", "program 7"}); !strings.HasPrefix(got, "local / program ") || strings.HasSuffix(got, " 7") {
		t.Errorf("alias %q", got)
	}
}

// TestAlias: who a client is cannot be read off its alias, which stays the same.
func TestAlias(t *testing.T) {
	c, other := newCalls(0), newCalls(0)
	const name = "session 7MEWPOLYAQ3XWSQ3HJFJMZ5ZQU"
	got := c.alias(name)
	if !strings.HasPrefix(got, "session ") || len(got) != len("session 0badcafe") || strings.Contains(got, "7MEW") {
		t.Errorf("%q became %q", name, got)
	}
	if c.alias(name) != got || c.alias(name+"x") == got || other.alias(name) == got {
		t.Error("an alias changes, is shared, or can be computed by whoever knows the name")
	}
	if got := c.alias("stdio"); got != "stdio" {
		t.Errorf("stdio became %q", got)
	}
}

// BenchmarkObserve is what a call costs: the gate's three tellings and what is kept.
func BenchmarkObserve(b *testing.B) {
	for _, clients := range []int{1, 60, 1000} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			m := NewMetrics("1", testClasses())
			l := m.Listener()
			names := make([]string, clients)
			for i := range names {
				names[i] = fmt.Sprint("session ", i)
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				l.Arrived(1)
				l.Started(1, time.Millisecond)
				l.Done(1, time.Millisecond, 0)
				m.Observe(Call{Tool: "range_values", Class: 1, Client: names[i%clients], Ran: true, Waited: time.Millisecond, Service: time.Millisecond, Outcome: "ok"})
			}
		})
	}
}

// TestLatestAreKept: the calls that are kept of a class are the latest, each once.
func TestLatestAreKept(t *testing.T) {
	c := newCalls(1)
	const all = 3*callsKept + 7
	for i := range all {
		c.add(time.Duration(i), Call{Client: "one"})
	}
	for i, call := range latest(c.classes, all) {
		if want := time.Duration(all - 1 - i); call.at != want {
			t.Fatalf("number %d ended at %d, want %d", i, call.at, want)
		}
	}
}

// TestClientsOverTime: what a client and a part of one used counts less with time, also where nobody asks; after a
// long pause it is forgotten, once. Who comes in the place of another one goes behind those that were there, and
// who used nothing is on no list.
func TestClientsOverTime(t *testing.T) {
	served := func(u *client) float64 { return u.served }
	c := newCalls(1)
	now := time.Duration(0)
	use := func(name, part string, service time.Duration, weight int64) {
		c.add(now, Call{Client: name, Part: part, Ran: true, Service: service, Weight: weight})
	}
	use("early", "part", 8*time.Second, 3)
	now += 3 * halfLife
	use("late", "", 0, 0)
	use("early", "part", 0, 0)
	for what, r := range map[string]*ranking{"client": &c.clients, "part": &c.parts} {
		if list := top(r.present(), 9, served); len(list) != 1 || list[0].name != "early" || list[0].served != 1 {
			t.Errorf("each %s after three half-lives: %+v", what, list)
		}
	}
	if u := c.clients.by[who{"early", ""}]; u.weight != 3 {
		t.Errorf("its weight is %d", u.weight)
	}
	if len(c.parts.by) != 1 {
		t.Errorf("%d parts, one of which tells nobody apart", len(c.parts.by))
	}

	now += 100 * halfLife
	for i := range clientsKept {
		use(fmt.Sprint("client ", i), "", time.Second, 0)
	}
	if list := top(c.clients.present(), 2*clientsKept, served); len(list) != clientsKept || list[0].served != 1 || list[0].calls != 1 || len(c.parts.by) != 0 {
		t.Errorf("after a pause there are %d clients, the first %+v, and %d parts", len(list), list[0], len(c.parts.by))
	}
	for _, name := range []string{"new", "newer"} {
		use(name, "", time.Millisecond, 0)
	}
	if c.clients.by[who{"new", ""}] == nil {
		t.Error("the newest client has taken the place of one that had just come")
	}
}
