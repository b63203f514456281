package eval_test

import (
	"testing"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/plain"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// TestStops: what the evaluator itself does to the elements of an array asks now and then whether the
// calculation is to end, and ends then. Questions are counted, not time.
func TestStops(t *testing.T) {
	b := plain.New("S")
	run := func(text string, limit int) (polls int) {
		t.Helper()
		tree, err := formula.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		m := eval.NewMachine(b)
		m.Stopped = func() bool { polls++; return polls > limit }
		m.Run(eval.Compile(b, tree, 0, cell.Ref{}), 0, cell.Ref{}, true)
		return polls
	}
	const none = 1 << 40
	for _, c := range []struct{ with, without string }{
		{"ROWS(-SEQUENCE(16384,4))", "ROWS(SEQUENCE(16384,4))"},
		{"ROWS(SEQUENCE(16384,4)%)", "ROWS(SEQUENCE(16384,4))"},
		{"ROWS(SEQUENCE(16384,4)+1)", "ROWS(SEQUENCE(16384,4))"},
		{"ROWS(1&SEQUENCE(16384,4))", "ROWS(SEQUENCE(16384,4))"},
		{"EXPAND(1,16384,4,)", "1"}, // blanks become 0
	} {
		with, without := run(c.with, none), run(c.without, none)
		if with-without < 16384*4/4096-1 {
			t.Errorf("%s asks %d times more than %s", c.with, with-without, c.without)
		}
		if polls := run(c.with, without); polls-without > 8 {
			t.Errorf("%s, told to stop, asks %d times more", c.with, polls-without)
		}
	}

	// Functions that call themselves ask at each call, and where they are told to stop, those that called them call nothing more
	// that goes on.
	const depth = 12
	twice := "LET(f,LAMBDA(f,n,IF(n=0,1,f(f,n-1)+f(f,n-1))),f(f,12))"
	if polls := run(twice, none); polls < 1<<depth {
		t.Errorf("%s asks %d times", twice, polls)
	}
	if polls := run(twice, 100); polls > 100+2*depth {
		t.Errorf("%s, told to stop, asks %d times more", twice, polls-100)
	}
}
