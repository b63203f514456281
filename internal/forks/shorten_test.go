package forks

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
	"gridflow/internal/journal"
)

// everything gives what can be read of the versions of a fork from one on.
func (r *rig) everything(id string, from, to uint64) map[uint64]contents {
	r.Helper()
	all := map[uint64]contents{}
	for v := from; v <= to; v++ {
		all[v] = r.read(fmt.Sprintf("%s@%d", id, v))
	}
	return all
}

func (r *rig) same(id string, want map[uint64]contents) {
	r.Helper()
	for v, c := range want {
		if d := r.read(fmt.Sprintf("%s@%d", id, v)).diff(c); d != "" {
			r.Fatalf("%s@%d:\n%s", id, v, d)
		}
	}
}

func (r *rig) info(id string) Info {
	r.Helper()
	i, err := r.store.Info(context.Background(), id)
	if err != nil {
		r.Fatal(err)
	}
	return i
}

func (r *rig) gone(id string, v uint64) {
	r.Helper()
	if err := r.store.View(context.Background(), fmt.Sprintf("%s@%d", id, v), func(*book.Snapshot) error { return nil }); code(err) != CodeGone {
		r.Fatalf("%s@%d: %v", id, v, err)
	}
}

// A fork that is edited for long keeps as many versions as it is told to, and the journal
// does not grow with it.
func TestHistoryIsBounded(t *testing.T) {
	r := newRig(t, Options{History: 10})
	r.close()
	r.log.SegmentBytes = 4000
	r.open()
	f := r.create("a.xlsx")
	want := map[uint64]contents{}
	most := 0
	for n := range uint64(300) {
		r.edit(f.ID, number("A1", float64(n)))
		i := r.info(f.ID)
		if i.Version != n+1 || i.Edits != int(n+1) || i.First > 0 && i.First+10 > i.Version || i.Version-i.First > 20 {
			t.Fatalf("%+v", i)
		}
		if i.Undo != int(i.Version-i.First) {
			t.Fatalf("%d steps to undo from %d with %d as the oldest", i.Undo, i.Version, i.First)
		}
		want[i.Version] = r.read(f.ID)
		most = max(most, r.store.log.Stats().Segments)
		if n%37 == 0 {
			r.restart()
		}
	}
	if most > 6 {
		t.Errorf("the journal had %d segments", most)
	}
	i := r.info(f.ID)
	for v := range want {
		if v < i.First {
			delete(want, v)
		}
	}
	for range 2 {
		r.same(f.ID, want)
		r.gone(f.ID, i.First-1)
		h, err := r.store.History(t.Context(), f.ID, 0, 1000)
		if err != nil || h[0].Number != i.First || h[0].What != "edit" || h[0].Tool != "test" || h[len(h)-1].Number != i.Version {
			t.Fatalf("%v, %v", h, err)
		}
		versions, _, err := r.store.EditsOf(t.Context(), f.ID, 0, 1000)
		if err != nil || versions[0].Number != i.First+1 {
			t.Fatalf("%v, %v", versions, err)
		}
		r.restart()
	}
	if _, err := r.store.Undo(t.Context(), f.ID, i.Undo+1, Commit{}); code(err) != CodeGone {
		t.Errorf("%v", err)
	}
	if _, err := r.store.Undo(t.Context(), f.ID, i.Undo, Commit{}); err != nil {
		t.Error(err)
	}
	if d := r.read(f.ID).diff(want[i.First]); d != "" {
		t.Error(d)
	}
	if _, err := r.store.Replay(t.Context(), f.ID); err != nil {
		t.Error(err)
	}
	if err := r.store.Discard(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if n := len(r.store.List(context.Background())); n != 0 || len(r.store.log.Streams()) != 0 {
		t.Errorf("%d forks, streams %v", n, r.store.log.Streams())
	}
}

// A checkpoint and a staged change keep their version and all later ones, a redo what it goes to.
func TestHistoryIsHeld(t *testing.T) {
	r := newRig(t, Options{History: 3})
	f := r.create("a.xlsx")
	edits := func(n int) {
		for k := range n {
			r.edit(f.ID, number("A1", float64(k)))
		}
	}
	edits(2)
	cp, err := r.store.Checkpoint(t.Context(), f.ID, "here")
	if err != nil {
		t.Fatal(err)
	}
	edits(2)
	st, _, err := r.store.Stage(t.Context(), f.ID, number("A1", 8), Commit{Account: func(*book.Changeset) string { return "as said \xff" }})
	if err != nil {
		t.Fatal(err)
	}
	edits(20)
	if i := r.info(f.ID); i.First > 2 {
		t.Fatalf("%+v", i)
	}
	if err := r.store.DeleteCheckpoint(t.Context(), f.ID, cp.ID); err != nil {
		t.Fatal(err)
	}
	edits(20)
	if i := r.info(f.ID); i.First != 4 {
		t.Fatalf("%+v", i)
	}
	r.restart()
	list, err := r.store.StagedChanges(t.Context(), f.ID)
	if err != nil || len(list) != 1 || list[0].ID != st.ID || list[0].Version != 4 || !list[0].Created.Equal(st.Created) || list[0].Cells != 1 || list[0].Account != "as said \ufffd" {
		t.Fatalf("%v, %v", list, err)
	}
	if err := r.store.DiscardStaged(t.Context(), f.ID, st.ID); err != nil {
		t.Fatal(err)
	}
	edits(20)
	if _, err := r.store.Undo(t.Context(), f.ID, 3, Commit{}); err != nil {
		t.Fatal(err)
	}
	at := r.info(f.ID)
	for range 2 { // moves alone make it longer
		for range 3 {
			if _, err := r.store.Redo(t.Context(), f.ID, 1, Commit{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.store.Undo(t.Context(), f.ID, 3, Commit{}); err != nil {
			t.Fatal(err)
		}
	}
	if i := r.info(f.ID); i.Redo != 3 || i.First <= at.First || i.Version-i.First > 12 {
		t.Fatalf("%+v after %+v", i, at)
	}
}

// What versions that stay have from versions that go is brought along: on another base, too,
// and with the moment at which it was calculated.
func TestHistoryBrings(t *testing.T) {
	r := newRig(t, Options{History: 4})
	f := r.create("a.xlsx")
	r.edit(f.ID, set("Data", "D3", book.CellEdit{HasFormula: true, Formula: "RAND()"}))
	r.edit(f.ID, number("D4", 7))
	old := r.info(f.ID).Base
	r.put("a.xlsx", smallBook(t, 3))
	if m, err := r.store.Merge(t.Context(), f.ID, "a.xlsx", MergeOptions{}); err != nil || !m.Done {
		t.Fatal(m, err)
	}
	for n := range 3 {
		r.edit(f.ID, number("A1", float64(n)))
	}
	second := uint64(2)
	restore := func(v uint64) {
		if _, err := r.store.Restore(t.Context(), f.ID, "", &v, Commit{}); err != nil {
			t.Fatal(err)
		}
	}
	restore(second) // 7: on the old base
	want := r.everything(f.ID, 4, 7)
	restore(second) // 8
	want[8] = want[7]
	r.edit(f.ID, number("A2", 2)) // 9
	want[9] = r.read(f.ID)
	i := r.info(f.ID)
	if i.First != 4 || r.store.Stats().Shortened == 0 || r.kept() != 2 {
		t.Fatalf("%+v; %d bases", i, r.kept())
	}
	for range 2 {
		r.same(f.ID, want)
		h, err := r.store.History(t.Context(), f.ID, 0, 10)
		if err != nil || fmt.Sprint(h[3].Number, h[3].What, h[3].Of, h[4].Number, h[4].What, h[4].Of) != "7restore7 8restore7" {
			t.Fatalf("%+v, %v", h, err)
		}
		r.restart()
	}
	if r.info(f.ID).Base != old {
		t.Error("it stands on another base")
	}
	// Back over the merge: the base of what has gone is not held any more once nothing has it.
	for range 30 {
		r.edit(f.ID, number("A2", 3))
	}
	if r.kept() != 1 {
		t.Errorf("%d bases are kept", r.kept())
	}
	r.restart()
	if r.kept() != 1 || r.at(f.ID, "D4") != "7" {
		t.Errorf("%d bases are kept, D4 is %s", r.kept(), r.at(f.ID, "D4"))
	}
}

// TestHistoryLeavesBases holds that a version is read on what it stands on also when what earlier ones stood
// on has gone, and with it the number that its base had; and that what depends on chance stays as it was.
func TestHistoryLeavesBases(t *testing.T) {
	r := newRig(t, Options{History: 2, LiveBytes: 1})
	chancy := func(b1 float64) []byte {
		b := &genbook.Book{}
		var data genbook.Grid
		data.Formula("A1", 0, "RAND()", nil)
		data.Formula("A2", 0, "B1*2", nil)
		data.Set("B1", 0, b1)
		b.AddSheet(data.Fill(&genbook.Sheet{Name: "Data"}))
		b.AddSheet(&genbook.Sheet{Name: "Sums"})
		var out bytes.Buffer
		if err := b.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	r.put("none.xlsx", chancy(1))
	f := r.create("none.xlsx")
	want := map[uint64]contents{}
	look := func() {
		now := r.info(f.ID)
		want[now.Version] = r.read(f.ID)
		maps.DeleteFunc(want, func(v uint64, _ contents) bool { return v < now.First })
		r.same(f.ID, want)
	}
	for n := range 6 {
		r.put("none.xlsx", chancy(float64(n+2)))
		if m, err := r.store.Merge(t.Context(), f.ID, "none.xlsx", MergeOptions{}); err != nil || !m.Done {
			t.Fatal(m, err)
		}
		look()
		for range n {
			r.edit(f.ID, number("C5", float64(n)))
			look()
		}
		if n == 4 {
			r.restart()
			look()
		}
	}
	if r.store.Stats().Shortened == 0 || r.kept() != 1 {
		t.Errorf("%+v; %d bases", r.store.Stats(), r.kept())
	}
	if got := r.at(f.ID, "A2"); got != "14=B1*2" {
		t.Errorf("A2 is %s", got)
	}
}

// A line that goes back to many contents from long ago stays as long as it is until it does no more.
func TestHistoryOfManyReturns(t *testing.T) {
	r := newRig(t, Options{History: 2 * broughtMax})
	f := r.create("a.xlsx")
	for n := range 2*broughtMax + 1 {
		r.edit(f.ID, number("A1", float64(n)))
	}
	for n := range uint64(broughtMax + 1) {
		v := n + 1
		if _, err := r.store.Restore(t.Context(), f.ID, "", &v, Commit{}); err != nil {
			t.Fatal(err)
		}
	}
	for range broughtMax {
		r.edit(f.ID, number("A2", 5))
	}
	if i := r.info(f.ID); i.First > 1 || i.Version < 4*broughtMax {
		t.Fatalf("%+v", i)
	}
	for range 4 * broughtMax {
		r.edit(f.ID, number("A2", 6))
	}
	if i := r.info(f.ID); i.First < 2*broughtMax {
		t.Fatalf("%+v", i)
	}
}

// A stream that was begun and not completed when the machine stopped is ended, and does not
// stand in the way of the next.
func TestUnfinishedStream(t *testing.T) {
	r := newRig(t, Options{History: 4})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 1))
	for n, records := range [][]journal.Record{
		{{Kind: uint8(resumed), Data: event{Base: &f.Base, First: 1, Kind: edited}.encode(nil)}},
		{{Kind: uint8(resumed), Data: event{Base: &f.Base, First: 1, Kind: edited}.encode(nil)}, {Kind: uint8(edited), Data: event{}.encode(number("A1", 9).AppendTo(nil))}},
	} {
		if _, err := r.store.log.AppendAll(f.ID+"+2", records); err != nil {
			t.Fatal(err)
		}
		r.restart()
		if got := r.at(f.ID, "A1"); got != fmt.Sprint(n+1) || !slices.Equal(r.store.log.Streams(), []string{f.ID}) {
			t.Fatalf("A1 is %s; streams %v", got, r.store.log.Streams())
		}
		r.edit(f.ID, number("A1", float64(n+2)))
	}
	for n := range 20 {
		r.edit(f.ID, number("A1", float64(n)))
	}
	r.restart()
	if r.at(f.ID, "A1") != "19" || r.info(f.ID).First == 0 {
		t.Errorf("%+v", r.info(f.ID))
	}
	// One without the stream that it was told from cannot be made use of, and is left alone.
	if _, err := r.store.log.AppendAll("fork-other+2", []journal.Record{{Kind: uint8(resumed), Data: event{Base: &f.Base, First: 1, Kind: edited}.encode(nil)}}); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if len(r.store.List(context.Background())) != 1 || r.store.Unread() != 1 || len(r.store.log.Streams()) != 2 {
		t.Errorf("%d forks, streams %v", len(r.store.List(context.Background())), r.store.log.Streams())
	}
}

// Without a bound nothing is lost; a line that is strewn over many segments is gathered, so
// that these can go.
func TestStrewnLineIsGathered(t *testing.T) {
	r := newRig(t, Options{})
	r.close()
	r.log.SegmentBytes = 4000
	r.open()
	a := r.create("a.xlsx")
	cp, err := r.store.Checkpoint(t.Context(), a.ID, "begin")
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint64]contents{0: r.read(a.ID)}
	for n := range 40 {
		r.edit(a.ID, number("A1", float64(n)))
		want[uint64(n+1)] = r.read(a.ID)
		b := r.create("a.xlsx") // what goes in between
		big := book.SetCells{Sheet: "Data"}
		for row := range 100 {
			big.Cells = append(big.Cells, book.CellEdit{Ref: cell.Ref{Row: row, Col: 5}, Value: cell.NumberValue(float64(row) + 0.5)})
		}
		for range 3 {
			r.edit(b.ID, book.Edit{Ops: []book.Op{big}})
		}
		if err := r.store.Discard(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
		if n := r.store.log.Stats().Segments; n > strewnMin+8 {
			t.Fatalf("%d segments", n)
		}
	}
	if r.store.Stats().Shortened == 0 {
		t.Fatal("it was not gathered")
	}
	before := r.info(a.ID)
	for range 2 {
		r.same(a.ID, want)
		i := r.info(a.ID)
		i.Used = before.Used
		if i != before || i.First != 0 || i.Undo != 40 {
			t.Errorf("%+v, was %+v", i, before)
		}
		cps, err := r.store.Checkpoints(t.Context(), a.ID)
		if err != nil || len(cps) != 1 || cps[0].ID != cp.ID || !cps[0].Created.Equal(cp.Created) {
			t.Errorf("%v, %v", cps, err)
		}
		h, err := r.store.History(t.Context(), a.ID, 0, 100)
		if err != nil || len(h) != 41 || h[0].What != "created" || h[1].What != "edit" || h[1].Cells != 1 {
			t.Errorf("%v, %v", h, err)
		}
		versions, edits, err := r.store.EditsOf(t.Context(), a.ID, 0, 100)
		if err != nil || len(versions) != 40 || edits[0].Cells() != 1 {
			t.Errorf("%v, %v", versions, err)
		}
		r.restart()
	}
}

// A content that is calculated behind becomes one of another number when the line is shortened:
// it is calculated all the same.
func TestShortenWhileCalculatedBehind(t *testing.T) {
	open, told := make(chan struct{}), make(chan struct{}, 1)
	begin := func(ctx context.Context) (context.Context, func(), error) {
		select {
		case <-open:
			return ctx, func() {}, nil
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
	r := newRig(t, Options{History: 1, CalcBudget: 1, Calculate: begin, Changed: func(string, uint64) {
		select {
		case told <- struct{}{}:
		default:
		}
	}})
	a := r.create("a.xlsx")
	r.edit(a.ID, number("A1", 100))
	f := r.create(a.ID) // its version 0 is stale, and stands whole
	r.edit(f.ID, number("D4", 1))
	zero := uint64(0)
	for r.info(f.ID).First == 0 {
		if _, err := r.store.Restore(t.Context(), f.ID, "", &zero, Commit{}); err != nil {
			t.Fatal(err)
		}
	}
	i := r.info(f.ID)
	if !i.Stale {
		t.Fatalf("%+v", i)
	}
	close(open)
	for r.info(f.ID).Stale {
		<-told
	}
	if got := r.at(f.ID, "C1"); got != "200=A1*2" {
		t.Errorf("C1 is %s", got)
	}
}
