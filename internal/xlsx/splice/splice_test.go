package splice

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	kflate "github.com/klauspost/compress/flate"
	"pgregory.net/rapid"

	"gridflow/internal/xlsx/inflate"
)

// content makes bytes like those of a sheet, with stretches that do not compress, which
// encoders put into stored blocks.
func content(rnd *rand.Rand, n int) []byte {
	var b bytes.Buffer
	for row := 1; b.Len() < n; row++ {
		fmt.Fprintf(&b, `<row r="%d"><c r="A%d"><v>%d</v></c><c r="B%d" s="3"><v>%g</v></c></row>`, row, row, rnd.IntN(1000), row, rnd.Float64())
		if rnd.IntN(400) == 0 {
			junk := make([]byte, rnd.IntN(100_000))
			for i := range junk {
				junk[i] = byte(rnd.Uint32())
			}
			b.Write(junk)
		}
	}
	return b.Bytes()[:n]
}

// compressed gives b as some encoder writes it, which may flush now and then.
func compressed(t interface{ Fatal(...any) }, rnd *rand.Rand, b []byte, encoder int) []byte {
	var out bytes.Buffer
	type writer interface {
		io.WriteCloser
		Flush() error
	}
	var w writer
	var err error
	if level := encoder%10 - 1; encoder < 10 {
		w, err = flate.NewWriter(&out, level)
	} else {
		w, err = kflate.NewWriter(&out, level)
	}
	if err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 {
		n := min(len(b), 1+rnd.IntN(400_000))
		if _, err := w.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		if b = b[n:]; rnd.IntN(4) == 0 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// mapped decodes a stream and makes its map, with points about spacing apart.
func mapped(t interface{ Fatal(...any) }, raw []byte, spacing int64) (*Stream, []byte) {
	r := inflate.NewReader(bytes.NewReader(raw), 0, int64(len(raw)))
	m := &Map{SumBytes: chunkBytes}
	var marks []inflate.Mark
	next := spacing
	r.OnBlock = func(k inflate.Mark) {
		(*Blocks)(&m.Blocks).Add(k)
		if k.Out >= next {
			marks = append(marks, k)
			next = k.Out + spacing
		}
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	m.EndBit = r.CompressedBits()
	for _, k := range marks {
		m.Points = append(m.Points, Point{k, crc32.ChecksumIEEE(all[:k.Out])})
	}
	for at := 0; at < len(all); at += chunkBytes {
		m.Sums = append(m.Sums, crc32.ChecksumIEEE(all[:min(len(all), at+chunkBytes)]))
	}
	m.History = func(i int) []byte {
		out := int(m.Points[i].Mark.Out)
		return all[max(0, out-inflate.Window):out]
	}
	return &Stream{Src: bytes.NewReader(raw), CompressedBytes: int64(len(raw)), Bytes: int64(len(all)), CRC32: crc32.ChecksumIEEE(all), Map: m}, all
}

// edited applies edits in the plain way.
func edited(b []byte, edits []Edit) []byte {
	var out []byte
	at := int64(0)
	for _, e := range edits {
		out = append(out, b[at:e.From]...)
		out = append(out, e.New...)
		at = e.To
	}
	return append(out, b[at:]...)
}

// check makes sure that a result is a stream of want, and exactly that.
func check(t interface {
	Fatal(...any)
	Fatalf(string, ...any)
}, res *Result, want []byte) {
	var out bytes.Buffer
	n, err := res.WriteTo(&out)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(out.Len()) || n != res.CompressedBytes {
		t.Fatalf("%d bytes were written, WriteTo says %d and the result %d", out.Len(), n, res.CompressedBytes)
	}
	src := bytes.NewReader(out.Bytes())
	got, err := io.ReadAll(flate.NewReader(src)) // a ByteReader, so that nothing is read ahead
	if err != nil {
		t.Fatalf("compress/flate: %v", err)
	}
	if src.Len() != 0 {
		t.Fatalf("%d bytes follow the final block", src.Len())
	}
	if !bytes.Equal(got, want) {
		i := 0
		for i < min(len(got), len(want)) && got[i] == want[i] {
			i++
		}
		t.Fatalf("%d bytes for %d, the first difference is at %d", len(got), len(want), i)
	}
	if res.Bytes != int64(len(want)) || res.CRC32 != crc32.ChecksumIEEE(want) {
		t.Fatalf("length %d and checksum %x, want %d and %x", res.Bytes, res.CRC32, len(want), crc32.ChecksumIEEE(want))
	}
}

// randomEdits draws edits that are in order and apart.
func randomEdits(rnd *rand.Rand, n, size int) []Edit {
	var edits []Edit
	for range n {
		from := int64(rnd.IntN(size + 1))
		if rnd.IntN(12) == 0 {
			from = int64([]int{0, size}[rnd.IntN(2)])
		}
		to := min(int64(size), from+int64(rnd.IntN(60)))
		if rnd.IntN(4) == 0 {
			to = from
		}
		edits = append(edits, Edit{From: from, To: to, New: []byte(fmt.Sprintf("[edit %d %0*d]", from, rnd.IntN(50), 0))})
	}
	slices.SortFunc(edits, func(a, b Edit) int { return cmp.Compare(a.From, b.From) })
	kept := edits[:0]
	for _, e := range edits {
		if n := len(kept); n == 0 || kept[n-1].To <= e.From {
			kept = append(kept, e)
		}
	}
	return kept
}

// TestSplice compares splices of streams of all encoders with plain editing. What came out
// is spliced once more, as a file is that is saved twice: it has stored blocks in it.
func TestSplice(t *testing.T) {
	for encoder := range 20 {
		if raceDetector && encoder%5 != 2 {
			continue
		}
		t.Run(fmt.Sprint(encoder), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(uint64(encoder), 1))
			regions := 0
			streams, rounds := 3, 8
			if raceDetector || testing.Short() {
				streams, rounds = 1, 3
			}
			for range streams {
				b := content(rnd, 600_000+rnd.IntN(1_500_000))
				raw := compressed(t, rnd, b, encoder)
				s, _ := mapped(t, raw, 100_000)
				for range rounds {
					edits := randomEdits(rnd, 1+rnd.IntN(3)*rnd.IntN(3), len(b))
					if plan := s.plan(edits); !plan[0].toEnd || len(plan) > 1 {
						regions += len(plan)
					}
					res, err := Splice(context.Background(), s, edits)
					if err != nil {
						t.Fatal(err)
					}
					want := edited(b, edits)
					check(t, res, want)

					var out bytes.Buffer
					if _, err := res.WriteTo(&out); err != nil {
						t.Fatal(err)
					}
					again, _ := mapped(t, out.Bytes(), 100_000)
					edits = randomEdits(rnd, 2, len(want))
					if res, err = Splice(context.Background(), again, edits); err != nil {
						t.Fatal(err)
					}
					check(t, res, edited(want, edits))
				}
			}
			if regions == 0 {
				t.Error("no edit left a part of its stream alone: nothing was tested")
			}
		})
	}
}

// TestWhole is the same without a map, and for streams that are not compressed.
func TestWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		b := content(rnd, rapid.IntRange(0, most(3<<20)).Draw(t, "size"))
		edits := randomEdits(rnd, rapid.IntRange(0, 9).Draw(t, "edits"), len(b))
		s := &Stream{Bytes: int64(len(b)), CRC32: crc32.ChecksumIEEE(b)}
		raw := b
		if s.Stored = rapid.Bool().Draw(t, "stored"); !s.Stored {
			raw = compressed(t, rnd, b, 2)
		}
		front := []byte("what stands before it")
		s.Src, s.At, s.CompressedBytes = bytes.NewReader(append(front, raw...)), int64(len(front)), int64(len(raw))
		res, err := Splice(context.Background(), s, edits)
		if err != nil {
			t.Fatal(err)
		}
		want := edited(b, edits)
		if !s.Stored {
			check(t, res, want)
			return
		}
		var out bytes.Buffer
		if _, err := res.WriteTo(&out); err != nil || !bytes.Equal(out.Bytes(), want) || res.CRC32 != crc32.ChecksumIEEE(want) || res.CompressedBytes != int64(len(want)) {
			t.Fatalf("error %v, %d bytes for %d, checksum %x", err, out.Len(), len(want), res.CRC32)
		}
	})
}

