package analyze

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// scattered draws a sheet of blocks and single cells.
func scattered(t *rapid.T) (*memBook, map[cell.Ref]bool) {
	b := newMemBook()
	stored := make(map[cell.Ref]bool)
	for range rapid.IntRange(1, 6).Draw(t, "blocks") {
		top, left := rapid.IntRange(0, 700).Draw(t, "top"), rapid.IntRange(0, 90).Draw(t, "left")
		h, w := rapid.IntRange(1, 30).Draw(t, "height"), rapid.IntRange(1, 8).Draw(t, "width")
		hole := rapid.IntRange(2, 9).Draw(t, "hole")
		for ref := range refsOf(cell.Range{First: cell.Ref{Row: top, Col: left}, Last: cell.Ref{Row: top + h - 1, Col: left + w - 1}}) {
			if (ref.Row*7+ref.Col*3)%hole != 0 {
				stored[ref] = true
			}
		}
	}
	builder := grid.NewBuilder("S")
	refs := make([]cell.Ref, 0, len(stored))
	for r := range stored {
		refs = append(refs, r)
	}
	slices.SortFunc(refs, func(a, b cell.Ref) int { return (a.Row-b.Row)*cell.MaxCols + a.Col - b.Col })
	for i, r := range refs {
		if i%3 == 0 {
			builder.Text(r, 0, []byte("label "+strconv.Itoa(i%5)))
		} else {
			builder.Number(r, 0, float64(i))
		}
	}
	b.add(builder.Finish(nil))
	return b, stored
}

func TestRegionsAreDisjointAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, _ := scattered(t)
		v := b.view(0)
		limits := Limits{MaxArea: occupancyMax, MaxLeaves: rapid.IntRange(1, 8).Draw(t, "leaves"), MaxDepth: rapid.IntRange(0, 4).Draw(t, "depth")}
		d, err := Detect(context.Background(), v, limits)
		if err != nil {
			t.Fatal(err)
		}
		if v.StoredCells() > 0 && len(d.Regions) == 0 {
			t.Fatal("a sheet with cells has no region")
		}
		if len(d.Regions) > limits.MaxLeaves {
			t.Fatalf("%d regions, more than %d", len(d.Regions), limits.MaxLeaves)
		}
		used, _ := v.Used()
		for i, r := range d.Regions {
			if r.ID != i {
				t.Fatalf("region %d has id %d", i, r.ID)
			}
			if !used.ContainsRange(r.Bounds) {
				t.Fatalf("region %s reaches out of %s", r.Bounds, used)
			}
			if len(r.Header.Labels) != r.Bounds.Cols() && !d.Fallback {
				t.Fatalf("region %s has %d labels", r.Bounds, len(r.Header.Labels))
			}
			for _, o := range d.Regions[:i] {
				if x, ok := r.Bounds.Intersect(o.Bounds); ok {
					t.Fatalf("regions %s and %s share %s", r.Bounds, o.Bounds, x)
				}
			}
		}
		again, err := Detect(context.Background(), v, limits)
		if err != nil || !reflect.DeepEqual(d, again) {
			t.Fatalf("a second detection differs: %v", err)
		}
	})
}

