package forks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// operation is what a client asks of a fork.
type operation struct {
	fork     string
	read     bool
	expected int // version; -1: any
	value    int
}

// outcome is what it is told.
type outcome struct {
	conflict bool
	version  int // after; of a conflict, the one that there is
	value    int // of a read
}

// register is a fork as one who knows nothing of time would have it.
type register struct{ version, value int }

var linear = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		of := map[string]int{}
		for _, op := range history {
			id := op.Input.(operation).fork
			i, ok := of[id]
			if !ok {
				i, of[id] = len(parts), len(parts)
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Init: func() any { return register{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(register), input.(operation), output.(outcome)
		switch {
		case in.read:
			return out.version == s.version && out.value == s.value, s
		case out.conflict:
			return in.expected >= 0 && in.expected != s.version && out.version == s.version, s
		}
		next := register{s.version + 1, in.value}
		return (in.expected < 0 || in.expected == s.version) && out.version == next.version, next
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v: %+v", in, out) },
}

// TestLinearizable: whatever clients do at once, each fork behaves as if every call happened
// in one moment between its beginning and its end. There are more forks than may be in
// memory, so that they are let go and restored under the calls.
func TestLinearizable(t *testing.T) {
	r := newRig(t, Options{LiveMax: 2})
	var ids []string
	for range 3 {
		ids = append(ids, r.create("a.xlsx").ID)
	}
	var clock, values, refused atomic.Int64
	var mu sync.Mutex
	var history []porcupine.Operation
	var clients sync.WaitGroup
	for n := range 6 {
		clients.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(n), 1))
			seen := map[string]int{}
			for range 60 {
				in := operation{fork: ids[rnd.IntN(len(ids))], read: rnd.IntN(3) == 0, expected: -1}
				if !in.read {
					in.value = int(values.Add(1))
				}
				if rnd.IntN(2) == 0 {
					in.expected = seen[in.fork]
				}
				call := clock.Add(1)
				out, err := r.perform(in)
				done := clock.Add(1)
				if code(err) == CodeOverloaded { // it never ran
					refused.Add(1)
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				seen[in.fork] = out.version
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: n, Input: in, Call: call, Output: out, Return: done})
				mu.Unlock()
			}
		})
	}
	clients.Wait()
	if result, _ := porcupine.CheckOperationsVerbose(linear, history, time.Minute); result != porcupine.Ok {
		t.Errorf("%d operations: %v", len(history), result)
	}
	if len(history) < 100 {
		t.Errorf("only %d operations ran, %d were refused", len(history), refused.Load())
	}
	t.Logf("%d operations, %d refused, %d restores", len(history), refused.Load(), r.store.registry.Stats().Restores)
}

func (r *rig) perform(in operation) (out outcome, err error) {
	ctx := context.Background()
	if in.read {
		err = r.store.View(ctx, in.fork, func(s *book.Snapshot) error {
			sheet, err := s.Sheet(ctx, 0)
			if err == nil {
				ref, _ := cell.ParseRef("D4")
				out = outcome{version: int(s.Version), value: int(sheet.Value(ref).Number())}
			}
			return err
		})
		return out, err
	}
	c := Commit{}
	if in.expected >= 0 {
		v := uint64(in.expected)
		c.Expected = &v
	}
	res, err := r.store.Edit(ctx, in.fork, number("D4", float64(in.value)), c)
	var refused *Error
	if errors.As(err, &refused) && refused.Code == CodeConflict {
		return outcome{conflict: true, version: int(refused.Version)}, nil
	}
	return outcome{version: int(res.Version)}, err
}

// The model itself has to tell histories apart.
func TestLinearModel(t *testing.T) {
	op := func(call, done int64, in operation, out outcome) porcupine.Operation {
		return porcupine.Operation{Call: call, Return: done, Input: in, Output: out}
	}
	write := op(1, 4, operation{expected: -1, value: 7}, outcome{version: 1})
	for _, c := range []struct {
		name string
		then []porcupine.Operation
		want bool
	}{
		{"a read after", []porcupine.Operation{op(5, 6, operation{read: true}, outcome{version: 1, value: 7})}, true},
		{"a read meanwhile", []porcupine.Operation{op(2, 3, operation{read: true}, outcome{})}, true},
		{"a stale read", []porcupine.Operation{op(5, 6, operation{read: true}, outcome{})}, false},
		{"half of a write", []porcupine.Operation{op(2, 3, operation{read: true}, outcome{version: 1})}, false},
		{"a conflict with nobody", []porcupine.Operation{op(5, 6, operation{expected: 1, value: 8}, outcome{conflict: true, version: 1})}, false},
		{"a write that was lost", []porcupine.Operation{op(5, 6, operation{expected: -1, value: 8}, outcome{version: 1})}, false},
	} {
		if got := porcupine.CheckOperations(linear, append(c.then, write)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