// TestFaults checks that a stream is refused that is not the one that the map is of, and
// edits that make no sense.
func TestFaults(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	b := content(rnd, 900_000)
	raw := compressed(t, rnd, b, 6)
	edit := []Edit{{From: 500_000, To: 500_010}}
	ctx := context.Background()

	for i := range s0(t, raw).Map.Sums {
		s := s0(t, raw)
		s.Map.Sums[i]++
		_, err := Splice(ctx, s, edit)
		if concerned := i == 1 || i == 2; errors.Is(err, ErrChecksum) != concerned {
			t.Errorf("sum %d is wrong: error %v", i, err)
		}
	}
	s := s0(t, raw)
	s.Map = nil
	s.CRC32++
	if _, err := Splice(ctx, s, edit); !errors.Is(err, ErrChecksum) {
		t.Errorf("a wrong checksum: error %v", err)
	}
	s = s0(t, raw)
	s.Map = nil
	s.Bytes++
	if _, err := Splice(ctx, s, edit); !errors.Is(err, ErrLength) {
		t.Errorf("a wrong length: error %v", err)
	}
	s = s0(t, raw)
	for _, edits := range [][]Edit{{{From: 5, To: 4}}, {{From: 3, To: 9}, {From: 8, To: 10}}, {{From: -1}}, {{From: 9, To: s.Bytes + 1}}} {
		if _, err := Splice(ctx, s, edits); !errors.Is(err, ErrEdits) {
			t.Errorf("edits %v: error %v", edits, err)
		}
	}
	var corrupt *inflate.CorruptError
	s = s0(t, raw)
	s.Map, s.CompressedBytes = nil, s.CompressedBytes/2
	if _, err := Splice(ctx, s, edit); !errors.As(err, &corrupt) {
		t.Errorf("half a stream: error %v", err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Splice(canceled, s0(t, raw), edit); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}

func s0(t *testing.T, raw []byte) *Stream {
	s, _ := mapped(t, raw, 100_000)
	return s
}

// TestJoin checks the arithmetic of checksums against the checksums of joined bytes.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOf(rapid.Byte()).Draw(t, "a"), rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		sa, sb := crc32.ChecksumIEEE(a), crc32.ChecksumIEEE(b)
		both := crc32.ChecksumIEEE(append(slices.Clone(a), b...))
		if got := join(sa, sb, int64(len(b))); got != both {
			t.Fatalf("joined %x, want %x", got, both)
		}
		if got := between(sa, both, int64(len(b))); got != sb {
			t.Fatalf("between %x, want %x", got, sb)
		}
	})
}

