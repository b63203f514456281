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
	Tool    string
	Class   int // NoClass where it was refused before one was chosen
	Client  string
	Weight  int64 // of the client; 0 where it is not known
	Ran     bool  // it was let in
	Waited  time.Duration
	Service time.Duration // 0 unless it ran
	Outcome string
}

// NoClass is the class of a call that was refused before one was chosen.
const NoClass = -1

const (
	// callsKept is how many calls are remembered of each class. The calls of one class do
	// not push out those of another: a slow one is still there after a thousand fast ones.
	callsKept = 256
	// clientsKept is how many clients are told apart.
	clientsKept = 64
	// halfLife is how long it takes until what a client used counts half.
	halfLife = time.Minute
)

// calls remembers the latest calls and the clients that used most. What it takes is
// bounded, and adding to it allocates nothing. It has no lock.
type calls struct {
	classes [][]endedCall // by class, rings
	next    []int         // by class, the place of the next call
	clients map[string]*client
	spare   [clientsKept]client
	halved  time.Duration
	salt    [16]byte
}

type endedCall struct {
	Call
	at time.Duration
}

// client is what a client used, in seconds, halved every halfLife. Where more clients call
// than are told apart, a new one takes the place of the one of lowest rank, and its rank
// too, so that it is not the next to go: none that uses much is missed for long (after A.
// Metwally, D. Agrawal, A. El Abbadi: Efficient Computation of Frequent and Top-k Elements
// in Data Streams, ICDT 2005).
type client struct {
	name           string
	weight         int64
	calls, refused float64
	served, waited float64
	rank           float64 // what it used, and the rank that it began with
}

func newCalls(classes int) *calls {
	c := &calls{classes: make([][]endedCall, classes), next: make([]int, classes), clients: make(map[string]*client, clientsKept)}
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
	u := c.client(call.Client)
	if call.Weight > 0 {
		u.weight = call.Weight
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
			clear(c.clients)
			return
		}
		for _, u := range c.clients {
			u.calls, u.refused, u.served, u.waited, u.rank = u.calls/2, u.refused/2, u.served/2, u.waited/2, u.rank/2
		}
	}
}

func (c *calls) client(name string) *client {
	if u := c.clients[name]; u != nil {
		return u
	}
	if n := len(c.clients); n < clientsKept {
		u := &c.spare[n]
		*u = client{name: name}
		c.clients[name] = u
		return u
	}
	least := &c.spare[0]
	for i := range c.spare {
		if c.spare[i].rank < least.rank {
			least = &c.spare[i]
		}
	}
	delete(c.clients, least.name)
	*least = client{name: name, rank: least.rank}
	c.clients[name] = least
	return least
}

// present gives the clients that are told apart, in no order.
func (c *calls) present() []client {
	list := make([]client, 0, len(c.clients))
	for _, u := range c.clients {
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
		return cmp.Or(cmp.Compare(key(&b), key(&a)), cmp.Compare(a.name, b.name))
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
