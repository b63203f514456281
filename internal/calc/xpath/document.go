package xpath

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// kind is what a node is.
type kind uint8

const (
	rootNode kind = iota
	elementNode
	attributeNode
	textNode
	commentNode
	instructionNode
)

// node is a node of a document.
type node struct {
	kind     kind
	name     string // of elements and attributes with the prefix; the target of an instruction
	data     string // of attributes, texts, comments and instructions
	parent   *node
	children []*node
	attrs    []*node
	at       int // its place among all nodes in document order
	place    int // among the children of its parent
	end      int // the place behind its last descendant
}

// Document is an XML text in the form in which it is searched.
type Document struct {
	all []*node // in document order: the root, then everything in it, attributes too
}

// errXML says that a text is no XML.
var errXML = errors.New("xpath: the text is no XML document")

// ParseXML reads an XML text with one root element. Document types and entities other
// than the five of XML itself are not read.
func ParseXML(text string) (*Document, error) {
	d := &Document{}
	add := func(parent, n *node) *node {
		n.parent, n.at = parent, len(d.all)
		d.all = append(d.all, n)
		return n
	}
	child := func(parent, n *node) *node {
		n.place = len(parent.children)
		parent.children = append(parent.children, n)
		return add(parent, n)
	}
	root := add(nil, &node{kind: rootNode})
	open, elements := root, 0
	for dec := xml.NewDecoder(strings.NewReader(text)); ; {
		t, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			if open != root || elements != 1 {
				return nil, errXML
			}
			root.end = len(d.all)
			return d, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if open == root {
				elements++
			}
			open = child(open, &node{kind: elementNode, name: qualified(t.Name)})
			for _, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
					continue
				}
				n := add(open, &node{kind: attributeNode, name: qualified(a.Name), data: a.Value})
				n.end = len(d.all)
				open.attrs = append(open.attrs, n)
			}
		case xml.EndElement:
			if open == root || open.name != qualified(t.Name) {
				return nil, errXML
			}
			open.end = len(d.all)
			open = open.parent
		case xml.CharData:
			switch last := len(open.children) - 1; {
			case open == root:
				if strings.TrimSpace(string(t)) != "" {
					return nil, errXML
				}
			case last >= 0 && open.children[last].kind == textNode:
				open.children[last].data += string(t)
			default:
				child(open, &node{kind: textNode, data: string(t)}).end = len(d.all)
			}
		case xml.Comment:
			child(open, &node{kind: commentNode, data: string(t)}).end = len(d.all)
		case xml.ProcInst:
			if t.Target != "xml" {
				child(open, &node{kind: instructionNode, name: t.Target, data: string(t.Inst)}).end = len(d.all)
			}
		}
	}
}

func qualified(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}
