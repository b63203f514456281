package xlsx

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/xlsx/inflate"
)

func TestWindowsComeBack(t *testing.T) {
	var room [inflate.Window]byte
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, inflate.Window).Draw(t, "length")
		letters := rapid.IntRange(1, 256).Draw(t, "letters")
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		w := make([]byte, 0, n)
		for len(w) < n {
			if k := len(w); k > 0 && rnd.IntN(3) == 0 {
				from := rnd.IntN(k)
				w = append(w, w[from:min(k, from+rnd.IntN(600))]...)
			} else {
				w = append(w, byte(rnd.IntN(letters)))
			}
		}
		w = w[:n]
		packed := packWindow(w)
		if got := room[:unpackWindow(&room, packed)]; !bytes.Equal(got, w) {
			t.Fatalf("%d bytes come back as %d others", n, len(got))
		}
		if len(packed) > n+n/64+4 {
			t.Fatalf("%d bytes pack to %d", n, len(packed))
		}
	})
}

// BenchmarkPackWindow packs windows of a sheet's XML, beside what the standard library
// does at its fastest.
func BenchmarkPackWindow(b *testing.B) {
	dir := os.Getenv("GRIDFLOW_WORKBOOKS")
	if dir == "" {
		b.Skip("GRIDFLOW_WORKBOOKS is not set; make the workbooks with: go run ./bench/gen -out DIR")
	}
	z, err := zip.OpenReader(filepath.Join(dir, "W2.xlsx"))
	if err != nil {
		b.Fatal(err)
	}
	defer z.Close()
	part, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		b.Fatal(err)
	}
	const windows = 64
	xml := make([]byte, windows*inflate.Window)
	if _, err := io.ReadFull(part, xml); err != nil {
		b.Fatal(err)
	}
	all := func(b *testing.B, pack func(w []byte) int) {
		b.SetBytes(int64(len(xml)))
		n := 0
		for b.Loop() {
			n = 0
			for i := range windows {
				n += pack(xml[i*inflate.Window:][:inflate.Window])
			}
		}
		b.ReportMetric(float64(len(xml))/float64(n), "ratio")
	}
	b.Run("own", func(b *testing.B) {
		all(b, func(w []byte) int { return len(packWindow(w)) })
	})
	b.Run("flate1", func(b *testing.B) {
		f, _ := flate.NewWriter(nil, flate.BestSpeed)
		all(b, func(w []byte) int {
			var out bytes.Buffer
			f.Reset(&out)
			f.Write(w)
			f.Close()
			return out.Len()
		})
	})
}
