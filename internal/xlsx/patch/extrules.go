package patch

import (
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx/emit"
	"gridflow/internal/xlsx/splice"
)

// extRule is what of a rule that stands in an extension may become another: which cells it is of and its formulas. The
// details of a rule of the sheet's own are such rules too, with its id, whose formulas are not looked at.
type extRule struct {
	id       string
	ranges   []cell.Range
	formulas []string
}

func extensionRules[T any](list []T, of func(*T) extRule) []extRule {
	out := make([]extRule, len(list))
	for i := range list {
		out[i] = of(&list[i])
	}
	return out
}

// extended brings the rules of a name in the extensions of the sheet ([MS-XLSX] 2.3.2) to where they are now. They are not made here:
// they move and go. What else they say stays as it stands in the file.
func (t *tail) extended(name string, was, is []extRule) error {
	same := func(a, b *extRule) bool {
		return a.id == b.id && sqref(a.ranges) == sqref(b.ranges) && slices.Equal(a.formulas, b.formulas)
	}
	if len(was) == len(is) && !slices.ContainsFunc(was, func(a extRule) bool {
		return !slices.ContainsFunc(is, func(b extRule) bool { return same(&a, &b) })
	}) {
		return nil
	}
	// Which of the new ones each is: the equal one, or else the first that is left. With an id it is that of the id.
	become := make([]int, len(was))
	used := make([]bool, len(is))
	pick := func(i int, fits func(a, b *extRule) bool) {
		for k := range is {
			if become[i] < 0 && !used[k] && fits(&was[i], &is[k]) {
				become[i], used[k] = k, true
			}
		}
	}
	for i := range was {
		become[i] = -1
		pick(i, same)
	}
	for i := range was {
		pick(i, func(a, b *extRule) bool { return a.id == b.id && len(a.formulas) == len(b.formulas) })
	}
	n := 0 // of those without an id
	rule := func(id string) int {
		if i := slices.IndexFunc(was, func(r extRule) bool { return r.id != "" && r.id == id }); i >= 0 {
			return i
		}
		for i := range was {
			if was[i].id == "" {
				if n == i {
					n++
					return i
				}
			}
		}
		return -1
	}
	for _, list := range t.find("extLst") {
		for _, ext := range t.children(list) {
			left, went, err := t.extension(ext, name, was, is, become, rule)
			if err != nil {
				return err
			}
			if went > 0 && left == 0 {
				t.drop(ext)
			}
		}
	}
	return nil
}

// tidy takes a list of extensions away of which none is left.
func (t *tail) tidy() {
	for _, list := range t.find("extLst") {
		exts := t.children(list)
		gone := len(exts) > 0
		for _, ext := range exts {
			gone = gone && slices.ContainsFunc(t.edits, func(x splice.Edit) bool { return x.From == int64(ext.from) && x.To == int64(ext.to) && len(x.New) == 0 })
		}
		if gone {
			t.drop(list)
		}
	}
}

// drop takes an element away, with the edits that were made in it. What is put before or behind it stays.
func (t *tail) drop(e element) {
	kept := t.edits[:0]
	for _, x := range t.edits {
		if x.To <= int64(e.from) || x.From >= int64(e.to) {
			kept = append(kept, x)
		}
	}
	t.edits = kept
	t.edit(e.from, e.to, nil)
}

// extension edits one extension, and tells how many of its rules are left and how many went.
func (t *tail) extension(ext element, name string, was, is []extRule, become []int, rule func(id string) int) (left, went int, err error) {
	for _, lists := range t.children(ext) { // x14:conditionalFormattings or x14:dataValidations
		for _, entry := range t.children(lists) {
			rules := []element{entry}
			if name == "cfRule" {
				if rules = nil; entry.local == "conditionalFormatting" {
					for _, c := range t.children(entry) {
						if c.local == name {
							rules = append(rules, c)
						}
					}
				}
			} else if entry.local != name {
				rules = nil
			}
			gone, to := 0, []string(nil)
			for _, r := range rules {
				i := rule(decoded(attribute(r.tag(t.text), "id")))
				switch {
				case i < 0:
					to = append(to, "")
				case become[i] < 0:
					gone++
					t.edit(r.from, r.to, nil)
				default:
					now := is[become[i]]
					if to = append(to, ""); sqref(now.ranges) != sqref(was[i].ranges) {
						to[len(to)-1] = sqref(now.ranges)
					}
					if now.id == "" && !slices.Equal(now.formulas, was[i].formulas) {
						t.extFormulas(r, now.formulas)
					}
				}
			}
			left, went = left+len(rules)-gone, went+gone
			if gone > 0 && gone == len(rules) {
				t.drop(entry)
				continue
			}
			if slices.ContainsFunc(to, func(s string) bool { return s != "" }) {
				if slices.ContainsFunc(to, func(s string) bool { return s != to[0] }) {
					return 0, 0, t.unreadable("rules of an extension")
				}
				for _, c := range t.children(entry) {
					if c.local == "sqref" && !c.empty {
						t.edit(c.tagEnd, c.inner, []byte(to[0]))
					}
				}
			}
		}
		if went > 0 && left > 0 && attribute(lists.tag(t.text), "count") != nil {
			t.edit(lists.from, lists.tagEnd, withAttribute(lists.tag(t.text), "count", itoa(left)))
		}
	}
	return left, went, nil
}

// extFormulas gives the formulas of a rule, which stand in elements xm:f, directly or within others, other texts.
func (t *tail) extFormulas(r element, formulas []string) {
	n := 0
	for _, c := range t.children(r) {
		f, ok := c, c.local == "f"
		if c.local == "formula1" || c.local == "formula2" {
			if inner := t.children(c); len(inner) > 0 {
				f, ok = inner[0], true
			}
		}
		if ok && !f.empty && n < len(formulas) {
			t.edit(f.tagEnd, f.inner, emit.AppendText(nil, formulas[n]))
			n++
		}
	}
}