// TestRegionsUnderLoad detects the same sheet while every processor is busy, with
// several settings of GOMAXPROCS: regions and their ids must be those of an idle run.
func TestRegionsUnderLoad(t *testing.T) {
	b := wideBook(4000, 12)
	v := b.view(0)
	want, err := Detect(context.Background(), v, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		stop := make(chan struct{})
		var busy, wg sync.WaitGroup
		for range 2 * procs {
			busy.Go(func() {
				for x := uint64(1); ; x = mix(x) {
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		results := make([]*Detection, 8)
		for i := range results {
			wg.Go(func() { results[i], _ = Detect(context.Background(), v, DefaultLimits) })
		}
		wg.Wait()
		close(stop)
		busy.Wait()
		for i, d := range results {
			if !reflect.DeepEqual(d, want) {
				t.Fatalf("GOMAXPROCS %d, run %d: the regions differ", procs, i)
			}
		}
	}
}

func TestOccupancyCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, stored := scattered(t)
		used, _ := b.sheets[0].Used()
		o, err := newOccupancy(context.Background(), b.sheets[0], used)
		if err != nil {
			t.Fatal(err)
		}
		draw := func(n int) (int, int) {
			a, b := rapid.IntRange(0, n-1).Draw(t, "a"), rapid.IntRange(0, n-1).Draw(t, "b")
			return min(a, b), max(a, b)
		}
		var s span
		s.r0, s.r1 = draw(used.Rows())
		s.c0, s.c1 = draw(used.Cols())
		want := 0
		for ref := range refsOf(o.rangeOf(s)) {
			if stored[ref] {
				want++
			}
		}
		if got := o.count(s); got != want {
			t.Fatalf("count(%v) = %d, want %d", s, got, want)
		}
	})
}

func TestLimitsOfRegions(t *testing.T) {
	b := newMemBook()
	builder := grid.NewBuilder("S")
	for i := range 200 {
		builder.Number(cell.Ref{Row: i, Col: 0}, 0, float64(i))
	}
	builder.Number(cell.Ref{Row: cell.MaxRows - 1, Col: cell.MaxCols - 1}, 0, 1)
	b.add(builder.Finish(nil))
	d, err := Detect(context.Background(), b.view(0), DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Fallback || len(d.Regions) != 1 || len(d.Notes) != 1 || d.Regions[0].Confidence != 0.2 {
		t.Fatalf("a sheet that is too large to split gives %+v", d)
	}
	if got := d.Regions[0].Bounds.String(); got != "A1:A208" {
		t.Fatalf("the dense part is %s", got)
	}
}

// TestProfileAgainstNaive compares the streamed statistics with ones computed from a
// slice of all values.
func TestProfileAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(
			rapid.Map(rapid.Float64Range(-1e9, 1e9), cell.NumberValue),
			rapid.Map(rapid.IntRange(0, 9), func(i int) cell.Value { return cell.NumberValue(float64(i)) }),
			rapid.Map(rapid.StringMatching(`[a-cé]{0,3}`), cell.TextValue),
			rapid.Map(rapid.Bool(), cell.BoolValue),
			rapid.Just(cell.Value{}),
			rapid.Just(cell.ErrorValue(cell.ErrNA)),
		), 1, 200).Draw(t, "values")
		b := newMemBook()
		builder := grid.NewBuilder("S")
		var numbers []float64
		count := make(map[cell.Value]int)
		nulls := 0
		for i, x := range values {
			if i%7 != 3 || !x.IsBlank() { // some blanks are stored, some are not
				builder.Value(cell.Ref{Row: i, Col: 2}, 0, x)
			}
			switch {
			case x.IsBlank(), x.Kind() == cell.Text && x.Text() == "":
				nulls++
				continue
			case x.Kind() == cell.Number:
				numbers = append(numbers, x.Number())
			}
			count[x]++
		}
		b.add(builder.Finish(nil))
		r := cell.Range{First: cell.Ref{Row: 0, Col: 2}, Last: cell.Ref{Row: len(values) - 1, Col: 2}}
		limit := rapid.SampledFrom([]int{0, 4}).Draw(t, "limit")
		list, err := Profile(context.Background(), b.view(0), r, []int{2}, ProfileOptions{Top: 3, Samples: 3, Distinct: limit})
		if err != nil {
			t.Fatal(err)
		}
		c := list[0]
		if c.Nulls != nulls || c.Numeric != len(numbers) {
			t.Fatalf("nulls %d, numbers %d, want %d and %d", c.Nulls, c.Numeric, nulls, len(numbers))
		}
		if c.DistinctExact && c.Distinct != len(count) || !c.DistinctExact && float64(c.Distinct) < 0.8*float64(len(count)) {
			t.Fatalf("distinct %d (exact %v), want %d", c.Distinct, c.DistinctExact, len(count))
		}
		repeated := slices.ContainsFunc(slices.Collect(valuesOf(count)), func(n int) bool { return n > 1 })
		if c.Duplicates && !repeated || c.DuplicatesExact && c.Duplicates != repeated {
			t.Fatalf("duplicates %v (exact %v), want %v", c.Duplicates, c.DuplicatesExact, repeated)
		}
		for _, x := range c.Top {
			n := count[x.Cell.Value]
			if c.TopExact && x.Count != n || x.Count > n || x.Count < n-c.TopSlack {
				t.Fatalf("top value %v: %d (slack %d), want %d", x.Cell.Value, x.Count, c.TopSlack, n)
			}
		}
		if len(numbers) > 0 {
			sum, m2 := 0.0, 0.0
			for _, f := range numbers {
				sum += f
			}
			mean := sum / float64(len(numbers))
			for _, f := range numbers {
				m2 += (f - mean) * (f - mean)
			}
			near := func(what string, got, want float64) {
				if math.Abs(got-want) > 1e-9*max(1, math.Abs(want), slices.Max(numbers)-slices.Min(numbers)) {
					t.Fatalf("%s is %g, want %g", what, got, want)
				}
			}
			near("min", c.Min, slices.Min(numbers))
			near("max", c.Max, slices.Max(numbers))
			near("sum", c.Sum, sum)
			near("mean", c.Mean, mean)
			if len(numbers) > 1 {
				near("deviation", c.Deviation, math.Sqrt(m2/float64(len(numbers)-1)))
			}
		}
	})
}

