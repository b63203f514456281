package forks

import (
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
			if again, _, err := decode(e.encode(nil)); err != nil || !reflect.DeepEqual(again, e) {
				t.Fatalf("%+v became %+v, %v", e, again, err)
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
	for n, v := range l.versions {
		if v.content > uint64(n) || l.versions[v.content].content != v.content || int(v.base) >= len(l.bases) || v.base != l.versions[v.content].base {
			t.Fatalf("version %d: %+v", n, v)
		}
		if !v.fresh && v.content == uint64(n) && (v.parent >= uint64(n) || l.versions[v.parent].content != v.parent || l.versions[v.parent].base != v.base) {
			t.Fatalf("version %d is made on %d", n, v.parent)
		}
	}
	for _, v := range append(append([]uint64{}, l.undo...), l.redo...) {
		if v >= uint64(len(l.versions)) || l.versions[v].content != v {
			t.Fatalf("a step to %d", v)
		}
	}
	for _, c := range l.checkpoints {
		if c.Version >= uint64(len(l.versions)) {
			t.Fatalf("%+v", c)
		}
	}
	for _, s := range l.staged {
		if s.Version >= uint64(len(l.versions)) {
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
		{"a kind to come", begin, step{14, event{}}},
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
	if got := fmt.Sprint(l.savedSum["a.xlsx"]); got != "[1 2]" {
		t.Error(got)
	}
	apply(saved, event{Path: "a.xlsx", Sum: "2"})
	if got := fmt.Sprint(l.savedSum["a.xlsx"]); got != "[2]" {
		t.Error(got)
	}
}
