package xlsx

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

// TestRewriteAdds adds parts to packages of several forms, and reads them with the standard
// library, which checks checksums, and again.
func TestRewriteAdds(t *testing.T) {
	var plain bytes.Buffer
	z := zip.NewWriter(&plain)
	for _, name := range []string{"a.xml", "b.xml"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(bytes.Repeat([]byte(name), 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.SetComment("a comment"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	var empty bytes.Buffer
	if err := zip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"a package":          plain.Bytes(),
		"behind other bytes": append([]byte("what is no zip"), plain.Bytes()...),
		"an empty package":   empty.Bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			p, err := OpenPackage(bytes.NewReader(file), int64(len(file)), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			added := []NewPart{{"new/c.xml", []byte("<c/>")}, {"new/empty.xml", nil}}
			var out bytes.Buffer
			if err := p.Rewrite(context.Background(), &out, nil, added...); err != nil {
				t.Fatal(err)
			}
			for range 2 { // what was added is like what was there
				r, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
				if err != nil {
					t.Fatal(err)
				}
				if n := p.Len() + len(added); len(r.File) != n || r.Comment != "" && r.Comment != "a comment" {
					t.Fatalf("%d parts, want %d; comment %q", len(r.File), n, r.Comment)
				}
				for i, f := range r.File {
					c, err := f.Open()
					if err != nil {
						t.Fatal(err)
					}
					content, err := io.ReadAll(c)
					if err != nil {
						t.Fatalf("%s: %v", f.Name, err)
					}
					if k := i - p.Len(); k >= 0 && k < len(added) && (f.Name != added[k].Name || !bytes.Equal(content, added[k].Content)) {
						t.Errorf("part %d is %s with %q", i, f.Name, content)
					}
				}
				p, err = OpenPackage(bytes.NewReader(out.Bytes()), int64(out.Len()), Limits{})
				if err != nil {
					t.Fatal(err)
				}
				added = []NewPart{{"d.xml", []byte("<d/>")}}
				out = bytes.Buffer{}
				if err := p.Rewrite(context.Background(), &out, nil, added...); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestRewriteAddsNoMore: without zip64 there is room for 65534 parts.
func TestRewriteAddsNoMore(t *testing.T) {
	var b bytes.Buffer
	p, err := func() (*Package, error) {
		z := zip.NewWriter(&b)
		if _, err := z.Create("a.xml"); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
		return OpenPackage(bytes.NewReader(b.Bytes()), int64(b.Len()), Limits{})
	}()
	if err != nil {
		t.Fatal(err)
	}
	err = p.Rewrite(context.Background(), io.Discard, nil, make([]NewPart, 65534)...)
	if e := (*Error)(nil); !errors.As(err, &e) || e.Code != TooLarge {
		t.Errorf("error %v, want code %s", err, TooLarge)
	}
	if err := p.Rewrite(context.Background(), io.Discard, nil, make([]NewPart, 65533)...); err != nil {
		t.Error(err)
	}
}
