package xlsx

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"gridflow/internal/xlsx/splice"
)

// TestRewrite changes parts of zip files of every form. What is read from the result, by us
// and by the standard library, is what was meant; the other parts keep their bytes.
func TestRewrite(t *testing.T) {
	long := strings.Repeat("some text that is long enough ", 3000)
	for _, c := range []struct {
		name string
		a    archive
	}{
		{"plain", archive{}},
		{"stored", archive{entries: []entry{{stored: true}, {stored: true}}}},
		{"descriptors", archive{entries: []entry{{descriptor: true}, {descriptor: true}, {descriptor: true, stored: true}}}},
		{"zip64", archive{entries: []entry{{zip64: true}, {zip64: true}, {}}, endZip64: true}},
		{"bytes before it", archive{prefix: "#!/bin/sh\n", comment: "a comment"}},
		{"bytes before zip64", archive{prefix: "#!/bin/sh\n", endZip64: true}},
		{"a comment", archive{comment: "PK\x05\x06 is no end"}},
	} {
		for _, drop := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, drop), func(t *testing.T) {
				a := c.a
				for len(a.entries) < 4 {
					a.entries = append(a.entries, entry{})
				}
				for i := range a.entries {
					a.entries[i].name, a.entries[i].data = fmt.Sprintf("part%d.xml", i), fmt.Sprint(i, long)
				}
				before := a.bytes()
				p, err := OpenPackage(bytes.NewReader(before), int64(len(before)), Limits{})
				if err != nil {
					t.Fatal(err)
				}
				want := make(map[string]string)
				for _, e := range a.entries {
					want[e.name] = e.data
				}
				changes := make(map[*Part]*splice.Result)
				for i := range 2 {
					part := p.Part(i)
					s, err := p.Stream(part)
					if err != nil {
						t.Fatal(err)
					}
					edit := splice.Edit{From: 5, To: 9, New: []byte(strings.Repeat("other", 1+300*i))}
					if changes[part], err = splice.Splice(context.Background(), s, []splice.Edit{edit}); err != nil {
						t.Fatal(err)
					}
					want[part.Name] = want[part.Name][:5] + string(edit.New) + want[part.Name][9:]
				}
				if drop {
					changes[p.Part(2)] = nil
					delete(want, p.Part(2).Name)
				}
				var out bytes.Buffer
				if err := p.Rewrite(context.Background(), &out, changes); err != nil {
					t.Fatal(err)
				}
				after := out.Bytes()
				if !bytes.HasPrefix(after, []byte(a.prefix)) || !bytes.HasSuffix(after, []byte(a.comment)) {
					t.Error("what stands before or behind the zip file is gone")
				}
				q, err := OpenPackage(bytes.NewReader(after), int64(len(after)), Limits{})
				if err != nil {
					t.Fatal(err)
				}
				// The standard library does not read zip64 behind other bytes.
				_, notTheirs := zip.NewReader(bytes.NewReader(before), int64(len(before)))
				z, err := zip.NewReader(bytes.NewReader(after), int64(len(after)))
				if (err != nil) != (notTheirs != nil) {
					t.Fatalf("archive/zip: %v, and before %v", err, notTheirs)
				}
				if q.Len() != len(want) || err == nil && len(z.File) != len(want) {
					t.Fatalf("%d parts, want %d", q.Len(), len(want))
				}
				for i := range q.Len() {
					part := q.Part(i)
					got, err := q.ReadAll(part, 1<<20)
					if err != nil || string(got) != want[part.Name] {
						t.Errorf("%s: error %v, %d bytes for %d", part.Name, err, len(got), len(want[part.Name]))
					}
					if z != nil {
						r, err := z.File[i].Open()
						if err != nil {
							t.Fatal(err)
						}
						if theirs, err := io.ReadAll(r); err != nil || string(theirs) != want[part.Name] || z.File[i].Name != part.Name {
							t.Errorf("archive/zip, %s: error %v, %d bytes", z.File[i].Name, err, len(theirs))
						}
					}
					old := p.Find(part.Name)
					if old.Method != part.Method {
						t.Errorf("%s: the method became %d", part.Name, part.Method)
					}
					if _, changed := changes[old]; !changed && !bytes.Contains(after, before[old.HeaderOffset:nextHeader(p, old)]) {
						t.Errorf("%s has not kept its bytes", part.Name)
					}
				}
			})
		}
	}
}

func nextHeader(p *Package, part *Part) int64 {
	next := p.DirectoryOffset()
	for i := range p.Len() {
		if at := p.Part(i).HeaderOffset; at > part.HeaderOffset {
			next = min(next, at)
		}
	}
	return next
}

// fullDisk is a writer that has had enough after some bytes.
type fullDisk struct{ left int }

var errFull = errors.New("the disk is full")

func (f *fullDisk) Write(b []byte) (int, error) {
	if len(b) > f.left {
		n := f.left
		f.left = 0
		return n, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

// TestRewriteFails: a writer's error comes through wherever it happens, and a context's.
func TestRewriteFails(t *testing.T) {
	before := pack(smallBook()).bytes()
	p, err := OpenPackage(bytes.NewReader(before), int64(len(before)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	part := p.Find("xl/worksheets/sheet1.xml")
	s, err := p.Stream(part)
	if err != nil {
		t.Fatal(err)
	}
	res, err := splice.Splice(context.Background(), s, []splice.Edit{{From: 1, To: 1, New: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, changes := range []map[*Part]*splice.Result{nil, {part: res}} {
		for left := 0; left < len(before)-40; left += 97 {
			if err := p.Rewrite(context.Background(), &fullDisk{left}, changes); !errors.Is(err, errFull) {
				t.Fatalf("after %d bytes: error %v", left, err)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Rewrite(ctx, io.Discard, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

// vanishing is a source that cannot be read any more after some reads.
type vanishing struct {
	b    []byte
	left int
}

var errVanished = errors.New("the file has vanished")

func (v *vanishing) ReadAt(b []byte, at int64) (int, error) {
	if v.left--; v.left < 0 {
		return 0, errVanished
	}
	return bytes.NewReader(v.b).ReadAt(b, at)
}

// TestRewriteLosesSource: a source that fails is told from a writer that does.
func TestRewriteLosesSource(t *testing.T) {
	before := pack(smallBook()).bytes()
	for left := range 200 {
		src := &vanishing{before, 1 << 30}
		p, err := OpenPackage(src, int64(len(before)), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		part := p.Find("xl/worksheets/sheet1.xml")
		s, err := p.Stream(part)
		if err != nil {
			t.Fatal(err)
		}
		src.left = left
		res, err := splice.Splice(context.Background(), s, []splice.Edit{{From: 1, To: 1, New: []byte("x")}})
		if err == nil {
			err = p.Rewrite(context.Background(), io.Discard, map[*Part]*splice.Result{part: res})
		} else {
			err = SpliceFailed(part, err)
		}
		var e *Error
		if err == nil {
			if left < 3 {
				t.Fatalf("it needs %d reads only", left)
			}
			return
		}
		if !errors.As(err, &e) || !errors.Is(err, errVanished) {
			t.Fatalf("after %d reads: error %v", left, err)
		}
	}
	t.Fatal("it never comes through")
}
