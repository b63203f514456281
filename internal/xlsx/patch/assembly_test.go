package patch

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// TestAssembly reads what was written and recorded, from any place on.
func TestAssembly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sources := [][]byte{rapid.SliceOfN(rapid.Byte(), 50, 50).Draw(t, "a"), rapid.SliceOfN(rapid.Byte(), 50, 50).Draw(t, "b")}
		readers := []*bytes.Reader{bytes.NewReader(sources[0]), bytes.NewReader(sources[1])}
		a, want := &assembly{}, []byte(nil)
		for range rapid.IntRange(0, 12).Draw(t, "pieces") {
			if rapid.Bool().Draw(t, "in memory") {
				b := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "bytes")
				if n, err := a.Write(b); n != len(b) || err != nil {
					t.Fatal(n, err)
				}
				want = append(want, b...)
				continue
			}
			k, at := rapid.IntRange(0, 1).Draw(t, "source"), rapid.IntRange(0, 40).Draw(t, "at")
			n := rapid.IntRange(0, 10).Draw(t, "n")
			a.Record(readers[k], int64(at), int64(n))
			want = append(want, sources[k][at:at+n]...)
		}
		if a.size != int64(len(want)) {
			t.Fatalf("it has %d bytes, want %d", a.size, len(want))
		}
		if err := iotest.TestReader(io.NewSectionReader(a, 0, a.size), want); err != nil {
			t.Fatal(err)
		}
		if n, err := a.ReadAt(make([]byte, 1), a.size); n != 0 || err != io.EOF {
			t.Fatalf("behind its end there are %d bytes, %v", n, err)
		}
	})
}
