package vbatest

import (
	"maps"
	"slices"
	"strings"
)

const (
	sectorBytes = 512
	miniBytes   = 64
	miniBelow   = 4096 // streams of less bytes lie in the mini stream
	endOfChain  = 0xFFFFFFFE
	free        = 0xFFFFFFFF
)

// compound is a compound file being made: sectors, and the chain each belongs to.
type compound struct {
	sectors []byte
	next    []uint32 // by sector
	mini    []byte
	minis   []uint32 // by mini sector
}

// Compound makes a compound file of version 3 (MS-CFB) with these streams. A path is of
// the folders that a stream lies in, and its name.
func Compound(streams map[string][]byte) []byte {
	var c compound
	type entry struct {
		name               string
		kind               byte
		start, size        uint32
		right, child, self uint32
	}
	entries := []*entry{{name: "Root Entry", kind: 5, right: free, child: free}}
	folders := map[string]*entry{"": entries[0]}
	add := func(parent *entry, e *entry) {
		// Siblings are a tree; one without left branches is a tree too.
		e.self, e.right, e.child = uint32(len(entries)), free, free
		entries = append(entries, e)
		link := &parent.child
		for *link != free {
			link = &entries[*link].right
		}
		*link = e.self
	}
	split := func(path string) (folder, name string) {
		i := strings.LastIndex(path, "/")
		return path[:max(i, 0)], path[i+1:]
	}
	var inside func(folder string) *entry
	inside = func(folder string) *entry {
		if folders[folder] == nil {
			parent, name := split(folder)
			e := &entry{name: name, kind: 1}
			add(inside(parent), e)
			folders[folder] = e
		}
		return folders[folder]
	}
	for _, path := range slices.Sorted(maps.Keys(streams)) {
		folder, name := split(path)
		data := streams[path]
		e := &entry{name: name, kind: 2, size: uint32(len(data))}
		if len(data) < miniBelow {
			e.start = c.addMini(data)
		} else {
			e.start = c.add(data)
		}
		add(inside(folder), e)
	}
	root := entries[0]
	root.size = uint32(len(c.mini))
	root.start = c.add(c.mini)
	miniFAT := uint32(endOfChain)
	var table []byte
	for _, n := range c.minis {
		table = le.AppendUint32(table, n)
	}
	miniFATSectors := (len(table) + sectorBytes - 1) / sectorBytes
	for len(table)%sectorBytes != 0 {
		table = le.AppendUint32(table, free)
	}
	miniFAT = c.add(table)

	var dir []byte
	for _, e := range entries {
		b := make([]byte, 128)
		copy(b, Wide(e.name))
		le.PutUint16(b[64:], uint16(len(Wide(e.name))+2))
		b[66], b[67] = e.kind, 1
		le.PutUint32(b[68:], free)
		le.PutUint32(b[72:], e.right)
		le.PutUint32(b[76:], e.child)
		le.PutUint32(b[116:], e.start)
		le.PutUint32(b[120:], e.size)
		dir = append(dir, b...)
	}
	for len(dir)%sectorBytes != 0 {
		b := make([]byte, 128)
		le.PutUint32(b[68:], free)
		le.PutUint32(b[72:], free)
		le.PutUint32(b[76:], free)
		dir = append(dir, b...)
	}
	dirStart := c.add(dir)

	// The table of sectors has entries for its own sectors too.
	first, tables := uint32(len(c.next)), 0
	for tables*sectorBytes/4 < len(c.next) {
		c.next = append(c.next, 0xFFFFFFFD)
		tables++
	}
	fat := make([]byte, 0, tables*sectorBytes)
	for _, n := range c.next {
		fat = le.AppendUint32(fat, n)
	}
	for len(fat) < tables*sectorBytes {
		fat = le.AppendUint32(fat, free)
	}

	h := make([]byte, 0, sectorBytes)
	h = append(h, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"...)
	h = append(h, make([]byte, 16)...)
	for _, u := range []uint16{0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0} {
		h = le.AppendUint16(h, u)
	}
	for _, u := range []uint32{0, uint32(tables), dirStart, 0, miniBelow, miniFAT, uint32(miniFATSectors), endOfChain, 0} {
		h = le.AppendUint32(h, u)
	}
	if tables > 109 {
		panic("vbatest: the streams need more allocation tables than the header names")
	}
	for i := range uint32(109) {
		if i < uint32(tables) {
			h = le.AppendUint32(h, first+i)
		} else {
			h = le.AppendUint32(h, free)
		}
	}
	return append(append(h, c.sectors...), fat...)
}

// add stores data in sectors of their own and gives the first.
func (c *compound) add(data []byte) uint32 {
	if len(data) == 0 {
		return endOfChain
	}
	first := uint32(len(c.next))
	for at := 0; at < len(data); at += sectorBytes {
		c.sectors = append(c.sectors, data[at:min(at+sectorBytes, len(data))]...)
		c.next = append(c.next, uint32(len(c.next)+1))
	}
	c.next[len(c.next)-1] = endOfChain
	c.sectors = append(c.sectors, make([]byte, len(c.next)*sectorBytes-len(c.sectors))...)
	return first
}

// addMini is add for the mini stream.
func (c *compound) addMini(data []byte) uint32 {
	if len(data) == 0 {
		return endOfChain
	}
	first := uint32(len(c.minis))
	for at := 0; at < len(data); at += miniBytes {
		c.mini = append(c.mini, data[at:min(at+miniBytes, len(data))]...)
		c.minis = append(c.minis, uint32(len(c.minis)+1))
	}
	c.minis[len(c.minis)-1] = endOfChain
	c.mini = append(c.mini, make([]byte, len(c.minis)*miniBytes-len(c.mini))...)
	return first
}
