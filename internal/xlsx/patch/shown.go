package patch

import (
	"strconv"

	"gridflow/internal/grid"
)

// BookPatch is what changes in how the sheets of a workbook are shown. The zero BookPatch changes nothing.
type BookPatch struct {
	// Shown says of sheets whether people see their tabs.
	Shown map[int]grid.Visibility
	// Active, if not nil, is the sheet that is in front.
	Active *int
	// Protection says what people may not do with the sheets.
	Protection *grid.WorkbookProtection
}

func (b *BookPatch) empty() bool {
	return len(b.Shown) == 0 && b.Active == nil && b.Protection == nil
}

// book changes the workbook part, but for the tabs.
func (s *saver) book(b *BookPatch, v *ViewPatch) error {
	if b.Active == nil && b.Protection == nil {
		return nil
	}
	d, root, err := s.rooted(s.f.WorkbookPart())
	if err != nil {
		return err
	}
	if b.Active != nil && len(v.Show) == 0 {
		s.front(d, root, *b.Active)
	}
	if b.Protection != nil {
		s.protectBook(d, root, b.Protection)
	}
	s.save(d)
	return nil
}

// front makes a sheet the one that is in front.
func (s *saver) front(d *document, root element, sheet int) {
	views, ok := d.child(root, "bookViews")
	if !ok {
		at := d.place(root, "bookViews", workbookOrder)
		d.edit(at, at, []byte("<"+root.prefix+`bookViews><`+root.prefix+`workbookView activeTab="`+strconv.Itoa(sheet)+`"/></`+root.prefix+"bookViews>"))
		return
	}
	for _, c := range d.children(views) {
		if c.local == "workbookView" {
			tag := withAttribute(c.tag(d.text), "activeTab", strconv.Itoa(sheet))
			if first := attribute(tag, "firstSheet"); first != nil && parsed(first) > float64(sheet) {
				tag = withAttribute(tag, "firstSheet", strconv.Itoa(sheet)) // else its tab is out of sight
			}
			d.edit(c.from, c.tagEnd, tag)
		}
	}
}

func (s *saver) protectBook(d *document, root element, p *grid.WorkbookProtection) {
	old, there := d.child(root, "workbookProtection")
	tag := []byte("<" + root.prefix + "workbookProtection/>")
	if there {
		tag = old.tag(d.text)
	}
	tag = passwordAttributes(tag, p.Password, "workbookAlgorithmName", "workbookHashValue", "workbookSaltValue", "workbookSpinCount", "workbookPassword")
	for _, a := range []struct {
		name string
		on   bool
	}{{"lockStructure", p.Structure}, {"lockWindows", p.Windows}} {
		switch was := attribute(tag, a.name); {
		case truth(was) == a.on:
		case a.on:
			tag = withAttribute(tag, a.name, "1")
		default:
			tag = withoutAttribute(tag, a.name)
		}
	}
	switch {
	case *p == (grid.WorkbookProtection{}) && there:
		d.edit(old.from, old.to, nil)
	case *p == (grid.WorkbookProtection{}):
	case there:
		d.edit(old.from, old.tagEnd, tag)
	default:
		at := d.place(root, "workbookProtection", workbookOrder)
		d.edit(at, at, tag)
	}
}
