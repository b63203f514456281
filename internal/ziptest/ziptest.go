// Package ziptest takes packages apart and makes them, for tests that change some parts of a
// workbook. It is the zip of the standard library, which checks the checksums of what it reads.
package ziptest

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"maps"
	"slices"
)

// T is a test: a testing.T, a testing.B or a rapid.T.
type T interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Parts gives the parts of a package by name.
func Parts(t T, file []byte) map[string]string {
	t.Helper()
	parts := make(map[string]string)
	each(t, file, func(name string, content []byte) { parts[name] = string(content) })
	return parts
}

// Pack makes a package of parts, in the order of their names.
func Pack(t T, parts map[string]string) []byte {
	t.Helper()
	p := newPacker()
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		p.add(t, name, []byte(parts[name]))
	}
	return p.end(t)
}

// Rewrite gives a package with the parts of another one, in their order, each as change gives it.
func Rewrite(t T, file []byte, change func(name string, content []byte) []byte) []byte {
	t.Helper()
	p := newPacker()
	each(t, file, func(name string, content []byte) { p.add(t, name, change(name, content)) })
	return p.end(t)
}

// WellFormed fails the test if a part of a package is no XML from its beginning to its end.
func WellFormed(t T, file []byte) {
	t.Helper()
	each(t, file, func(name string, content []byte) {
		for d := xml.NewDecoder(bytes.NewReader(content)); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}

func each(t T, file []byte, do func(name string, content []byte)) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		do(f.Name, content)
	}
}

type packer struct {
	out bytes.Buffer
	zip *zip.Writer
}

func newPacker() *packer {
	p := &packer{}
	p.zip = zip.NewWriter(&p.out)
	return p
}

func (p *packer) add(t T, name string, content []byte) {
	t.Helper()
	w, err := p.zip.Create(name)
	if err == nil {
		_, err = w.Write(content)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *packer) end(t T) []byte {
	t.Helper()
	if err := p.zip.Close(); err != nil {
		t.Fatal(err)
	}
	return p.out.Bytes()
}
