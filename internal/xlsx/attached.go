package xlsx

import (
	"context"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
	"gridflow/internal/xlsx/xmltext"
)

// finishLayout adds to the layout of sheet i what stands in other parts: comments, and how
// many objects there are.
func (f *File) finishLayout(ctx context.Context, i int, rels *relationships, l *grid.Layout) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, part := range rels.parts("drawing") {
		drawn, err := f.pkg.relationshipsOf(part.Name)
		if err != nil {
			return err
		}
		countObjects(l, "chart", len(drawn.parts("chart"))+len(drawn.parts("chartEx")))
		countObjects(l, "image", len(drawn.parts("image")))
		countObjects(l, "diagram", len(drawn.parts("diagramData")))
	}
	countObjects(l, "pivotTable", len(rels.parts("pivotTable")))
	countObjects(l, "slicer", len(rels.parts("slicer")))
	return f.readComments(ctx, rels, l)
}

// readComments reads the notes of a sheet and, in place of the notes that stand in for
// them, its threaded comments.
func (f *File) readComments(ctx context.Context, rels *relationships, l *grid.Layout) error {
	at := make(map[cell.Ref]int) // index in l.Comments
	for _, kind := range []string{"comments", "threadedComment"} {
		for _, part := range rels.parts(kind) {
			if err := ctx.Err(); err != nil {
				return err
			}
			doc, err := f.pkg.readXML(part)
			if err != nil {
				return err
			}
			if kind == "comments" {
				err = parseComments(doc, at, l)
			} else {
				var persons map[string]string
				if persons, err = f.persons.Wait(ctx, lazy.Whole, f.readPersons); err == nil {
					err = parseThreads(doc, persons, at, l)
				}
			}
			if err != nil {
				return inPart(part.Name, err)
			}
		}
	}
	return nil
}

// addComment puts c in the place of the comment that its cell has, or adds it.
func addComment(l *grid.Layout, at map[cell.Ref]int, c grid.Comment) error {
	if i, ok := at[c.Ref]; ok {
		l.Comments[i] = c
		return nil
	}
	if len(l.Comments) >= maxEntries {
		return tooLarge("", "the sheet has more than %d comments", maxEntries)
	}
	at[c.Ref] = len(l.Comments)
	l.Comments = append(l.Comments, c)
	return nil
}

// parseComments reads a comments part.
func parseComments(doc []byte, at map[cell.Ref]int, l *grid.Layout) error {
	r := xmltext.New(doc)
	if !r.Root() {
		return r.Err()
	}
	var authors []string
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "authors":
			for d := r.Depth(); r.Child(d) && len(authors) < maxEntries; {
				authors = append(authors, xmltext.Unescape(r.Text()))
			}
		case "commentList":
			for d := r.Depth(); r.Child(d); {
				ref, ok := cell.ParseRef(r.Value("ref"))
				if string(r.Local()) != "comment" || !ok {
					continue
				}
				c := grid.Comment{Ref: ref}
				if i := r.Int("authorId", -1); i >= 0 && i < len(authors) {
					c.Author = authors[i]
				}
				for d := r.Depth(); r.Child(d); {
					if string(r.Local()) == "text" {
						c.Text = richText(r)
					}
				}
				if err := addComment(l, at, c); err != nil {
					return err
				}
			}
		}
	}
	return r.Err()
}

// richText gives the text of an element that holds a <t> or runs of them. Phonetic
// readings are no part of it.
func richText(r *xmltext.Reader) string {
	var text []byte
	for d := r.Depth(); r.Child(d); {
		switch string(r.Local()) {
		case "t":
			text = r.AppendText(text)
		case "r":
			for d := r.Depth(); r.Child(d); {
				if string(r.Local()) == "t" {
					text = r.AppendText(text)
				}
			}
		}
	}
	return xmltext.Unescape(string(text))
}

// parseThreads reads a threaded-comments part. A thread becomes one comment: the first
// post and, below it, each reply with its author's name.
func parseThreads(doc []byte, persons map[string]string, at map[cell.Ref]int, l *grid.Layout) error {
	r := xmltext.New(doc)
	if !r.Root() {
		return r.Err()
	}
	threads := make(map[cell.Ref]*strings.Builder)
	var order []grid.Comment
	for d := r.Depth(); r.Child(d); {
		ref, ok := cell.ParseRef(r.Value("ref"))
		if string(r.Local()) != "threadedComment" || !ok {
			continue
		}
		author := persons[r.Value("personId")]
		text := ""
		for d := r.Depth(); r.Child(d); {
			if string(r.Local()) == "text" {
				text = r.Text()
			}
		}
		thread := threads[ref]
		if thread == nil {
			if len(order) >= maxEntries {
				return tooLarge("", "the sheet has more than %d comments", maxEntries)
			}
			thread = &strings.Builder{}
			threads[ref] = thread
			order = append(order, grid.Comment{Ref: ref, Author: author, Threaded: true})
		} else {
			thread.WriteString("\n")
			if author != "" {
				thread.WriteString(author)
				thread.WriteString(": ")
			}
		}
		thread.WriteString(text)
	}
	for _, c := range order {
		c.Text = threads[c.Ref].String()
		if err := addComment(l, at, c); err != nil {
			return err
		}
	}
	return r.Err()
}

// readPersons gives the names of those who write threaded comments, by id.
func (f *File) readPersons(ctx context.Context, _ *lazy.Publisher[map[string]string]) (map[string]string, error) {
	persons := make(map[string]string)
	for _, part := range f.rels.parts("person") {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		doc, err := f.pkg.readXML(part)
		if err != nil {
			return nil, err
		}
		r := xmltext.New(doc)
		if r.Root() {
			for d := r.Depth(); r.Child(d) && len(persons) < maxEntries; {
				if string(r.Local()) == "person" {
					persons[r.Value("id")] = r.Value("displayName")
				}
			}
		}
		if err := r.Err(); err != nil {
			return nil, inPart(part.Name, err)
		}
	}
	return persons, nil
}