func valuesOf[K comparable](m map[K]int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for _, n := range m {
			if !yield(n) {
				return
			}
		}
	}
}

func TestTallyBeyondItsBound(t *testing.T) {
	const different = 400_000
	tl := newTally(tallyMax)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range different {
		tl.add(hashNumber(float64(i), Number), uint32(i))
		if rng.IntN(4) == 0 {
			tl.add(hashText("often"), 7)
		}
	}
	n, exact := tl.distinct()
	if exact || math.Abs(float64(n)-different) > 0.03*different {
		t.Errorf("distinct is %d (exact %v), want about %d", n, exact, different)
	}
	top := tl.top(1)
	if len(top) != 1 || top[0].hash != hashText("often") {
		t.Errorf("the most frequent value is %+v", top)
	}
	if want := different / 4; int(top[0].count) > want+want/20 || int(top[0].count+tl.slack) < want-want/20 {
		t.Errorf("its count is %d with slack %d, want about %d", top[0].count, tl.slack, want)
	}
	if len(tl.slots) > 2*tallyMax || len(tl.spare) > 2*tallyMax {
		t.Errorf("%d slots", len(tl.slots))
	}
	tl.reset()
	if n, exact := tl.distinct(); n != 0 || !exact {
		t.Errorf("after reset distinct is %d (exact %v)", n, exact)
	}
}

// TestFindAgainstNaive compares the search with one that looks at every cell.
func TestFindAgainstNaive(t *testing.T) {
	words := []string{"Alpha", "alphabet", "BETA", "été", "12", "a12b", "K"}
	rapid.Check(t, func(t *rapid.T) {
		b := newMemBook()
		builder := grid.NewBuilder("S")
		rows := rapid.SliceOfN(rapid.SliceOfN(rapid.IntRange(0, 12), 3, 3), 1, 40).Draw(t, "cells")
		stretch := rapid.SampledFrom([]int{1, 40}).Draw(t, "stretch") // over several bands
		var all []cell.Ref
		for i, row := range rows {
			for col, x := range row {
				ref := cell.Ref{Row: i * stretch, Col: col * 3}
				switch {
				case x < len(words):
					builder.Text(ref, 0, []byte(words[x]))
				case x < 10:
					builder.Number(ref, 0, float64(x)*1.2)
				case x == 10:
					builder.Bool(ref, 0, true)
				default:
					continue
				}
				all = append(all, ref)
			}
		}
		b.add(builder.Finish(nil))
		v := b.view(0)
		query := rapid.SampledFrom([]string{"a", "ALPHA", "12", "É", "true", "1", "k", "b"}).Draw(t, "query")
		mode := rapid.SampledFrom([]MatchMode{Contains, Exact, Prefix}).Draw(t, "mode")
		sensitive := rapid.Bool().Draw(t, "case")
		m, err := NewMatcher(query, mode, sensitive)
		if err != nil {
			t.Fatal(err)
		}
		var want []cell.Ref
		for _, ref := range all {
			text, q := v.Value(ref).String(), query
			if !sensitive {
				text, q = strings.ToLower(text), strings.ToLower(q)
			}
			if mode == Contains && strings.Contains(text, q) || mode == Prefix && strings.HasPrefix(text, q) || mode == Exact && text == q {
				want = append(want, ref)
			}
		}
		p := Page{Offset: rapid.IntRange(0, 5).Draw(t, "offset"), Limit: rapid.IntRange(1, 8).Draw(t, "limit")}
		offset, limit := p.Offset, p.Limit
		hits, err := FindValues(context.Background(), v, Query{Match: m}, &p)
		if err != nil {
			t.Fatal(err)
		}
		if p.Total != len(want) {
			t.Fatalf("total %d, want %d", p.Total, len(want))
		}
		page := want[min(offset, len(want)):min(offset+limit, len(want))]
		if len(hits) != len(page) {
			t.Fatalf("%d hits, want %d", len(hits), len(page))
		}
		for i, h := range hits {
			if h.Cell.Ref != page[i] {
				t.Fatalf("hit %d is %s, want %s", i, h.Cell.Ref, page[i])
			}
		}
	})
}

