package forks

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"gridflow/internal/journal"
	"gridflow/internal/workspace"
)

func TestEventRoundTrip(t *testing.T) {
	base := workspace.Base{SHA256: strings.Repeat("ab", 32), Ext: ".xlsx", Bytes: 7}
	for _, e := range []event{
		{},
		{Workbook: "wb-1", Path: "a/b.xlsx", Base: &base, Label: "ä\x00\n<&>", TTL: 5, From: "fork-x@2"},
		{Tool: "edit_batch", Why: whyUndo, ID: "cp-1", Of: 1 << 60, Steps: 3, Cells: 9, Change: "chg-1", Sum: "00"},
	} {
		for _, payload := range []string{"", "\x00", "{}", strings.Repeat("x", 300)} {
			got, rest, err := decode(e.encode([]byte(payload)))
			if err != nil || !reflect.DeepEqual(got, e) || string(rest) != payload {
				t.Errorf("%+v %q: %+v %q %v", e, payload, got, rest, err)
			}
		}
	}
	for _, data := range []string{"", "\x01", "\x05{}", "\x02[]", "\x02xx", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01{}"} {
		if _, _, err := decode([]byte(data)); !errors.Is(err, errRecord) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// FuzzRecords replays whatever bytes as the records of a line. Nothing panics, and a line
// that took them is sound.
func FuzzRecords(f *testing.F) {
	base := workspace.Base{SHA256: "x", Ext: ".xlsx"}
	made := string(event{Base: &base}.encode(nil))
	f.Add(made, string([]byte{byte(edited), byte(moved)}), string(event{Why: whyUndo}.encode(nil)))
	f.Add(made, string([]byte{byte(edited), byte(edited), byte(anchored)}), string(event{Of: 1}.encode(nil)))
	f.Add(made, string([]byte{byte(rebased), byte(checkpointed), byte(staged), byte(saving), byte(saved)}), string(event{Base: &base, Of: 1}.encode([]byte("edit"))))
	f.Add("\x02{}", "\x01", "\x02{}")
	f.Add(string(event{Base: &base, First: 5, Kind: edited}.encode(nil)), string([]byte{byte(brought), byte(moved), byte(complete)}), string(event{Base: &base, Kind: moved, Of: 5, Why: whyUndo, State: &state{Undo: []uint64{5}, Checkpoints: []Checkpoint{{ID: "cp", Version: 6}}}}.encode(nil)))
	f.Fuzz(func(t *testing.T, first, kinds, data string) {
		var l line
		for i, k := range append([]byte{byte(created)}, kinds...) {
			record := data
			if i == 0 {
				record = first
			}
			e, _, err := decode([]byte(record))
			if err != nil {
				continue
			}
			if again, _, err := decode(e.encode(nil)); err != nil || !bytes.Equal(again.encode(nil), e.encode(nil)) {
				t.Fatalf("%s became %s, %v", e.encode(nil), again.encode(nil), err)
			}
			if i == 0 && e.First != 0 {
				k = byte(resumed)
			}
			if err := l.apply(kind(k), e, journal.Pos(i+1), time.Time{}); err != nil && !errors.Is(err, errRecord) {
				t.Fatalf("an error of another kind: %v", err)
			}
		}
		sound(t, &l)
	})
}

// sound fails where something in a line leads nowhere.
func sound(t *testing.T, l *line) {
	t.Helper()
	for i, v := range l.versions {
		n := l.first + uint64(i)
		if v.content > n || !l.has(v.content) || l.content(v.content) != v.content || int(v.base) >= len(l.bases) || v.base != l.rec(v.content).base {
			t.Fatalf("version %d: %+v", n, v)
		}
		if v.content == n && (!l.has(v.calc) || v.calc > n) {
			t.Fatalf("version %d is calculated as %d", n, v.calc)
		}
		if !v.fresh && v.content == n && (v.parent >= n || !l.has(v.parent) || l.content(v.parent) != v.parent || l.rec(v.parent).base != v.base) {
			t.Fatalf("version %d is made on %d", n, v.parent)
		}
	}
	for _, v := range append(append([]uint64{}, l.undo...), l.redo...) {
		if !l.has(v) || l.content(v) != v {
			t.Fatalf("a step to %d", v)
		}
	}
	for _, c := range l.checkpoints {
		if !l.has(c.Version) {
			t.Fatalf("%+v", c)
		}
	}
	for _, s := range l.staged {
		if !l.has(s.Version) {
			t.Fatalf("%+v", s)
		}
	}
}

// TestLineRefuses: what cannot follow is refused, and leaves the line as it is.
func TestLineRefuses(t *testing.T) {
	base := &workspace.Base{SHA256: "x", Ext: ".xlsx"}
	type step struct {
		k kind
		e event
	}
	begin := []step{{created, event{Base: base}}, {edited, event{}}, {edited, event{}}, {moved, event{Why: whyUndo, Of: 1}}}
	marked := append(begin[:4:4], step{checkpointed, event{ID: "cp", Of: 1}}, step{staged, event{ID: "chg", Of: 3}})
	again := []step{{resumed, event{Base: base, First: 7, Kind: edited}}, {edited, event{}}, {moved, event{Of: 7}}, {brought, event{Base: base, Kind: moved, Why: whyUndo}}}
	told := append(again[:4:4], step{complete, event{State: &state{Undo: []uint64{7, 8}}}})
	for _, c := range []struct {
		name   string
		before []step
		last   step
	}{
		{"an edit of nothing", nil, step{edited, event{}}},
		{"created twice", begin, step{created, event{Base: base}}},
		{"created without a base", nil, step{created, event{}}},
		{"created of a version", nil, step{created, event{Base: base, Of: 1}}},
		{"rebased on nothing", begin, step{rebased, event{}}},
		{"a version to come", begin, step{moved, event{Why: whyRestore, Of: 4}}},
		{"a checkpoint of a version to come", begin, step{checkpointed, event{ID: "cp", Of: 4}}},
		{"an anchor of a version to come", begin, step{anchored, event{Of: 4}}},
		{"an undo to elsewhere", begin, step{moved, event{Why: whyUndo, Of: 2}}},
		{"more steps than there are", begin, step{moved, event{Why: whyUndo, Of: 0, Steps: 2}}},
		{"steps the other way", begin, step{moved, event{Why: whyUndo, Of: 0, Steps: -1}}},
		{"a redo to elsewhere", begin, step{moved, event{Why: whyRedo, Of: 1}}},
		{"a redo after an edit", append(begin[:4:4], step{edited, event{}}), step{moved, event{Why: whyRedo, Of: 2}}},
		{"a move without a reason", begin, step{moved, event{Of: 1}}},
		{"a kind to come", begin, step{17, event{}}},
		{"resumed twice", begin, step{resumed, event{Base: base, Kind: edited}}},
		{"resumed without a base", nil, step{resumed, event{Kind: edited}}},
		{"resumed by no version", nil, step{resumed, event{Base: base, Kind: staged}}},
		{"brought where nothing is told again", begin, step{brought, event{Base: base, Kind: moved}}},
		{"complete where nothing is told again", begin, step{complete, event{State: &state{}}}},
		{"a checkpoint while it is told again", again, step{checkpointed, event{ID: "cp", Of: 7}}},
		{"an undo to what has gone", again, step{moved, event{Why: whyUndo, Of: 6}}},
		{"brought by an edit", again, step{brought, event{Base: base, Kind: edited}}},
		{"complete without a state", again, step{complete, event{}}},
		{"complete with a step to what has gone", again, step{complete, event{State: &state{Undo: []uint64{6}}}}},
		{"complete with a step to a move", again, step{complete, event{State: &state{Redo: []uint64{9}}}}},
		{"complete with a checkpoint of what has gone", again, step{complete, event{State: &state{Checkpoints: []Checkpoint{{Version: 3}}}}}},
		{"a move to what has gone, afterwards", told, step{moved, event{Why: whyRestore, Of: 6}}},
		{"a checkpoint of what has gone", told, step{checkpointed, event{ID: "cp", Of: 6}}},
		{"complete twice", told, step{complete, event{State: &state{}}}},
		{"no kind", begin, step{0, event{}}},
		{"a checkpoint that is there", marked, step{checkpointed, event{ID: "cp", Of: 1}}},
		{"a checkpoint that is not there", marked, step{uncheckedOut, event{ID: "other"}}},
		{"a change that is there", marked, step{staged, event{ID: "chg", Of: 1}}},
		{"a change that is not there", marked, step{unstaged, event{ID: "other"}}},
		{"a change applied that is not there", marked, step{edited, event{Change: "other"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l, twin line
			for i, s := range c.before {
				for _, l := range []*line{&l, &twin} {
					if err := l.apply(s.k, s.e, journal.Pos(i+1), time.Time{}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := l.apply(c.last.k, c.last.e, 99, time.Time{}); !errors.Is(err, errRecord) {
				t.Errorf("%v", err)
			}
			if got, want := fmt.Sprintf("%+v", l), fmt.Sprintf("%+v", twin); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			sound(t, &l)
		})
	}
}

// TestSavedSums: what a fork has left at a path, or may have, stays known, and is bounded
// however many saves fail.
func TestSavedSums(t *testing.T) {
	var l line
	apply := func(k kind, e event) {
		t.Helper()
		if err := l.apply(k, e, 1, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	apply(created, event{Base: &workspace.Base{SHA256: "x"}})
	for range 100 {
		apply(saving, event{Path: "a.xlsx", Sum: "1"})
	}
	apply(saving, event{Path: "a.xlsx", Sum: "2"})
	if got := fmt.Sprint(l.left["a.xlsx"]); got != "[{1 x} {2 x}]" {
		t.Error(got)
	}
	apply(saved, event{Path: "a.xlsx", Sum: "2"})
	if got := fmt.Sprint(l.left["a.xlsx"]); got != "[{2 x}]" {
		t.Error(got)
	}
}
