package vba

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The ids of the records of the dir stream that are of interest (MS-OVBA 2.3.4.2). A
// record is its id, the size of its data and the data; a text is followed by a record of
// its own with the same text in UTF-16, which counts where it is there.
const (
	recSysKind           = 0x0001
	recCodePage          = 0x0003
	recProjectName       = 0x0004
	recVersion           = 0x0009
	recEnd               = 0x0010
	recRegistered        = 0x000D
	recProjectReference  = 0x000E
	recReferenceName     = 0x0016
	recReferenceNameWide = 0x003E
	recControl           = 0x002F
	recControlExtended   = 0x0030
	recOriginal          = 0x0033
	recModuleName        = 0x0019
	recModuleNameWide    = 0x0047
	recStreamName        = 0x001A
	recStreamNameWide    = 0x0032
	recDocString         = 0x001C
	recDocStringWide     = 0x0048
	recHelpContext       = 0x001E
	recProcedural        = 0x0021
	recDocClsDesigner    = 0x0022
	recReadOnly          = 0x0025
	recPrivate           = 0x0028
	recModuleEnd         = 0x002B
	recTextOffset        = 0x0031
)

// readDir reads the unpacked dir stream.
func (p *Project) readDir(b []byte) *Error {
	const header = 6
	p.CodePage, p.SysKind = 1252, UnknownSys
	refs := references{project: p}
	var mod *Module // that is being read
	for at := 0; ; {
		if len(b)-at < header {
			return damaged("", "the list of modules ends at byte %d without its end mark", at)
		}
		id, size := binary.LittleEndian.Uint16(b[at:]), int64(binary.LittleEndian.Uint32(b[at+2:]))
		if id == recEnd {
			break
		}
		if id == recVersion {
			size = 6 // whatever stands there
		}
		if size > int64(len(b)-at-header) {
			return damaged("", "the record %#04x at byte %d is longer than what is left", id, at)
		}
		data := b[at+header : at+header+int(size)]
		at += header + int(size)

		switch id {
		case recSysKind:
			p.SysKind = sysKind(data)
		case recCodePage:
			if len(data) >= 2 {
				p.CodePage = binary.LittleEndian.Uint16(data)
			}
		case recProjectName:
			p.Name = decode(data, p.CodePage)
		case recReferenceName, recReferenceNameWide, recOriginal, recControl, recControlExtended, recRegistered, recProjectReference:
			if fault := refs.read(id, data); fault != nil {
				return fault
			}
		case recModuleName:
			if len(p.Modules) == MaxModules {
				return tooLarge("", "there are more than %d modules", MaxModules)
			}
			p.Modules = append(p.Modules, Module{Type: Procedural, Name: decode(data, p.CodePage)})
			mod = &p.Modules[len(p.Modules)-1]
		case recModuleEnd:
			mod = nil
		default:
			if mod != nil {
				mod.set(id, data, p.CodePage)
			}
		}
	}
	for i := range p.Modules {
		if m := &p.Modules[i]; m.StreamName == "" {
			m.StreamName = m.Name
		}
	}
	return nil
}

func sysKind(data []byte) SysKind {
	kinds := [...]SysKind{Win16, Win32, Macintosh, Win64}
	if n := number(data); int64(n) < int64(len(kinds)) {
		return kinds[n]
	}
	return UnknownSys
}

// number gives the number at the start of data; what is cut off counts as zeros.
func number(data []byte) uint32 {
	var b [4]byte
	copy(b[:], data)
	return binary.LittleEndian.Uint32(b[:])
}

// set takes over a record that describes a module.
func (m *Module) set(id uint16, data []byte, page uint16) {
	switch id {
	case recModuleNameWide:
		m.Name = decodeUTF16(data)
	case recStreamName:
		m.StreamName = decode(data, page)
	case recStreamNameWide:
		m.StreamName = decodeUTF16(data)
	case recDocString:
		m.DocString = decode(data, page)
	case recDocStringWide:
		m.DocString = decodeUTF16(data)
	case recTextOffset:
		m.TextOffset = number(data)
	case recHelpContext:
		m.HelpContext = number(data)
	case recProcedural:
		m.Type = Procedural
	case recDocClsDesigner:
		m.Type = DocClsDesigner
	case recReadOnly:
		m.ReadOnly = true
	case recPrivate:
		m.Private = true
	}
}

// references reads the records of references. One reference is a name, which may be
// missing, and what it refers to; that to controls is up to three records with another
// name among them.
type references struct {
	project *Project
	name    string // of the reference that comes next
	last    uint16 // the record before, names left out
}

func (r *references) read(id uint16, data []byte) *Error {
	p := r.project
	switch id {
	case recReferenceName, recReferenceNameWide:
		name := decodeUTF16(data)
		if id == recReferenceName {
			name = decode(data, p.CodePage)
		}
		if r.last == recControl {
			// The adapted library has a name of its own.
			if ref := &p.References[len(p.References)-1]; ref.Name == "" {
				ref.Name = name
			}
			return nil
		}
		r.name = name
		return nil
	case recOriginal:
		return r.add(id, OriginalReference, decode(data, p.CodePage))
	case recControl:
		libid, _ := prefixed(data)
		text := "adapted: " + decode(libid, p.CodePage)
		if n := len(p.References); r.last == recOriginal && r.name == "" {
			ref := &p.References[n-1]
			ref.Kind, ref.Debug = ControlReference, "original: "+ref.Debug+", "+text
			r.last = id
			return nil
		}
		return r.add(id, ControlReference, text)
	case recControlExtended:
		libid, _ := prefixed(data)
		if r.last != recControl {
			return damaged("", "a reference to controls begins in its middle")
		}
		p.References[len(p.References)-1].Debug += ", extended: " + decode(libid, p.CodePage)
		r.last = id
		return nil
	case recRegistered:
		libid, _ := prefixed(data)
		return r.add(id, RegisteredReference, decode(libid, p.CodePage))
	}
	absolute, rest := prefixed(data)
	relative, rest := prefixed(rest)
	var b strings.Builder
	b.WriteString(decode(absolute, p.CodePage))
	if len(relative) > 0 {
		b.WriteString(", relative: " + decode(relative, p.CodePage))
	}
	if len(rest) >= 6 {
		fmt.Fprintf(&b, ", version: %d.%d", number(rest), binary.LittleEndian.Uint16(rest[4:]))
	}
	return r.add(id, ProjectReference, b.String())
}

func (r *references) add(id uint16, kind ReferenceKind, debug string) *Error {
	p := r.project
	if len(p.References) == MaxReferences {
		return tooLarge("", "there are more than %d references", MaxReferences)
	}
	p.References = append(p.References, Reference{r.name, kind, debug})
	r.name, r.last = "", id
	return nil
}

// prefixed gives the bytes whose number stands before them, as many as there are, and
// what follows them.
func prefixed(data []byte) (field, rest []byte) {
	if len(data) < 4 {
		return nil, nil
	}
	n := min(int64(number(data)), int64(len(data)-4))
	return data[4 : 4+n], data[4+n:]
}
