package flow

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"
)

// loadLike is a gate as servers have it, with the given seats, and what its listener heard.
func loadLike(t *testing.T, seats int) (g *Gate, heard *[]string) {
	conf := Defaults(seats, 0)
	heard = new([]string)
	name := func(class int) string { return conf.Classes[class].Name }
	g, err := New(conf, Listener{
		Arrived: func(c int) { *heard = append(*heard, name(c)+" arrived") },
		Started: func(c int, waited time.Duration) {
			*heard = append(*heard, fmt.Sprint(name(c), " started after ", waited))
		},
		Done: func(c int, took time.Duration, r Result) {
			*heard = append(*heard, fmt.Sprint(name(c), " ", r, " after ", took))
		},
		Freed: func(c int, held time.Duration) { *heard = append(*heard, fmt.Sprint(name(c), " freed after ", held)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, heard
}

func cold(client string) Request {
	return Request{Class: Fast, Client: client, Need: Amounts{CPU: 1, Bytes: 1 << 20, IO: 1}, Share: "load " + client}
}

// loads is what goes on behind calls: a load needs no seat at the disk, where its call may.
var loads = Amounts{CPU: 1, Bytes: math.MaxInt64}

// TestBehind: what a call leaves behind keeps its seat and its bytes until it has stopped,
// in the class behind; calls for the same come in under it, however full the gate is.
func TestBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, heard := loadLike(t, 2)
		p, err := g.Acquire(t.Context(), cold("a"))
		if err != nil {
			t.Fatal(err)
		}
		h, goesOn := p.Keep(Background, loads, func() { t.Error("there is room, and it is told to stop") })
		if h == nil || !goesOn {
			t.Fatal("it may not go on")
		}
		time.Sleep(5 * time.Millisecond)
		p.Done(OK)
		s := g.Stats()
		if s.Classes[Fast].InFlight != 0 || s.Classes[Background].InFlight != 1 || s.Resources[CPU].Used != 1 || s.Resources[Bytes].Used != 1<<20 || s.Resources[IO].Used != 0 {
			t.Errorf("the load goes on in %+v, %+v", s.Classes, s.Resources)
		}
		// All seats are taken; whoever wants what is being loaded does not wait for one.
		other, err := g.Acquire(t.Context(), Request{Class: Fast, Client: "b", Need: Amounts{CPU: 1}})
		if err != nil {
			t.Fatal(err)
		}
		again, err := g.Acquire(t.Context(), cold("a"))
		if err != nil || again.Waited() != 0 {
			t.Fatalf("a call for what is being loaded waits for %v: %v", again.Waited(), err)
		}
		if used := g.Stats().Resources[CPU].Used; used != 2 {
			t.Errorf("%d seats are taken by a load with a call for it, and another call", used)
		}
		other.Done(OK)
		time.Sleep(time.Second)
		h.Release(OK)
		if used := g.Stats().Resources[CPU].Used; used != 1 {
			t.Errorf("the load has ended, a call is under its permit, and %d seats are taken", used)
		}
		again.Done(OK)
		nothingLeft(t, g)
		const want = "[fast arrived fast started after 0s fast freed after 5ms background arrived background started after 0s fast ok after 5ms" +
			" fast arrived fast started after 0s fast arrived fast started after 0s fast freed after 0s fast ok after 0s" +
			" background freed after 1s background ok after 1s fast ok after 1s]"
		if got := fmt.Sprint(*heard); got != want {
			t.Errorf("heard %s\nwant  %s", got, want)
		}
	})
}

// TestBehindNoRoom: however many calls leave something behind, no more seats are taken than
// there are beside the buffer; what has no room is told to stop, and its seat is free when
// it has.
func TestBehindNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := loadLike(t, 4)
		told := 0
		var holds []*Hold
		for i := range 20 {
			p, err := g.Acquire(t.Context(), cold(fmt.Sprint("client ", i)))
			if err != nil {
				t.Fatal(err)
			}
			stopped := false
			h, _ := p.Keep(Background, loads, func() { stopped = true; told++ })
			time.Sleep(20 * time.Millisecond)
			p.Done(OK)
			if used := g.Stats().Resources[CPU].Used; used > 4 {
				t.Errorf("%d of 4 seats are taken", used)
			}
			if stopped {
				h.Release(Cancelled)
			} else {
				holds = append(holds, h)
			}
		}
		if s := g.Stats(); s.Resources[CPU].Used != 3 || s.Classes[Background].InFlight != 3 || told != 17 || s.Revoked != 17 {
			t.Errorf("%d seats are taken, %d loads go on, %d were told to stop, %d are counted; want 3, 3, 17 and 17", s.Resources[CPU].Used, s.Classes[Background].InFlight, told, s.Revoked)
		}
		for _, h := range holds {
			h.Release(OK)
		}
		nothingLeft(t, g)
	})
}

// TestBehindDrain: a gate that drains tells what goes on behind calls to stop, and lets
// nothing begin to.
func TestBehindDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := loadLike(t, 2)
		told := 0
		revoke := func() { told++ }
		p, _ := g.Acquire(t.Context(), cold("a"))
		h, _ := p.Keep(Background, loads, revoke)
		p.Done(OK)
		q, _ := g.Acquire(t.Context(), cold("b"))
		g.Drain(false)
		late, goesOn := q.Keep(Background, loads, revoke)
		q.Done(OK)
		if n := g.Stats().Revoked; told != 1 || n != 1 || goesOn {
			t.Errorf("%d were told to stop, %d are counted, one that came later goes on: %v", told, n, goesOn)
		}
		h.Release(Cancelled)
		late.Release(OK)
		nothingLeft(t, g)
		var none *Hold
		none.Release(OK)
		if none.Again() != nil {
			t.Error("nothing keeps something")
		}
		if h, _ := (Permit{}).Keep(Background, loads, nil); h != nil {
			t.Error("no permit keeps something")
		}
		if PermitOf(t.Context()) != (Permit{}) || PermitOf(WithPermit(t.Context(), p)) != p {
			t.Error("a context does not carry its permit")
		}
	})
}
