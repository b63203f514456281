package crew_test

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"gridflow/internal/crew"
)

func TestWaitPanics(t *testing.T) {
	var c crew.Crew
	var done atomic.Int32
	for i := range 20 {
		c.Go(func() {
			if i == 7 {
				panic(io.ErrUnexpectedEOF)
			}
			done.Add(1)
		})
	}
	err := crew.Protected(func() error { c.Wait(); return nil })
	var p *crew.Panic
	if !errors.As(err, &p) || !errors.Is(err, io.ErrUnexpectedEOF) || !c.Broken() {
		t.Fatalf("got %v, want the panic of the part", err)
	}
	if !strings.Contains(string(p.Stack), "TestWaitPanics") || strings.Contains(string(p.Stack), "crew.(*Crew).Wait") {
		t.Errorf("the stack is not that of the part:\n%s", p.Stack)
	}
	if done.Load() != 19 {
		t.Errorf("%d of 19 others have done their parts", done.Load())
	}
}

func TestWell(t *testing.T) {
	var c crew.Crew
	var done atomic.Int32
	c.Go(func() { c.Go(func() { done.Add(1) }); done.Add(1) })
	c.Wait()
	if done.Load() != 2 || c.Broken() {
		t.Errorf("%d of 2 parts, broken %v", done.Load(), c.Broken())
	}
	want := errors.New("as it is")
	if err := crew.Protected(func() error { return want }); err != want {
		t.Error(err)
	}
}
