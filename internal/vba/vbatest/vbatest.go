// Package vbatest makes VBA projects for tests, as vbaProject.bin holds them: [Project]
// is turned into bytes by [Project.Bytes], out of the pieces [Compound] and [Compress].
//
// The one invariant: what it makes follows the format where the test asks for nothing
// else, and is the same on every run.
package vbatest

import (
	"encoding/binary"
	"unicode/utf16"
)

var le = binary.LittleEndian

// Project is a project to be made. Texts are in its code page already.
type Project struct {
	CodePage   uint16
	SysKind    uint32
	Name       string
	References []Record // as they are, after a name each
	Modules    []Module
	Streams    map[string][]byte // further streams, or others instead of those that are made
}

// Record is a record of the dir stream.
type Record struct {
	ID   uint16
	Data []byte
}

// Module is a module to be made.
type Module struct {
	Name     string
	Wide     string // the name as Unicode, where it is another
	Doc      string
	Source   string
	Class    bool
	Private  bool
	ReadOnly bool
}

// Bytes makes the compound file.
func (p Project) Bytes() []byte {
	streams := map[string][]byte{
		"PROJECT": []byte("ID=\"{00000000-0000-0000-0000-000000000000}\"\r\nName=\"" + p.Name + "\"\r\n"),
		"VBA/dir": Compress(p.Dir()),
	}
	for _, m := range p.Modules {
		streams["VBA/"+m.wide()] = append([]byte(compiled), Compress([]byte(m.Source))...)
	}
	for name, data := range p.Streams {
		streams[name] = data
	}
	return Compound(streams)
}

// compiled stands for the compiled code before a module's source.
const compiled = "\x01\x16compiled"

func (m *Module) wide() string {
	if m.Wide != "" {
		return m.Wide
	}
	return m.Name
}

// Dir makes the dir stream, not compressed.
func (p Project) Dir() []byte {
	b := AppendRecord(nil, 0x0001, le.AppendUint32(nil, p.SysKind))
	b = AppendRecord(b, 0x004A, le.AppendUint32(nil, 1))
	b = AppendRecord(b, 0x0002, le.AppendUint32(nil, 0x409))
	b = AppendRecord(b, 0x0014, le.AppendUint32(nil, 0x409))
	b = AppendRecord(b, 0x0003, le.AppendUint16(nil, p.CodePage))
	b = AppendRecord(b, 0x0004, []byte(p.Name))
	b = appendText(b, 0x0005, 0x0040, "", "")
	b = appendText(b, 0x0006, 0x003D, "", "")
	b = AppendRecord(b, 0x0007, make([]byte, 4))
	b = AppendRecord(b, 0x0008, make([]byte, 4))
	b = le.AppendUint32(le.AppendUint16(b, 0x0009), 4) // its data has six bytes nevertheless
	b = append(b, 1, 0, 0, 0, 2, 0)
	b = appendText(b, 0x000C, 0x003C, "", "")
	for _, r := range p.References {
		b = AppendRecord(b, r.ID, r.Data)
	}
	b = AppendRecord(b, 0x000F, le.AppendUint16(nil, uint16(len(p.Modules))))
	b = AppendRecord(b, 0x0013, []byte{0xFF, 0xFF})
	for _, m := range p.Modules {
		b = AppendRecord(b, 0x0019, []byte(m.Name))
		b = AppendRecord(b, 0x0047, Wide(m.wide()))
		b = appendText(b, 0x001A, 0x0032, m.Name, m.wide())
		b = appendText(b, 0x001C, 0x0048, m.Doc, m.Doc)
		b = AppendRecord(b, 0x0031, le.AppendUint32(nil, uint32(len(compiled))))
		b = AppendRecord(b, 0x001E, le.AppendUint32(nil, 7))
		b = AppendRecord(b, 0x002C, []byte{0xFF, 0xFF})
		kind := uint16(0x0021)
		if m.Class {
			kind = 0x0022
		}
		b = AppendRecord(b, kind, nil)
		if m.ReadOnly {
			b = AppendRecord(b, 0x0025, nil)
		}
		if m.Private {
			b = AppendRecord(b, 0x0028, nil)
		}
		b = AppendRecord(b, 0x002B, nil)
	}
	return AppendRecord(b, 0x0010, nil)
}

// AppendRecord appends a record of the dir stream.
func AppendRecord(b []byte, id uint16, data []byte) []byte {
	b = le.AppendUint32(le.AppendUint16(b, id), uint32(len(data)))
	return append(b, data...)
}

func appendText(b []byte, id, wideID uint16, text, wide string) []byte {
	return AppendRecord(AppendRecord(b, id, []byte(text)), wideID, Wide(wide))
}

// Wide gives a text in UTF-16, low byte first.
func Wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = le.AppendUint16(b, u)
	}
	return b
}

// Sized gives a text with its length before it.
func Sized(s string) []byte { return append(le.AppendUint32(nil, uint32(len(s))), s...) }

// Named gives the two records of a reference's name.
func Named(name string) []Record { return []Record{{0x0016, []byte(name)}, {0x003E, Wide(name)}} }

// Registered gives the records of a reference to a type library.
func Registered(name, libid string) []Record {
	return append(Named(name), Record{0x000D, append(Sized(libid), make([]byte, 6)...)})
}

// Compress makes a CompressedContainer (MS-OVBA 2.4.1): of each chunk, the longest copy
// is taken that a search of all distances finds.
func Compress(b []byte) []byte {
	out := []byte{1}
	for len(b) > 0 {
		chunk := b[:min(len(b), 4096)]
		b = b[len(chunk):]
		packed := compressChunk(chunk)
		flags := uint16(0xB000)
		if len(packed) > 4096 {
			// As it is, padded: what follows the text is for the reader to ignore.
			packed, flags = append(chunk[:len(chunk):len(chunk)], make([]byte, 4096-len(chunk))...), 0x3000
		}
		out = le.AppendUint16(out, flags|uint16(len(packed)-1))
		out = append(out, packed...)
	}
	return out
}

func compressChunk(chunk []byte) []byte {
	var out []byte
	flagAt := 0
	for at, n := 0, 0; at < len(chunk); n++ {
		if n%8 == 0 {
			flagAt = len(out)
			out = append(out, 0)
		}
		distanceBits := 4
		for 1<<distanceBits < at {
			distanceBits++
		}
		longest, from := 0, 0
		for d := 1; d <= at; d++ {
			length := 0
			for at+length < len(chunk) && length < 0xFFFF>>distanceBits+3 && chunk[at+length] == chunk[at+length-d] {
				length++
			}
			if length > longest {
				longest, from = length, d
			}
		}
		if longest < 3 {
			out = append(out, chunk[at])
			at++
			continue
		}
		out[flagAt] |= 1 << (n % 8)
		out = le.AppendUint16(out, uint16((from-1)<<(16-distanceBits)|(longest-3)))
		at += longest
	}
	return out
}
