//go:build lockcheck

package lock

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// graph is who holds and who waits for what. It is one for the process, since goroutines and
// locks are; there is none in a normal build.
var graph = struct {
	mu         sync.Mutex
	goroutines map[int64]*goroutine // that hold or wait for something
	violation  func(report string)  // crash, but in tests
}{goroutines: make(map[int64]*goroutine), violation: crash}

// crash ends the program with the report. A panic here might be recovered by a server that
// answers for the panics of its handlers, and then nobody would hear of it.
func crash(report string) {
	go func() { panic(report) }()
	select {}
}

// node is a lock in the graph.
type node struct {
	holders []*goroutine // one, or many readers; guarded by graph.mu
}

// goroutine is one that holds or waits for locks.
type goroutine struct {
	id   int64
	held []held
	next held // what it wants, or waits for
	wait bool
}

// held is a lock, and where it was taken.
type held struct {
	node  *node
	rank  Rank
	stack []uintptr
}

// claim is a goroutine about to take a lock.
type claim struct{ *goroutine }

// enter notes that the running goroutine takes a lock, and looks at the order if it may wait
// for it.
func enter(n *node, r Rank, waits bool) claim {
	id := goid()
	stack := make([]uintptr, 24)
	stack = stack[:runtime.Callers(3, stack)] // without enter and Lock
	graph.mu.Lock()
	g := graph.goroutines[id]
	if g == nil {
		g = &goroutine{id: id}
		graph.goroutines[id] = g
	}
	g.next = held{n, r, stack}
	report := ""
	if number, name := r.place(); waits && number > 0 {
		for _, h := range g.held {
			if before, other := h.rank.place(); before >= number {
				report = fmt.Sprintf("lock: %s (%d) is taken by who holds %s (%d)\n\n%s is taken here:\n%s\n%s was taken here:\n%s",
					name, number, other, before, name, frames(stack), other, frames(h.stack))
				break
			}
		}
	}
	graph.mu.Unlock()
	if report != "" {
		graph.violation(report)
	}
	return claim{g}
}

// wait notes that the lock is not free, and looks whether it ever will be.
func (c claim) wait() {
	graph.mu.Lock()
	c.goroutine.wait = true
	report := ""
	if cycle := c.cycle(); cycle != nil {
		report = "lock: a deadlock\n\n"
		for _, g := range cycle {
			report += g.String()
		}
		c.goroutine.wait, c.next = false, held{} // it does not, once it has crashed
	}
	graph.mu.Unlock()
	if report != "" {
		graph.violation(report)
	}
}

// cycle gives the goroutines that wait for each other, from this one on; nil if it does not
// wait for itself in the end. Whoever closes a cycle is the last to wait, so that it is found.
func (c claim) cycle() []*goroutine {
	seen := make(map[*goroutine]bool)
	var path []*goroutine
	var visit func(g *goroutine) bool
	visit = func(g *goroutine) bool {
		if seen[g] || !g.wait {
			return false
		}
		seen[g] = true
		path = append(path, g)
		for _, holder := range g.next.node.holders {
			if holder == c.goroutine || visit(holder) {
				return true
			}
		}
		path = path[:len(path)-1]
		return false
	}
	if visit(c.goroutine) {
		return path
	}
	return nil
}

// hold notes that the lock has been taken.
func (c claim) hold() {
	graph.mu.Lock()
	defer graph.mu.Unlock()
	g := c.goroutine
	g.held = append(g.held, g.next)
	g.next.node.holders = append(g.next.node.holders, g)
	g.wait, g.next = false, held{}
}

// leave notes that a lock is given back: by the goroutine that took it, or for it by another.
func leave(n *node) {
	id := goid()
	graph.mu.Lock()
	defer graph.mu.Unlock()
	i := slices.IndexFunc(n.holders, func(g *goroutine) bool { return g.id == id })
	if i < 0 {
		i = 0
	}
	if len(n.holders) == 0 {
		return // it is not locked; the mutex will say so
	}
	g := n.holders[i]
	n.holders = slices.Delete(n.holders, i, i+1)
	if i := slices.IndexFunc(g.held, func(h held) bool { return h.node == n }); i >= 0 {
		g.held = slices.Delete(g.held, i, i+1)
	}
	if len(g.held) == 0 && g.next.node == nil {
		delete(graph.goroutines, g.id)
	}
}

// Report tells who holds and who waits for which lock at this moment, and where.
func Report() string {
	graph.mu.Lock()
	defer graph.mu.Unlock()
	ids := make([]int64, 0, len(graph.goroutines))
	for id := range graph.goroutines {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(graph.goroutines[id].String())
	}
	return b.String()
}

func (g *goroutine) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "goroutine %d\n", g.id)
	for _, h := range g.held {
		_, name := h.rank.place()
		fmt.Fprintf(&b, "  holds %s %p, taken here:\n%s", name, h.node, frames(h.stack))
	}
	if g.wait {
		_, name := g.next.rank.place()
		fmt.Fprintf(&b, "  waits for %s %p here:\n%s", name, g.next.node, frames(g.next.stack))
	}
	return b.String()
}

func frames(stack []uintptr) string {
	var b strings.Builder
	all := runtime.CallersFrames(stack)
	for {
		f, more := all.Next()
		fmt.Fprintf(&b, "    %s\n      %s:%d\n", f.Function, f.File, f.Line)
		if !more {
			return b.String()
		}
	}
}

// goid gives the number of the running goroutine, from the first line of its stack: there is
// no other way to it.
func goid() int64 {
	buf := make([]byte, 64)
	buf = buf[:runtime.Stack(buf, false)]
	text, _, _ := bytes.Cut(bytes.TrimPrefix(buf, []byte("goroutine ")), []byte(" "))
	id, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "lock: no number in", string(buf))
	}
	return id
}