// TestTraceAgainstNaive compares the index with the references of every formula.
func TestTraceAgainstNaive(t *testing.T) {
	shapes := []string{"A#+1", "SUM($A$1:B#)", "B#*$C$3", "SUM(A:A)", "SUM(#:#)", "T!B#", "SUM(S:T!A#)", "SUM(C#:A3)"}
	rapid.Check(t, func(t *rapid.T) {
		b := newMemBook()
		for _, name := range []string{"S", "T"} {
			builder := grid.NewBuilder(name)
			for i, shape := range rapid.SliceOfN(rapid.IntRange(0, len(shapes)+2), 1, 30).Draw(t, name) {
				ref := cell.Ref{Row: i, Col: 4}
				if shape >= len(shapes) {
					builder.Number(ref, 0, 1)
					continue
				}
				builder.Number(ref, 0, 0)
				id, _ := builder.AddFormula([]byte(strings.ReplaceAll(shapes[shape], "#", strconv.Itoa(i+1))), -1)
				builder.SetFormula(ref, id)
			}
			b.add(builder.Finish(nil))
		}
		at := cell.Ref{Row: rapid.IntRange(0, 31).Draw(t, "row"), Col: rapid.IntRange(0, 4).Draw(t, "col")}
		target := rapid.IntRange(0, 1).Draw(t, "sheet")
		var want []string
		for i, s := range b.sheets {
			for c := range s.Cells(cell.WholeSheet) {
				if !c.HasFormula() {
					continue
				}
				tree, err := formula.Parse(book.FormulaText(s, c))
				if err != nil {
					t.Fatal(err)
				}
				for ref := range formula.References(tree.Root) {
					sheets := []int{i}
					if ref.LastSheet() != "" {
						sheets = []int{0, 1}
					} else if ref.Sheet() == "T" {
						sheets = []int{1}
					}
					if x, ok := ref.Range(); ok && slices.Contains(sheets, target) && x.Contains(at) {
						want = append(want, s.Name+c.Ref.String())
						break
					}
				}
			}
		}
		snap := b.snapshot()
		tr, err := Follow(context.Background(), snap, target, at, TraceOptions{Dependents: true, Depth: 1, PageSize: 1000, ExpandTo: 500})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range tr.Layers {
			for _, e := range l.Edges {
				got = append(got, b.sheets[e.From.Sheet].Name+e.From.Range.String())
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Fatalf("dependents of %s on sheet %d: %v, want %v", at, target, got, want)
		}
	})
}

func TestFormulaMapCountsEveryFormulaOnce(t *testing.T) {
	b := wideBook(1500, 6)
	s := b.sheets[0]
	k, err := NewFormulas(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := FormulaMap(context.Background(), s, k, cell.WholeSheet, ByCount)
	if err != nil {
		t.Fatal(err)
	}
	cells, n := int64(0), 0
	seen := make(map[cell.Ref]bool)
	for _, g := range groups {
		n += g.Count
		for _, r := range g.Ranges {
			cells += r.Cells()
			for ref := range refsOf(r) {
				if seen[ref] {
					t.Fatalf("%s is in two ranges", ref)
				}
				seen[ref] = true
				if c, _ := s.At(ref); !c.HasFormula() {
					t.Fatalf("%s has no formula", ref)
				}
			}
		}
	}
	if n != s.FormulaCells() || cells != int64(n) {
		t.Fatalf("%d formulas in %d cells, want %d", n, cells, s.FormulaCells())
	}
}

func TestCancelled(t *testing.T) {
	b := wideBook(3000, 8)
	v := b.view(0)
	stop := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(stop)
	m, _ := NewMatcher("x", Contains, false)
	used, _ := v.Used()
	for name, f := range map[string]func() error{
		"Detect":      func() error { _, err := Detect(ctx, v, DefaultLimits); return err },
		"Regions":     func() error { _, err := Regions(ctx, v); return err },
		"Profile":     func() error { _, err := Profile(ctx, v, used, []int{0, 1}, ProfileOptions{}); return err },
		"FindValues":  func() error { _, err := FindValues(ctx, v, Query{Match: m}, &Page{Limit: 1}); return err },
		"NewFormulas": func() error { _, err := NewFormulas(ctx, v.Sheet); return err },
		"Follow": func() error {
			snap := b.snapshot()
			_, err := Follow(ctx, snap, 0, cell.Ref{}, TraceOptions{Dependents: true, Depth: 1, PageSize: 5})
			return err
		},
	} {
		if err := f(); !errors.Is(err, stop) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a cancelled context gives %v", name, err)
		}
	}
	if _, err := Regions(context.Background(), v); err != nil {
		t.Errorf("after a cancelled call: %v", err)
	}
}

// TestCacheForgetsWithItsSheet checks that one value is made for one sheet, and that
// what was derived goes when the sheet goes.
func TestCacheForgetsWithItsSheet(t *testing.T) {
	c := newCache[grid.Sheet, int](100)
	made := 0
	get := func(s *grid.Sheet, size int64) {
		v, err := c.get(context.Background(), s, func(context.Context) (int, error) { made++; return made, nil }, func(int) int64 { return size })
		if err != nil || v == 0 {
			t.Fatal(v, err)
		}
	}
	a, b := wideBook(1, 1).sheets[0], wideBook(1, 1).sheets[0]
	get(a, 60)
	get(a, 60)
	if made != 1 {
		t.Fatalf("made %d values for one sheet", made)
	}
	get(b, 60)
	if c.bytes != 60 {
		t.Fatalf("%d bytes are kept, 100 are allowed", c.bytes)
	}
	get(a, 60)
	if made != 3 {
		t.Fatalf("made %d values, want 3: the first was thrown out", made)
	}
	failing := errors.New("no")
	if _, err := c.get(context.Background(), b, func(context.Context) (int, error) { return 0, failing }, nil); !errors.Is(err, failing) {
		t.Fatal(err)
	}
	get(b, 10) // a failure is not kept
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	a, b = nil, nil
	// Cleanups run some time after the collection, on a goroutine that a busy machine may keep waiting.
	for end := time.Now().Add(time.Minute); time.Now().Before(end); runtime.Gosched() {
		runtime.GC()
		c.mu.Lock()
		n := len(c.entries)
		c.mu.Unlock()
		if n == 0 {
			return
		}
	}
	t.Error("values of dead sheets are still kept")
}

// TestCacheIsNobodys: what is derived for many goes on when the one leaves for whom it was begun, and stops with the last.
func TestCacheIsNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache[grid.Sheet, int](100)
		sheet := wideBook(1, 1).sheets[0]
		stopped := false
		ask := func() (leave func(), answer chan error) {
			ctx, cancel := context.WithCancel(t.Context())
			answer = make(chan error, 1)
			go func() {
				_, err := c.get(ctx, sheet, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					stopped = true
					return 0, ctx.Err()
				}, func(int) int64 { return 1 })
				answer <- err
			}()
			synctest.Wait()
			return cancel, answer
		}
		leave, first := ask()
		leaveToo, second := ask()
		leave()
		synctest.Wait()
		if len(first) != 1 || len(second) != 0 || stopped {
			t.Errorf("one has left: %d and %d answers, the work has stopped: %v", len(first), len(second), stopped)
		}
		leaveToo()
		synctest.Wait()
		if len(second) != 1 || !stopped {
			t.Errorf("both have left: %d answers, the work has stopped: %v", len(second), stopped)
		}
	})
}

