package obs

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// A Call is what became of one call.
type Call struct {
	Tool       string
	Class      int // NoClass where it was refused before one was chosen
	Client     string
	Part       string // of the client; "" where it tells nobody apart
	Weight     int64  // of the client; 0 where it is not known
	PartWeight int64  // the same of the part
	Ran        bool   // it was let in
	Waited     time.Duration
	Service    time.Duration // 0 unless it ran
	Outcome    string
}

// NoClass is the class of a call that was refused before one was chosen.
const NoClass = -1

const (
	// callsKept is how many calls are remembered of each class. The calls of one class do
	// not push out those of another: a slow one is still there after a thousand fast ones.
	callsKept = 256
	// clientsKept is how many clients are told apart, and how many parts of clients.
	clientsKept = 64
	// halfLife is how long it takes until what a client used counts half.
	halfLife = time.Minute
)

// calls remembers the latest calls and the clients that used most. What it takes is
// bounded, and adding to it allocates nothing. It has no lock.
type calls struct {
	classes [][]endedCall // by class, rings
	next    []int         // by class, the place of the next call
	clients ranking
	parts   ranking // of clients, so that many of one push no client out
	halved  time.Duration
	salt    [16]byte
}

type endedCall struct {
	Call
	at time.Duration
}

// ranking is the clients, or parts, that used most.
type ranking struct {
	by    map[who]*client
	spare [clientsKept]client
}

type who struct{ name, part string }

// client is what a client, or a part of one, used, in seconds, halved every halfLife. Where more clients call
// than are told apart, a new one takes the place of the one of lowest rank, and its rank
// too, so that it is not the next to go: none that uses much is missed for long (after A.
// Metwally, D. Agrawal, A. El Abbadi: Efficient Computation of Frequent and Top-k Elements
// in Data Streams, ICDT 2005).
type client struct {
	who
	weight         int64
	calls, refused float64
	served, waited float64
	rank           float64 // what it used, and the rank that it began with
}

func newCalls(classes int) *calls {
	c := &calls{classes: make([][]endedCall, classes), next: make([]int, classes)}
	c.clients.by = make(map[who]*client, clientsKept)
	c.parts.by = make(map[who]*client, clientsKept)
	rand.Read(c.salt[:])
	return c
}

// add takes in a call that has ended.
func (c *calls) add(now time.Duration, call Call) {
	if i := call.Class; i >= 0 && i < len(c.classes) {
		if ring := c.classes[i]; len(ring) < callsKept {
			if ring == nil {
				ring = make([]endedCall, 0, callsKept)
			}
			c.classes[i] = append(ring, endedCall{call, now})
		} else {
			ring[c.next[i]] = endedCall{call, now}
			c.next[i] = (c.next[i] + 1) % callsKept
		}
	}
	c.halve(now)
	c.clients.add(who{call.Client, ""}, call.Weight, &call)
	if call.Part != "" {
		c.parts.add(who{call.Client, call.Part}, call.PartWeight, &call)
	}
}

func (r *ranking) add(w who, weight int64, call *Call) {
	u := r.client(w)
	if weight > 0 {
		u.weight = weight
	}
	u.calls++
	if !call.Ran {
		u.refused++
	}
	u.served += call.Service.Seconds()
	u.waited += call.Waited.Seconds()
	u.rank += (call.Service + call.Waited).Seconds()
}

// halve lets what was used long ago count less.
func (c *calls) halve(now time.Duration) {
	for ; now-c.halved >= halfLife; c.halved += halfLife {
		if now-c.halved > 40*halfLife { // nothing is left
			c.halved = now
			clear(c.clients.by)
			clear(c.parts.by)
			return
		}
		c.clients.halve()
		c.parts.halve()
	}
}

func (r *ranking) halve() {
	for _, u := range r.by {
		u.calls, u.refused, u.served, u.waited, u.rank = u.calls/2, u.refused/2, u.served/2, u.waited/2, u.rank/2
	}
}

func (r *ranking) client(w who) *client {
	if u := r.by[w]; u != nil {
		return u
	}
	if n := len(r.by); n < clientsKept {
		u := &r.spare[n]
		*u = client{who: w}
		r.by[w] = u
		return u
	}
	least := &r.spare[0]
	for i := range r.spare {
		if r.spare[i].rank < least.rank {
			least = &r.spare[i]
		}
	}
	delete(r.by, least.who)
	*least = client{who: w, rank: least.rank}
	r.by[w] = least
	return least
}

// present gives those that are told apart, in no order.
func (r *ranking) present() []client {
	list := make([]client, 0, len(r.by))
	for _, u := range r.by {
		list = append(list, *u)
	}
	return list
}

// latest gives the calls of all classes that ended last, the latest first.
func latest(classes [][]endedCall, n int) []endedCall {
	all := slices.Concat(classes...)
	slices.SortStableFunc(all, func(a, b endedCall) int { return cmp.Compare(b.at, a.at) })
	return all[:min(n, len(all))]
}

// top gives the clients by what key says, the largest first, without those for which it
// says nothing.
func top(clients []client, n int, key func(*client) float64) []client {
	list := slices.DeleteFunc(slices.Clone(clients), func(u client) bool { return key(&u) <= 0 })
	slices.SortFunc(list, func(a, b client) int {
		return cmp.Or(cmp.Compare(key(&b), key(&a)), cmp.Compare(a.name, b.name), cmp.Compare(a.part, b.part))
	})
	return list[:min(n, len(list))]
}

// alias names a client without giving away who it is: the id of a session is as good as a
// password over HTTP, and users are nobody's business. The same client has the same alias
// for as long as the process lives.
func (c *calls) alias(name string) string {
	kind, id, ok := strings.Cut(name, " ")
	if !ok {
		return name // it is of our own making, such as "stdio"
	}
	sum := sha256.Sum256(append(c.salt[:len(c.salt):len(c.salt)], id...))
	return kind + " " + hex.EncodeToString(sum[:4])
}

// aliases names who made a call: the client, and the part of it if there is one.
func (c *calls) aliases(w who) string {
	if w.part == "" {
		return c.alias(w.name)
	}
	return c.alias(w.name) + " / " + c.alias(w.part)
}
