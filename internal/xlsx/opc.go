package xlsx

import (
	"net/url"
	"path"
	"strings"

	"gridflow/internal/xlsx/xmltext"
)

// maxEntries bounds every list that a part other than a sheet's cells can make grow.
const maxEntries = 1 << 19

// relationship is one line from a part to what it refers to.
type relationship struct {
	id       string
	kind     string // the last word of its type: "worksheet", "comments", "vbaProject", …
	target   string // as it stands in the file
	external bool
	part     *Part // what an internal target names; nil where it names no part
}

// relationships are those of one part, in file order.
type relationships struct {
	list []relationship
	byID map[string]int
}

// get gives the relationship of that id, or nil.
func (r *relationships) get(id string) *relationship {
	if i, ok := r.byID[id]; ok {
		return &r.list[i]
	}
	return nil
}

// first gives the first relationship of a kind that leads to a part, or nil.
func (r *relationships) first(kind string) *relationship {
	for i := range r.list {
		if r.list[i].kind == kind && r.list[i].part != nil {
			return &r.list[i]
		}
	}
	return nil
}

// parts gives the parts that relationships of a kind lead to, each once however often
// it is named.
func (r *relationships) parts(kind string) []*Part {
	var parts []*Part
	seen := make(map[*Part]bool)
	for i := range r.list {
		if rel := &r.list[i]; rel.kind == kind && rel.part != nil && !seen[rel.part] {
			seen[rel.part] = true
			parts = append(parts, rel.part)
		}
	}
	return parts
}

// relationshipsOf reads the relationships of a part; "" stands for the package. A part
// that has none gives an empty list. They are never followed here, so cycles are harmless.
func (p *Package) relationshipsOf(source string) (*relationships, error) {
	rels := &relationships{}
	folder, file := path.Split(source)
	part := p.Find(folder + "_rels/" + file + ".rels")
	if part == nil {
		return rels, nil
	}
	doc, err := p.readXML(part)
	if err != nil {
		return nil, err
	}
	r := xmltext.New(doc)
	if r.Root() {
		kinds := make(map[string]string) // types repeat: one string for each is enough
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) != "Relationship" {
				continue
			}
			if len(rels.list) >= maxEntries {
				return nil, tooLarge(part.Name, "it has more than %d relationships", maxEntries)
			}
			kind, ok := kinds[string(r.Attr("Type"))]
			if !ok {
				kind = relationshipKind(r.Attr("Type"))
				kinds[string(r.Attr("Type"))] = kind
			}
			rel := relationship{
				id: r.Value("Id"), kind: kind,
				target: r.Value("Target"), external: strings.EqualFold(string(r.Attr("TargetMode")), "External"),
			}
			if !rel.external {
				rel.part = p.resolve(folder, rel.target)
			}
			rels.list = append(rels.list, rel)
		}
	}
	if err := r.Err(); err != nil {
		return nil, inPart(part.Name, err)
	}
	rels.byID = make(map[string]int, len(rels.list))
	for i := range rels.list {
		if _, twice := rels.byID[rels.list[i].id]; !twice {
			rels.byID[rels.list[i].id] = i
		}
	}
	return rels, nil
}

// Relationship is a line from a part to what it refers to.
type Relationship struct {
	ID       string
	Kind     string // the last word of its type: "worksheet", "comments", "vbaProject", …
	Target   string // as it stands in the file
	External bool
	Part     *Part // what an internal target names; nil where it names no part
}

// Relationships gives those of a part, in file order; nil stands for the package. A part that has none gives none.
func (p *Package) Relationships(of *Part) ([]Relationship, error) {
	name := ""
	if of != nil {
		name = of.Name
	}
	rels, err := p.relationshipsOf(name)
	if err != nil {
		return nil, err
	}
	list := make([]Relationship, len(rels.list))
	for i, r := range rels.list {
		list[i] = Relationship{r.id, r.kind, r.target, r.external, r.part}
	}
	return list, nil
}

// relationshipKind gives the last word of a relationship type. The addresses of the
// transitional, the strict and Microsoft's own types differ in what stands before it.
func relationshipKind(uri []byte) string {
	for i := len(uri) - 1; i >= 0; i-- {
		if uri[i] == '/' {
			return string(uri[i+1:])
		}
	}
	return string(uri)
}

// resolve gives the part that a relationship target names, seen from a folder.
func (p *Package) resolve(folder, target string) *Part {
	target, _, _ = strings.Cut(target, "#")
	if target == "" {
		return nil
	}
	target = strings.ReplaceAll(target, `\`, "/")
	if part := p.resolvePlain(folder, target); part != nil {
		return part
	}
	if plain, err := url.PathUnescape(target); err == nil && plain != target {
		return p.resolvePlain(folder, plain)
	}
	return nil
}

func (p *Package) resolvePlain(folder, target string) *Part {
	if strings.HasPrefix(target, "/") {
		return p.Find(path.Clean(target))
	}
	if part := p.Find(path.Clean("/" + folder + target)); part != nil {
		return part
	}
	// Some writers leave out the slash of a target that counts from the root.
	return p.Find(path.Clean("/" + target))
}

// contentTypes says what the parts of a package are.
type contentTypes struct {
	byPart      map[string]string // by folded part name
	byExtension map[string]string // by extension in lower case
}

// of gives the content type of a part, "" where it has none.
func (c *contentTypes) of(part *Part) string {
	if t, ok := c.byPart[foldPart(part.Name)]; ok {
		return t
	}
	return c.byExtension[strings.TrimPrefix(path.Ext(foldPart(part.Name)), ".")]
}

// contentTypes reads [Content_Types].xml. A package without it has no types.
func (p *Package) contentTypes() (*contentTypes, error) {
	c := &contentTypes{byPart: make(map[string]string), byExtension: make(map[string]string)}
	part := p.Find("[Content_Types].xml")
	if part == nil {
		return c, nil
	}
	doc, err := p.readXML(part)
	if err != nil {
		return nil, err
	}
	r := xmltext.New(doc)
	if r.Root() {
		known := make(map[string]string) // types repeat: one string for each is enough
		for d := r.Depth(); r.Child(d); {
			if len(c.byPart)+len(c.byExtension) >= maxEntries {
				return nil, tooLarge(part.Name, "it has more than %d content types", maxEntries)
			}
			kind, ok := known[string(r.Attr("ContentType"))]
			if !ok {
				kind = strings.ToLower(r.Value("ContentType"))
				known[string(r.Attr("ContentType"))] = kind
			}
			switch string(r.Local()) {
			case "Override":
				c.byPart[foldPart(partName(r.Value("PartName")))] = kind
			case "Default":
				c.byExtension[strings.ToLower(r.Value("Extension"))] = kind
			}
		}
	}
	return c, inPart(part.Name, r.Err())
}