// wideBook is one sheet with a header, rows of mixed values and a formula column.
func wideBook(rows, cols int) *memBook {
	b := newMemBook()
	builder := grid.NewBuilder("Data")
	for col := range cols {
		builder.Text(cell.Ref{Col: col}, 0, []byte("column "+strconv.Itoa(col)))
	}
	shared := make(map[int]int)
	for row := 1; row <= rows; row++ {
		for col := range cols {
			ref := cell.Ref{Row: row, Col: col}
			switch col % 4 {
			case 0:
				builder.Number(ref, 0, float64(row))
			case 1:
				builder.Text(ref, 0, []byte("name "+strconv.Itoa(row*7919%997)))
			case 2:
				builder.Number(ref, 1, float64(40000+row%1000))
			case 3:
				builder.Number(ref, 0, float64(row)*1.5)
				if col%8 == 3 {
					id, _ := builder.AddFormula(fmt.Appendf(nil, "A%d*1.5", row+1), -1)
					builder.SetFormula(ref, id)
					continue
				}
				g, ok := shared[col]
				if !ok {
					g = builder.AddGroup(grid.SharedFormula, ref, cell.Range{First: ref, Last: cell.Ref{Row: rows, Col: col}})
					shared[col] = g
				}
				id, _ := builder.AddFormula([]byte("SUM($A$2:A2)"), g)
				builder.SetFormula(ref, id)
			}
		}
	}
	b.add(builder.Finish(nil))
	return b
}

