package graph

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawBox(t *rapid.T, rows, cols int32) box {
	a, b := rapid.Int32Range(0, rows-1).Draw(t, "row"), rapid.Int32Range(0, cols-1).Draw(t, "col")
	return box{{a, min(rows-1, a+rapid.Int32Range(0, 9).Draw(t, "height"))}, {b, min(cols-1, b+rapid.Int32Range(0, 3).Draw(t, "width"))}}
}

func collect(t tree, q box) []entry {
	var out []entry
	t.search(q, func(e *entry) bool {
		out = append(out, *e)
		return true
	})
	slices.SortFunc(out, func(a, b entry) int { return int(a.span - b.span) })
	return out
}

// TestTree holds trees to lists: packed ones and all that are made from them, each of which stays
// what it was.
func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []entry
		id := int32(0)
		draw := func() entry {
			id++
			b := drawBox(t, 100, 8)
			if rapid.Bool().Draw(t, "popular") {
				b = box{{1, 1}, {1, 1}}
			}
			return entry{b, id, id % 3}
		}
		for range rapid.IntRange(0, 400).Draw(t, "packed") {
			list = append(list, draw())
		}
		type version struct {
			tree tree
			list []entry
		}
		versions := []version{{pack(slices.Clone(list)), list}}
		for range rapid.IntRange(0, 4).Draw(t, "edits") {
			v := versions[rapid.IntRange(0, len(versions)-1).Draw(t, "from")]
			v.list = slices.Clone(v.list)
			w := new(owner)
			for range rapid.IntRange(0, 120).Draw(t, "steps") {
				if len(v.list) > 0 && rapid.IntRange(0, 2).Draw(t, "remove") > 0 {
					i := rapid.IntRange(0, len(v.list)-1).Draw(t, "which")
					v.tree.remove(w, v.list[i])
					v.list = slices.Delete(v.list, i, i+1)
					continue
				}
				e := draw()
				v.tree.insert(w, e)
				v.list = append(v.list, e)
			}
			v.tree.remove(w, entry{box{{5, 6}, {1, 1}}, -7, 0}) // is not there
			versions = append(versions, v)
		}
		for i, v := range versions {
			if v.tree.n != len(v.list) {
				t.Fatalf("version %d has %d entries, want %d", i, v.tree.n, len(v.list))
			}
			for range 5 {
				q := drawBox(t, 100, 8)
				var want []entry
				for _, e := range v.list {
					if e.box.meets(q) {
						want = append(want, e)
					}
				}
				slices.SortFunc(want, func(a, b entry) int { return int(a.span - b.span) })
				if got := collect(v.tree, q); !slices.Equal(got, want) {
					t.Fatalf("version %d: %v has %v, want %v", i, q, got, want)
				}
			}
			if (v.tree.bytes() == 0) != (len(v.list) == 0) {
				t.Errorf("a tree of %d entries has %d bytes", len(v.list), v.tree.bytes())
			}
			checkNode(t, v.tree.root)
		}
	})
}

// checkNode holds the bounds in a tree to what is below them.
func checkNode(t *rapid.T, n *node) {
	if n == nil {
		return
	}
	if len(n.entries) > fanout || len(n.kids) > fanout || len(n.entries)+len(n.kids) == 0 {
		t.Fatalf("a node has %d entries and %d kids", len(n.entries), len(n.kids))
	}
	for i := range n.kids {
		if k := n.kids[i]; kidOf(k.n) != k {
			t.Fatalf("a node has bounds %v, should have %v", k, kidOf(k.n))
		}
		checkNode(t, n.kids[i].n)
	}
}
