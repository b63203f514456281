// Package kernel decides which of many waiting requests runs next, and which never
// will. It is a pure state machine: an event and the time go in, decisions come out.
// It has no goroutine, no clock and no lock, so that the code that schedules calls in
// a server is the same that a simulation drives through a million clients and a test
// through every order of events. Package flow puts it in front of goroutines.
//
// The principal types: a [Kernel] holds the state, a [Ticket] is one request in it, a
// [Config] names the classes and resources, a [Decision] says what became of a ticket.
// One caller at a time: whoever calls serialises.
//
// # The algorithm
//
// Requests wait in four levels. A request belongs to a class (fast, slow, …); within it to
// a flow: the requests of one client; and within that to a part: whom the client tells
// apart, such as the programs of a machine. Requests of one part start in the order of their
// arrival, or in that of somebody who lets kinds of work take turns ([Kernel.Order]): it is
// asked when it is the part's turn, so that nobody else notices. Between the parts of a flow, the flows of a class, and between classes,
// start-time fair queuing decides (P. Goyal, H. Vin, H. Cheng: Start-time Fair Queuing,
// SIGCOMM 1996; one such queue within another is in the same paper): each flow has a tag,
// the virtual time at which its next request may start; the smallest tag goes first; a start
// moves the tag on by cost/weight; the virtual time of a class is the tag of what started
// last; a flow that comes out of idleness begins at the virtual time, so that nobody saves
// up. Classes have tags of their own, by the same rule, and so have the parts of a flow, in
// its virtual time.
//
// A flow is who can be held to account; a part is what it says of itself. So all that limits
// is of the flow: its share and its weight, the bound of its queue, its token bucket, its
// place in the buffer. Parts only share what their flow has, its tokens too: a client that
// makes up a new name for each call takes from its own others, and from nobody else.
//
// The cost is service time. What a request will take is not known when it starts, so its
// predicted cost is charged then, and when it is done the difference to what it took is
// charged to the same flow and class (as in the API priority and fairness of Kubernetes).
// A client whose calls are dearer than they looked pays for it with its next ones, also
// when it had gone idle in between: a flow that owes is remembered until virtual time has
// caught up with it.
//
// Our case differs from the paper's in three ways. There are many servers: a request
// takes seats of several resources at once, all or none, so that no request holds one
// while it waits for another. The head of a flow that does not fit waits beside the
// others of its class while smaller ones pass it.
// And what passes is bounded: see Ageing.
//
// # Bounds
//
// Let D requests run at once, and let two flows of a class have requests waiting for some
// stretch of time. What they are given in it, by weight, differs by no more than
// (D+1)·(c₁/w₁ + c₂/w₂), where c is what the dearest request of each takes (W. Jin, J.
// Chase, J. Kaur: Interposed Proportional Sharing, SIGMETRICS 2004) — if costs are known.
// If not, let c be the most that one takes or was expected to take; then it is
// 2·D·max(c₁/w₁, c₂/w₂). For when a request of flow 1 starts, its tag is no larger than
// that of flow 2. Until flow 2 is next, flow 1 can be ahead by what its requests that run
// by then take, and by what was charged too much for those of flow 2 that run by then: D
// requests in all. Before, flow 2 can have been ahead by as much.
//
// Every queue is bounded: by flow, by class and in all. A class that is full takes a new
// request only from a flow with fewer waiting than the fattest one, of whose fattest part the
// newest gives way. A flow that is full, or is the fattest of a full class, takes one of a
// part with fewer waiting than its own fattest, in the same manner. When all queues together
// are full, the class with the most waiting by its weight gives way to the others in the same
// manner.
//
// A request leaves the queue unserved when it is cancelled, when it has waited for WaitMax,
// when it has not started by the time it had to, or when the queue stands and the request
// has waited for longer than Target when its turn comes. That an overloaded server does
// not answer everybody just too late is due to WaitMax; that its answers come soon is due
// to Target. A queue stands if more than a tenth of the requests of late have been lost,
// that is, dropped for one of these reasons or refused because the queue was full: what
// must be lost may as well be lost early. The age of what waits, by which others judge (K.
// Nichols, V. Jacobson: Controlling Queue Delay, ACM Queue 2012), tells less here. At its
// very capacity a server has long queues that it will master, and where flows take turns
// there is always somebody whose requests are old.
//
// # When there are too many to tell apart
//
// A class remembers FlowsMax flows, and as many parts, of which a flow has no more than
// PartsMax; those that are idle and owe nothing are forgotten when their place is wanted. A
// client that comes while all of them have something to do, or owe something, has no flow
// of its own. It shares one with others: there are SharedFlows of them, each key is dealt
// the same hand of four of these every time, and a request goes to the one of the hand with
// the fewest waiting (shuffle sharding, as in the API priority and fairness of Kubernetes).
// In such a flow each client is a part, so that they are fair to each other. What it costs:
// all in one shared flow together get the share of one client, and its queue is bounded as
// one client's is. What it does not: of those who were there before nobody gets less than
// their share among FlowsMax + SharedFlows. And two clients with different hands, as nearly
// all are, have another way to go when one of their flows is crowded. Parts beyond PartsMax
// are dealt to SharedParts parts of their own flow by the same rule, and no other flow
// notices.
//
// # Ageing
//
// When a class has requests waiting and has started none for AgeMax, the part that is next
// in it gets a claim; so does a part that is next in its class, or in its flow, while others
// have started there for AgeMax, because it needs more than they do. Who has the claim goes
// first, with its oldest request, and until all that this needs is there nobody else takes of
// it. There is one claim at a time, so claims cannot wait for each other. A claim has its
// price: what is free stays so until enough of what runs has ended.
//
// # Work left behind
//
// A request may be answered while work that it began goes on: the rest of a sheet whose first
// rows were asked for. That work has its seats, and to make it queue for others while it holds
// these could be to wait for itself. So it is handed over ([Kernel.HandOver]): the request
// ends and is charged, and another of its client starts in a class behind, with what the
// first held, at once or not at all. It gets what it could get if it came alone, but
// nothing of the buffer, which it would keep for longer than is borrowed, and nothing that
// somebody has a claim to. It passes those who wait in its class, for
// it takes nothing that was free, and virtual time stays where it is for them, in the class
// and in the flow; the flow and the part pay, and a claim ends it.
//
// # The buffer
//
// Part of a resource may be set aside as a buffer: only requests of buffered classes take
// it, so that a short call finds a seat while long ones run. When no request of a buffered
// class has arrived for BufferIdle, others may borrow the buffer, and no seat stays empty.
// What is borrowed is not waited for: a request of a buffered class that comes then takes
// its seat all the same, and until the borrower is done up to Buffer more is taken than
// there is. And whatever has run for longer than ShortMax does not count as short any
// more: what was taken for a short call and is a long one gives its place in the buffer to
// the next, but not to one of a part that has as much running already, nor to one of such a
// flow while there are others, nor while that would keep out somebody whose turn it is: short
// calls that all turn out long have no more than the share of their class. So a resource with
// a buffer has to be one that can be shared for a while, as processors can.
package kernel
