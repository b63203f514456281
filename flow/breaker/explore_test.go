//go:build interleave

package breaker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// A breaker under every order of its calls. There is no time in a search: what is to pass
// soon has passed when anybody looks, what is to take long never does, and a timeout is a
// thread that ends another's permit.

const (
	soon = 1
	long = time.Hour
)

type program struct {
	name    string
	cfg     Config
	before  string   // words, before the threads begin
	threads []string // words: see world.do
	want    func(w *world) error
}

func config(openFor time.Duration) Config {
	return Config{Failures: 2, Window: long, OpenFor: openFor, Successes: 1}
}

func poison(quarantine time.Duration) Config {
	return Config{Failures: 3, Window: long, OpenFor: long, Successes: 1, Poison: 2, Quarantine: quarantine, Keys: 4}
}

var (
	twice   = Config{Failures: 2, Window: long, OpenFor: soon, Successes: 2}
	crowded = Config{Failures: 3, Window: long, OpenFor: long, Successes: 1, Poison: 2, Quarantine: long, Keys: 1}
)

var programs = []program{
	{"opens once", config(long), "", []string{"fail fail", "fail"}, is(Open, 1)},
	{"one failure is none", config(long), "", []string{"fail", "ok ok"}, is(Closed, 0)},
	{"what says nothing", config(long), "", []string{"neutral neutral", "neutral"}, is(Closed, 0)},
	{"a success too late", config(soon), "begin fail fail", []string{"end-ok", "fail"}, is(Open, 2)},
	{"a failure too late", config(soon), "begin fail fail", []string{"end-fail", "ok"}, is(Closed, 1)},
	{"ended twice", config(long), "begin", []string{"end-fail", "end-fail"}, is(Closed, 0)},
	{"a timeout while it ends", config(long), "fail begin", []string{"end-ok", "end-fail"}, nil},
	{"one probe", config(soon), "fail fail", []string{"ok", "ok"}, is(Closed, 1)},
	{"one probe, one fails", config(soon), "fail fail", []string{"ok", "fail"}, nil},
	{"two probes to close", twice, "fail fail", []string{"ok ok", "ok"}, nil},
	{"a probe that says nothing", config(soon), "fail fail", []string{"neutral ok", "neutral"}, nil},
	{"a probe that ends twice", twice, "fail fail begin", []string{"end-ok", "end-ok"}, is(HalfOpen, 1)},
	{"one bad key", poison(long), "", []string{"kfail kfail", "kfail kfail"}, alone},
	{"a bad key and others", poison(long), "", []string{"kfail kfail ok", "kfail ok"}, alone},
	{"a key that fails now and then", poison(long), "", []string{"kfail kok kfail kok kfail", "kok"}, is(Closed, 0)},
	{"a key is tried by one", poison(soon), "kfail kfail", []string{"kok", "kok"}, freed},
	{"a key that is tried in vain", poison(soon), "kfail kfail", []string{"kneutral", "kneutral kok"}, nil},
	{"a success of before the quarantine", poison(long), "kbegin kfail kfail", []string{"end-ok", "ok"}, alone},
	{"more keys than are remembered", crowded, "", []string{"kfail kok", "jfail"}, is(Closed, 0)},

	{"three open it once", config(long), "", []string{"fail", "fail ok", "fail"}, is(Open, 1)},
	{"three and one probe", config(soon), "fail fail", []string{"ok", "neutral", "ok"}, nil},
	{"three and two probes", twice, "fail fail", []string{"ok", "ok", "fail"}, nil},
	{"three, one is late", config(soon), "begin fail fail", []string{"end-ok", "fail", "neutral"}, nil},
	{"three try a key", poison(soon), "kfail kfail", []string{"kok", "kneutral", "kok"}, nil},
	{"three with one bad key", poison(long), "", []string{"kfail", "kfail kfail", "kfail"}, alone},

	{"four and one probe", config(soon), "fail fail", []string{"ok", "ok", "neutral", "fail"}, nil},
	{"four open it once", config(long), "", []string{"fail", "fail", "fail", "ok"}, is(Open, 1)},
	{"four with one bad key", poison(long), "", []string{"kfail", "kfail", "kfail", "kfail"}, alone},
}

// is wants a state, and how often it was opened.
func is(state State, opened uint64) func(*world) error {
	return func(w *world) error {
		if b := w.b; b.state != state || b.changes[Open] != opened {
			return fmt.Errorf("%v, opened %d times, want %v and %d", b.state, b.changes[Open], state, opened)
		}
		return nil
	}
}

// alone wants one key to be in quarantine, and nothing else to be thought bad.
func alone(w *world) error {
	if n, keys := w.b.quarantined(9); n != 1 || keys[0] != "k" {
		return fmt.Errorf("in quarantine: %d, %q", n, keys)
	}
	return is(Closed, 0)(w)
}

// freed wants no key to be in quarantine, and one to have been let go.
func freed(w *world) error {
	if n, _ := w.b.quarantined(0); n != 0 || w.released != 1 {
		return fmt.Errorf("%d in quarantine, %d let go", n, w.released)
	}
	return is(Closed, 0)(w)
}

func cases() (cases []interleave.Case) {
	for _, p := range programs {
		n := len(p.threads)
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.ByThreads(n), Run: p.run, Once: n > 3})
	}
	return cases
}

