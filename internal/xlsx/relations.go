package xlsx

import (
	"path"
	"strings"
)

// Relation is a line from a part to what it refers to.
type Relation struct {
	ID       string
	Kind     string // the last word of its type: "table", "drawing", "image", …
	Target   string // as it stands in the file
	External bool
	Part     *Part // nil where the target is no part
}

// Relations gives the relationships of the part of that name, in file order; "" stands for the
// package. A part without any gives none.
func (p *Package) Relations(of string) ([]Relation, error) {
	rels, err := p.relationshipsOf(of)
	if err != nil {
		return nil, err
	}
	list := make([]Relation, len(rels.list))
	for i, r := range rels.list {
		list[i] = Relation{r.id, r.kind, r.target, r.external, r.part}
	}
	return list, nil
}

// Referrers counts, for every part that a relationship leads to, the parts that have such a
// relationship, once each.
func (p *Package) Referrers() (map[*Part]int, error) {
	counts := make(map[*Part]int)
	for i := range p.dir.parts {
		name := p.dir.parts[i].Name
		folder, file := path.Split(name)
		owner, ok := strings.CutSuffix(file, ".rels")
		if !ok || path.Base(folder) != "_rels" || p.Find(name) != &p.dir.parts[i] {
			continue
		}
		rels, err := p.relationshipsOf(strings.TrimPrefix(path.Join(path.Dir(path.Clean(folder)), owner), "./"))
		if err != nil {
			return nil, err
		}
		seen := make(map[*Part]bool)
		for k := range rels.list {
			if part := rels.list[k].part; part != nil && !seen[part] {
				seen[part] = true
				counts[part]++
			}
		}
	}
	return counts, nil
}
