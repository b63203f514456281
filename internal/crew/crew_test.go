package crew

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// TestPanicOfOne: whoever waits has the panic of a member, once all have returned.
func TestPanicOfOne(t *testing.T) {
	var c Crew
	var returned atomic.Int32
	for i := range 8 {
		c.Go(func() {
			defer returned.Add(1)
			if i == 3 {
				_ = make([]int, i)[i]
			}
		})
	}
	defer func() {
		p, ok := recover().(*Panic)
		if !ok || returned.Load() != 8 {
			t.Fatalf("%v, after %d of 8", p, returned.Load())
		}
		if s := p.Error(); !strings.Contains(s, "out of range") || !strings.Contains(s, "crew_test.go") {
			t.Errorf("it does not say what and where: %s", s)
		}
	}()
	c.Wait()
	t.Error("nobody was told")
}

func TestNoPanic(t *testing.T) {
	var c Crew
	var n atomic.Int32
	for range 8 {
		c.Go(func() { n.Add(1) })
	}
	if c.Wait(); n.Load() != 8 {
		t.Errorf("%d of 8 have returned", n.Load())
	}
}

func TestCall(t *testing.T) {
	wrong := errors.New("wrong")
	if err := Call(func() error { return wrong }); err != wrong {
		t.Errorf("an error became %v", err)
	}
	if err := Call(func() error { return nil }); err != nil {
		t.Errorf("none became %v", err)
	}
	var p *Panic
	if err := Call(func() error { panic("over") }); !errors.As(err, &p) || p.Value != "over" {
		t.Errorf("a panic became %v", err)
	}
}

// TestRecovered: a panic that comes by way of a crew is told as it was, with its own stack.
func TestRecovered(t *testing.T) {
	var inner Crew
	inner.Go(func() { panic(io.ErrUnexpectedEOF) })
	err := Call(func() error { inner.Wait(); return nil })
	if !errors.Is(err, io.ErrUnexpectedEOF) || !inner.Broken() {
		t.Fatalf("got %v", err)
	}
	if p := Recovered(err); p != err || strings.Contains(string(p.Stack), "(*Crew).Wait") {
		t.Errorf("the stack is not that of the member:\n%s", p.Stack)
	}
	if p := Recovered("other"); p.Value != "other" || len(p.Stack) == 0 {
		t.Errorf("got %v", p)
	}
}