// TestDeflater compares what is compressed with what the standard library decodes, for
// writes of any size.
func TestDeflater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		b := content(rnd, rapid.SampledFrom([]int{0, 1, 1000, pieceBytes - 1, pieceBytes, most(2 * pieceBytes), most(5*pieceBytes + 17)}).Draw(t, "size"))
		var out bytes.Buffer
		d := NewDeflater(context.Background(), &out)
		for rest := b; len(rest) > 0; {
			n := min(len(rest), 1+rnd.IntN(2*pieceBytes))
			if _, err := d.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(flate.NewReader(&out))
		if err != nil || !bytes.Equal(got, b) || d.CRC32 != crc32.ChecksumIEEE(b) || d.Bytes != int64(len(b)) {
			t.Fatalf("error %v, %d bytes for %d, checksum %x", err, len(got), len(b), d.CRC32)
		}
		if _, err := d.Write(nil); err == nil {
			t.Fatal("what is written after the end is taken")
		}
	})
}

type noWriter struct{}

var errNoWriter = errors.New("nothing can be written")

func (noWriter) Write([]byte) (int, error) { return 0, errNoWriter }

// TestDeflaterFails checks that errors come out and nothing hangs.
func TestDeflaterFails(t *testing.T) {
	d := NewDeflater(context.Background(), noWriter{})
	b := make([]byte, pieceBytes)
	for range 20 {
		if _, err := d.Write(b); err != nil && !errors.Is(err, errNoWriter) {
			t.Fatal(err)
		}
	}
	if err := d.Close(); !errors.Is(err, errNoWriter) {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	d = NewDeflater(ctx, io.Discard)
	if _, err := d.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// most gives a size, or a small one where the race detector makes much work of it.
func most(n int) int {
	if raceDetector {
		return min(n, 300_000)
	}
	return n
}