func setCases() (cases []interleave.Case) {
	for _, p := range setPrograms {
		n := len(p.threads)
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.ByThreads(n), Run: p.run, Once: n > 3})
	}
	return cases
}

func TestExploreBreaker(t *testing.T) { interleave.ExploreAll(t, cases()) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) { interleave.FindMutants(t, 14, append(cases(), setCases()...)) }

// world is one execution of a program.
type world struct {
	*interleave.Run
	b        *Breaker
	shared   *Permit // of the words begin and kbegin, which others end
	released int     // guarded by the breaker: its listener counts

	probes, keyProbes csync.Int64 // that run now
	let, refused      csync.Int64
}

func (p program) run(r *interleave.Run) {
	w := &world{Run: r}
	cfg := p.cfg
	cfg.Classify = func(err error) Verdict {
		if err == errBackend {
			return Failure
		}
		return Neutral
	}
	cfg.On.Released = func(string, string) { w.released++ }
	var err error
	if w.b, err = New("disk", cfg); err != nil {
		r.Failf("%v", err)
	}
	for _, word := range strings.Fields(p.before) {
		w.do(word)
	}
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, word := range strings.Fields(script) {
				w.do(word)
			}
		})
	}
	r.Invariant(func() error {
		if n := len(w.b.suspects.byKey); n > cfg.Keys || n != w.b.suspects.order.Len() {
			return fmt.Errorf("%d keys are remembered, %d in order, of %d", n, w.b.suspects.order.Len(), cfg.Keys)
		}
		return nil
	})
	r.Final(func() error { return w.atEnd(p) })
}

// do makes a call: its key, if there is one, and how it ends.
func (w *world) do(word string) {
	key := ""
	if word[0] == 'k' || word[0] == 'j' {
		key, word = word[:1], word[1:]
	}
	verdict := map[string]error{"ok": nil, "fail": errBackend, "neutral": errUser, "end-ok": nil, "end-fail": errBackend}[word]
	if strings.HasPrefix(word, "end-") {
		w.shared.Done(verdict)
		return
	}
	open := w.b.State() == Open
	p, err := w.b.Allow(key)
	var refusal *OpenError
	switch {
	case err == nil && open && w.b.cfg.OpenFor == long:
		w.Failf("let in while it is open")
	case err == nil:
		w.let.Add(1)
	case errors.As(err, &refusal) && refusal.RetryAfter > 0:
		w.refused.Add(1)
		return
	default:
		w.Failf("%v", err)
	}
	if word == "begin" {
		w.shared = p
		return
	}
	if p.probe {
		if n := w.probes.Add(1); n > 1 {
			w.Failf("%d probes at once", n)
		}
		w.probes.Add(-1)
	}
	if p.keyProbe != nil {
		if n := w.keyProbes.Add(1); n > 1 {
			w.Failf("%d probes of a key at once", n)
		}
		w.keyProbes.Add(-1)
	}
	p.Done(verdict)
}

// atEnd: what the program wants; who was refused is counted; and nothing is in the way of
// the next call but what has to be.
func (w *world) atEnd(p program) error {
	b := w.b
	if p.want != nil {
		if err := p.want(w); err != nil {
			return err
		}
	}
	if b.rejected != uint64(w.refused.Load()) || b.calls != uint64(w.let.Load()) {
		return fmt.Errorf("%d let in and %d refused, and it counted %d and %d", w.let.Load(), w.refused.Load(), b.calls, b.rejected)
	}
	if b.probing {
		return errors.New("all calls have ended, and it waits for a probe")
	}
	for _, key := range []string{"", "k"} {
		s := b.suspects.get(key)
		if (b.state == Open && p.cfg.OpenFor == long) || s != nil && !s.until.IsZero() && p.cfg.Quarantine == long {
			continue
		}
		next, err := b.Allow(key)
		if err != nil {
			return fmt.Errorf("nobody calls, and the next one is refused: %w", err)
		}
		next.Done(errUser)
	}
	return nil
}

// A set of breakers under every order of who asks for which.

func TestExploreSet(t *testing.T) { interleave.ExploreAll(t, setCases()) }

type setProgram struct {
	name    string
	max     int
	threads []string // names
}

var setPrograms = []setProgram{
	{"one name", 2, []string{"x x", "x"}},
	{"two names", 2, []string{"x y", "y x"}},
	{"no room for both", 1, []string{"x y", "y"}},
	{"three ask", 2, []string{"x", "y x", "x"}},
	{"four ask", 2, []string{"x", "y", "x", "y"}},
}

func (p setProgram) run(r *interleave.Run) {
	cfg := config(long)
	cfg.Classify = func(error) Verdict { return Neutral }
	s, err := NewSet(cfg, p.max)
	if err != nil {
		r.Failf("%v", err)
	}
	var mu csync.Mutex
	seen := map[string]*Breaker{}
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, name := range strings.Fields(script) {
				b := s.Get(name)
				mu.Lock()
				if old := seen[name]; b.Name() != name || old != nil && old != b && p.max > 1 {
					r.Failf("%s is %s, and another one than before: %v", name, b.Name(), old != b)
				}
				seen[name] = b
				mu.Unlock()
				s.All()
			}
		})
	}
	r.Invariant(func() error {
		if n := s.order.Len(); n > p.max || n != len(s.byName) {
			return fmt.Errorf("%d breakers, %d names, at most %d", n, len(s.byName), p.max)
		}
		return nil
	})
}