// TestSharedByMany lets many goroutines ask for everything that is derived from one
// sheet at once: each gets the same answer, and the race detector finds nothing.
func TestSharedByMany(t *testing.T) {
	b := wideBook(700, 8)
	snap := b.snapshot()
	ctx := context.Background()
	traces := make([]*Trace, 16)
	regions := make([]*Detection, len(traces))
	var wg sync.WaitGroup
	for i := range traces {
		wg.Go(func() {
			var err error
			traces[i], err = Follow(ctx, snap, 0, cell.Ref{Row: 300}, TraceOptions{Dependents: true, Depth: 3, PageSize: 50})
			if err == nil {
				regions[i], err = Regions(ctx, b.view(0))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range traces {
		if !reflect.DeepEqual(traces[i], traces[0]) || regions[i] != regions[0] {
			t.Fatalf("caller %d got another answer", i)
		}
	}
	if len(traces[0].Layers) == 0 || len(traces[0].Layers[0].Edges) == 0 {
		t.Fatal("the cell has no dependents")
	}
}

// TestSums holds sums and means to what a person gets who adds without rounding.
func TestSums(t *testing.T) {
	repeat := func(f float64, n int) []float64 { return slices.Repeat([]float64{f}, n) }
	for _, c := range []struct {
		name      string
		values    []float64
		sum, mean float64
	}{
		{"ids", []float64{9007199254740991, 2, 3}, 9007199254740996, 3002399751580332},
		{"small beside large", []float64{1e16, 1, -1e16, 1}, 2, 0.5},
		{"sixteen digits", []float64{1234567890123456, 1}, 1234567890123457, 617283945061728.5},
		{"cents", repeat(0.01, 100_000), 1000, 0.01},
		{"equal", repeat(0.1, 10), 1, 0.1},
		{"equal and large", repeat(1.7e308, 3), math.Inf(1), 1.7e308},
	} {
		b := newMemBook()
		builder := grid.NewBuilder("S")
		for i, f := range c.values {
			builder.Number(cell.Ref{Row: i}, 0, f)
		}
		b.add(builder.Finish(nil))
		list, err := Profile(context.Background(), b.view(0), cell.Range{Last: cell.Ref{Row: len(c.values) - 1}}, []int{0}, ProfileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got := list[0]; got.Sum != c.sum && !math.IsNaN(got.Sum) || got.Mean != c.mean {
			t.Errorf("%s: sum %v, mean %v; want %v and %v", c.name, got.Sum, got.Mean, c.sum, c.mean)
		}
	}
}
