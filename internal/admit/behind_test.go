package admit

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow"
	"gridflow/internal/lazy"
)

// TestJobs: what no call has asked for waits until there is a seat, in the class background.
func TestJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs Jobs
		_, end, err := jobs.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		end() // before there is a gate all may begin

		gate, err := flow.New(flow.Defaults(2, 0), flow.Listener{})
		if err != nil {
			t.Fatal(err)
		}
		jobs.Use(gate)
		call := func(class int) flow.Permit {
			p, err := gate.Acquire(t.Context(), flow.Request{Class: class, Client: "a", Need: flow.Amounts{flow.CPU: 1}})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		one, two := call(flow.Slow), call(flow.Slow)
		time.AfterFunc(3*time.Second, func() { one.Done(flow.OK) })
		start := time.Now()
		under, end, err := jobs.Begin(t.Context())
		if err != nil || time.Since(start) != 3*time.Second {
			t.Fatalf("a job began after %v: %v", time.Since(start), err)
		}
		s := gate.Stats()
		if s.Classes[flow.Background].InFlight != 1 || s.Resources[flow.IO].Used != 1 || flow.PermitOf(under) == (flow.Permit{}) {
			t.Errorf("a job runs in %+v with %+v", s.Classes, s.Resources)
		}
		end()
		if under, end, err = jobs.Calculate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := gate.Stats(); s.Resources[flow.Recalc].Used != 1 || s.Resources[flow.IO].Used != 0 || flow.PermitOf(under) == (flow.Permit{}) {
			t.Errorf("a calculation has %+v", s.Resources)
		}
		end()
		two.Done(flow.OK)

		gate.Drain(false)
		var r *flow.Refusal
		if _, _, err := jobs.Begin(t.Context()); !errors.As(err, &r) || r.Code != flow.CodeDraining {
			t.Errorf("while the gate drains: %v", err)
		}
	})
}

// TestUnder: a load that a call begins has the call's seat until it has stopped; when the
// call has its answer it is one of the class background, or it stops.
func TestUnder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, err := flow.New(flow.Defaults(2, 0), flow.Listener{})
		if err != nil {
			t.Fatal(err)
		}
		used := func() int64 { return gate.Stats().Resources[flow.CPU].Used }
		// begin is a call of a client that takes a part of a load, which goes on until more
		// is closed.
		begin := func(client string, more chan struct{}, stopped *bool) {
			p, err := gate.Acquire(t.Context(), flow.Request{Class: flow.Fast, Client: client, Need: flow.Amounts{flow.CPU: 1, flow.Bytes: 1 << 20}})
			if err != nil {
				t.Fatal(err)
			}
			var load lazy.Load[int]
			part, err := load.Wait(Under(flow.WithPermit(t.Context(), p)), 1, func(ctx context.Context, p *lazy.Publisher[int]) (int, error) {
				p.Publish(1, 1)
				select {
				case <-more:
					return 2, nil
				case <-ctx.Done():
					*stopped = true
					return 0, ctx.Err()
				}
			})
			if part != 1 || err != nil {
				t.Fatal(part, err)
			}
			p.Done(flow.OK)
			synctest.Wait()
		}
		var stopped [2]bool
		more := make(chan struct{})
		begin("a", more, &stopped[0])
		if s := gate.Stats(); s.Classes[flow.Background].InFlight != 1 || s.Classes[flow.Fast].InFlight != 0 || stopped[0] || used() != 1 {
			t.Errorf("the load goes on in %+v, stopped: %v, %d seats", s.Classes, stopped[0], used())
		}
		begin("b", more, &stopped[1])
		if !stopped[1] || used() != 1 {
			t.Errorf("a second load, for which only the buffer is left: stopped %v, %d seats", stopped[1], used())
		}
		close(more)
		synctest.Wait()
		if stopped[0] || used() != 0 {
			t.Errorf("at the end: stopped %v, %d seats", stopped[0], used())
		}
	})
}

// TestUnderNothing: a load that is begun with the context of a call that has ended has nothing to go on with: it stops when who
// waits for it has been served.
func TestUnderNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, err := flow.New(flow.Defaults(2, 0), flow.Listener{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := gate.Acquire(t.Context(), flow.Request{Class: flow.Fast, Client: "a", Need: flow.Amounts{flow.CPU: 1, flow.Bytes: 1 << 20}})
		if err != nil {
			t.Fatal(err)
		}
		under := Under(flow.WithPermit(t.Context(), p))
		p.Done(flow.OK)
		var load lazy.Load[int]
		stopped := make(chan struct{})
		part, err := load.Wait(under, 1, func(ctx context.Context, p *lazy.Publisher[int]) (int, error) {
			p.Publish(1, 1)
			<-ctx.Done()
			close(stopped)
			return 0, ctx.Err()
		})
		if part != 1 || err != nil {
			t.Fatal(part, err)
		}
		synctest.Wait()
		select {
		case <-stopped:
		default:
			t.Error("it goes on without a seat")
		}
		if n := gate.Stats().InFlight; n != 0 {
			t.Errorf("%d are in flight", n)
		}
	})
}

// TestRest: a long calculation that nobody waits for gives its seats to a call that waits, and has
// them again afterwards; where nobody waits it keeps them.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var jobs Jobs
		jobs.Rest(t.Context()) // of no job: nothing happens
		gate, err := flow.New(flow.Defaults(2, 0), flow.Listener{})
		if err != nil {
			t.Fatal(err)
		}
		jobs.Use(gate)
		ctx, cancel := context.WithCancel(t.Context())
		under, end, err := jobs.Calculate(ctx)
		if err != nil {
			t.Fatal(err)
		}
		jobs.Rest(under)
		if s := gate.Stats(); s.Classes[flow.Background].InFlight != 1 {
			t.Fatalf("a job that nobody waits for has %+v", s.Classes)
		}
		began := make(chan time.Time, 2)
		for range 2 { // one after the other: one of the seats is kept for short calls
			go func() {
				p, err := gate.Acquire(t.Context(), flow.Request{Class: flow.Medium, Client: "a", Need: flow.Amounts{flow.CPU: 1}})
				if err != nil {
					t.Error(err)
					return
				}
				began <- time.Now()
				time.Sleep(time.Second)
				p.Done(flow.OK)
			}()
		}
		synctest.Wait()
		start := time.Now()
		for range 3 {
			jobs.Rest(under)
		}
		if took := time.Since(start); took < time.Second || took > 3*time.Second {
			t.Errorf("the job rested for %v", took)
		}
		if first := <-began; first.Sub(start) > 0 {
			t.Errorf("the call began %v after it could", first.Sub(start))
		}
		if s := gate.Stats(); s.Classes[flow.Background].InFlight != 1 || s.Resources[flow.Recalc].Used != 1 {
			t.Errorf("after its rest the job has %+v, %+v", s.Classes, s.Resources)
		}
		time.Sleep(5 * time.Second)
		ended := make(chan struct{})
		go func() { // waits while the job is cancelled
			p, err := gate.Acquire(t.Context(), flow.Request{Class: flow.Medium, Client: "a", Need: flow.Amounts{flow.CPU: 1}})
			if err == nil {
				<-ended
				p.Done(flow.OK)
			}
		}()
		synctest.Wait()
		time.AfterFunc(time.Second, cancel)
		jobs.Rest(under)
		end()
		close(ended)
		synctest.Wait()
		if s := gate.Stats(); s.Classes[flow.Background].InFlight != 0 || s.Resources[flow.Recalc].Used != 0 {
			t.Errorf("a job that was cancelled while it rested has %+v", s.Resources)
		}
	})
}
