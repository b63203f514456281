package fn

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/antchfx/xpath"

	"gridflow/internal/cell"
)

// filterXML gives the contents of the nodes of an XML text that an XPath finds, one under
// another; what reads as a number is one.
func filterXML(c *Context, a Args) Value {
	root, err := parseXML(a[0].Str())
	if err != nil {
		return c.Fail(cell.ErrValue, "the text is no XML")
	}
	found, ok := c.findXML(root, a[1].Str())
	if !ok {
		return c.Fail(cell.ErrValue, "the XPath cannot be read, or would take too long")
	}
	if len(found) == 0 {
		return c.Fail(cell.ErrValue, "the XPath finds nothing")
	}
	values := make([]cell.Value, len(found))
	for i, s := range found {
		values[i] = cell.TextValue(s)
		if t := strings.TrimSpace(s); t != "" {
			if f, ok := parseDecimal(t); ok {
				values[i] = cell.NumberValue(f)
			}
		}
	}
	if len(values) == 1 {
		return Scalar(values[0])
	}
	return Of(Column(values))
}

// xmlNode is an element, a text, a comment or the document itself.
type xmlNode struct {
	kind                            xpath.NodeType
	prefix, name, text              string
	attrs                           []xml.Attr
	parent, child, last, next, prev *xmlNode
}

func (n *xmlNode) add(x *xmlNode) {
	x.parent, x.prev = n, n.last
	if n.last != nil {
		n.last.next = x
	} else {
		n.child = x
	}
	n.last = x
}

// parseXML reads a document with one root element.
func parseXML(s string) (*xmlNode, error) {
	d := xml.NewDecoder(strings.NewReader(s))
	root := &xmlNode{kind: xpath.RootNode}
	at := root
	for {
		t, err := d.RawToken()
		if t == nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			if at != root || root.child == nil {
				return nil, xml.UnmarshalError("the document is not complete")
			}
			return root, nil
		}
		switch t := t.(type) {
		case xml.StartElement:
			if at == root && root.child != nil {
				return nil, xml.UnmarshalError("there are two roots")
			}
			x := &xmlNode{kind: xpath.ElementNode, prefix: t.Name.Space, name: t.Name.Local}
			for _, attr := range t.Attr {
				if attr.Name.Space != "xmlns" && attr.Name.Local != "xmlns" {
					x.attrs = append(x.attrs, attr)
				}
			}
			at.add(x)
			at = x
		case xml.EndElement:
			if at == root || at.name != t.Name.Local || at.prefix != t.Name.Space {
				return nil, xml.UnmarshalError("an element ends that did not begin")
			}
			at = at.parent
		case xml.CharData:
			if at != root {
				at.add(&xmlNode{kind: xpath.TextNode, text: string(t)})
			} else if strings.TrimSpace(string(t)) != "" {
				return nil, xml.UnmarshalError("text stands outside of the root")
			}
		case xml.Comment:
			if at != root {
				at.add(&xmlNode{kind: xpath.CommentNode, text: string(t)})
			}
		}
	}
}

// maxXMLSteps bounds the work of one XPath: expressions within expressions multiply.
const maxXMLSteps = 50_000_000

// findXML gives the contents of the nodes that an XPath finds. ok is false if it cannot
// be read, gives no nodes, or takes too many steps.
func (c *Context) findXML(root *xmlNode, path string) (found []string, ok bool) {
	// The library panics on some paths that are wrong, and the walk does to be stopped.
	defer func() {
		if recover() != nil {
			found, ok = nil, false
		}
	}()
	expr, err := xpath.Compile(path)
	if err != nil {
		return nil, false
	}
	steps := maxXMLSteps
	nodes, ok := expr.Evaluate(&xmlWalk{c: c, steps: &steps, node: root, attr: -1}).(*xpath.NodeIterator)
	if !ok {
		return nil, false
	}
	for nodes.MoveNext() {
		found = append(found, nodes.Current().Value())
	}
	return found, true
}

// xmlWalk is a place in a document, as the XPath library moves it about.
type xmlWalk struct {
	c     *Context
	steps *int // that are left, for all walks of one search
	node  *xmlNode
	attr  int // of the node, or -1
}

// spend takes steps away, and ends the search where there are none.
func (w *xmlWalk) spend(n int) {
	before := *w.steps
	*w.steps -= n
	if *w.steps < 0 || before>>16 != *w.steps>>16 && w.c.Stop() {
		panic("the search takes too long")
	}
}

func (w *xmlWalk) NodeType() xpath.NodeType {
	if w.attr >= 0 {
		return xpath.AttributeNode
	}
	return w.node.kind
}

func (w *xmlWalk) LocalName() string {
	if w.attr >= 0 {
		return w.node.attrs[w.attr].Name.Local
	}
	return w.node.name
}

func (w *xmlWalk) Prefix() string {
	if w.attr >= 0 {
		return w.node.attrs[w.attr].Name.Space
	}
	return w.node.prefix
}

func (w *xmlWalk) Value() string {
	if w.attr >= 0 {
		return w.node.attrs[w.attr].Value
	}
	if w.node.kind == xpath.TextNode || w.node.kind == xpath.CommentNode {
		return w.node.text
	}
	var b strings.Builder
	for n := w.node.child; n != nil; {
		w.spend(1)
		if n.kind == xpath.TextNode {
			w.spend(len(n.text) / 16)
			b.WriteString(n.text)
		}
		if n.child != nil {
			n = n.child
			continue
		}
		for n != w.node && n.next == nil {
			n = n.parent
		}
		if n == w.node {
			break
		}
		n = n.next
	}
	return b.String()
}

func (w *xmlWalk) Copy() xpath.NodeNavigator { w.spend(1); x := *w; return &x }

func (w *xmlWalk) MoveToRoot() {
	for w.attr = -1; w.node.parent != nil; w.node = w.node.parent {
		w.spend(1)
	}
}

func (w *xmlWalk) MoveToParent() bool {
	w.spend(1)
	if w.attr >= 0 {
		w.attr = -1
		return true
	}
	return w.to(w.node.parent)
}

func (w *xmlWalk) MoveToNextAttribute() bool {
	w.spend(1)
	if w.attr+1 >= len(w.node.attrs) {
		return false
	}
	w.attr++
	return true
}

func (w *xmlWalk) MoveToChild() bool    { return w.attr < 0 && w.to(w.node.child) }
func (w *xmlWalk) MoveToNext() bool     { return w.attr < 0 && w.to(w.node.next) }
func (w *xmlWalk) MoveToPrevious() bool { return w.attr < 0 && w.to(w.node.prev) }

func (w *xmlWalk) MoveToFirst() bool {
	return w.attr < 0 && w.node.prev != nil && w.to(w.node.parent.child)
}

func (w *xmlWalk) MoveTo(x xpath.NodeNavigator) bool {
	w.spend(1)
	o, ok := x.(*xmlWalk)
	if ok {
		w.node, w.attr = o.node, o.attr
	}
	return ok
}

func (w *xmlWalk) to(n *xmlNode) bool {
	w.spend(1)
	if n == nil {
		return false
	}
	w.node = n
	return true
}
