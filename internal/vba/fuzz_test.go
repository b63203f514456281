package vba

import (
	"errors"
	"testing"

	"gridflow/internal/vba/vbatest"
)

// The small seeds lie in testdata/fuzz; those that are added here are made by vbatest.

// FuzzOpen reads whole projects.
func FuzzOpen(f *testing.F) {
	f.Add(sample().Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Open(data)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) {
				t.Fatalf("an error of type %T: %v", err, err)
			}
			return
		}
		for i := range p.Modules[:min(len(p.Modules), 20)] {
			if _, err := p.Source(&p.Modules[i]); err != nil && !errors.As(err, &e) {
				t.Fatalf("an error of type %T: %v", err, err)
			}
		}
	})
}

// FuzzDir reads lists of modules without the file around them.
func FuzzDir(f *testing.F) {
	f.Add(sample().Dir())
	f.Fuzz(func(t *testing.T, dir []byte) {
		var p Project
		if fault := p.readDir(dir); fault != nil {
			return
		}
		for _, m := range p.Modules {
			if m.StreamName == "" && m.Name != "" {
				t.Errorf("module %q has no stream", m.Name)
			}
		}
	})
}

// FuzzDecompress unpacks, and packs again what came out.
func FuzzDecompress(f *testing.F) {
	f.Add(vbatest.Compress([]byte("Attribute VB_Name = \"Module1\"\r\nSub A()\r\nEnd Sub\r\n")))
	f.Fuzz(func(t *testing.T, packed []byte) {
		const limit = 1 << 16
		b, fault := decompress(packed, limit)
		if fault != nil {
			return
		}
		if len(b) > limit {
			t.Fatalf("%d bytes, more than the limit", len(b))
		}
		again, fault := decompress(vbatest.Compress(b), 2*limit)
		if fault != nil || string(again[:len(b)]) != string(b) {
			t.Errorf("what was unpacked does not survive packing: %v", fault)
		}
	})
}
