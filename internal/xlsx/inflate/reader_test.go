package inflate

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"gridflow/internal/corpus"

	"pgregory.net/rapid"
)

// verdict reduces an error to what both decoders must agree on.
func verdict(t testing.TB, err error) string {
	t.Helper()
	var std flate.CorruptInputError
	var own *CorruptError
	switch {
	case err == nil || err == io.EOF:
		return "valid"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "truncated"
	case errors.As(err, &std), errors.As(err, &own):
		return "corrupt"
	}
	t.Fatalf("error of an unknown kind: %v", err)
	return ""
}

// A comparison decodes streams with both decoders. It is used again for many
// streams, so that a Reader and its windows are dirty from the one before.
type comparison struct {
	std    io.ReadCloser
	r      Reader
	window [Window + 256<<10 + Slack]byte
	out    []byte
}

// fillAll decodes by Fill through a window of the given room, sliding it as a
// pipeline does. The window has Slack behind its limit if slack is set.
func (c *comparison) fillAll(room int, slack bool) ([]byte, error) {
	dst := c.window[:Window+room]
	if slack {
		dst = c.window[:Window+room+Slack]
	}
	hist := 0
	c.out = c.out[:0]
	for {
		n, err := c.r.Fill(dst, hist, hist+room)
		c.out = append(c.out, dst[hist:hist+n]...)
		if err != nil {
			return c.out, err
		}
		if n != room {
			return c.out, fmt.Errorf("Fill gave %d of %d bytes without an error", n, room)
		}
		end := hist + n
		hist = min(end, Window)
		copy(dst, dst[end-hist:end])
	}
}

// check fails unless a stream decodes as compress/flate decodes it, in every
// way of reading it. It returns what the stream stands for.
func (c *comparison) check(t testing.TB, stream []byte) (text []byte, err error) {
	t.Helper()
	src := bytes.NewReader(stream)
	if c.std == nil {
		c.std = flate.NewReader(src)
	} else if err := c.std.(flate.Resetter).Reset(src, nil); err != nil {
		t.Fatal(err)
	}
	want, wantErr := io.ReadAll(c.std)
	ways := []struct {
		name string
		read func() ([]byte, error)
	}{
		{"Read", func() ([]byte, error) { return io.ReadAll(&c.r) }},
		{"Fill 256 KiB", func() ([]byte, error) { return c.fillAll(256<<10, true) }},
		{"Fill 1009 bytes", func() ([]byte, error) { return c.fillAll(1009, true) }},
		{"Fill without slack", func() ([]byte, error) { return c.fillAll(5000, false) }},
	}
	for _, way := range ways {
		c.r.Reset(src, 0, int64(len(stream)))
		got, err := way.read()
		if w, g := verdict(t, wantErr), verdict(t, err); w != g {
			t.Fatalf("%s: stream is %s (%v), compress/flate says %s (%v)", way.name, g, err, w, wantErr)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: %d bytes differ from the %d of compress/flate at %d (%v)", way.name, len(got), len(want), firstDifference(got, want), err)
		}
	}
	return want, wantErr
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

var levels = []int{flate.HuffmanOnly, flate.NoCompression, 1, 2, 3, 4, 5, 6, 7, 8, 9}

func deflate(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// texts are inputs that drive the decoder into its different corners.
func texts(rng *rand.Rand) map[string][]byte {
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	skewed := make([]byte, 120_000) // code lengths up to 15
	for i := range skewed {
		v := byte(0)
		for v < 200 && rng.IntN(5) < 3 {
			v++
		}
		skewed[i] = v
	}
	periods := []byte{}
	for period := 1; period <= 40; period++ {
		periods = append(periods, bytes.Repeat(noise[period*50:period*50+period], 700/period)...)
	}
	far := append(append(append([]byte{}, noise[:Window]...), noise[:Window]...), noise[:Window-1]...)
	return map[string][]byte{
		"empty":    {},
		"one byte": {'x'},
		"noise":    noise,
		"skewed":   skewed,
		"zeros":    make([]byte, 150_000),
		"periods":  periods,
		"far":      far,
		"sheet":    sheetXML(rng, 150_000),
	}
}

func TestSameAsFlate(t *testing.T) {
	var c comparison
	for name, text := range texts(rand.New(rand.NewPCG(1, 2))) {
		for _, level := range levels {
			t.Run(fmt.Sprintf("%s/%d", name, level), func(t *testing.T) {
				stream := deflate(t, text, level)
				c.check(t, stream)
				r := NewReader(bytes.NewReader(stream), 0, int64(len(stream)))
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, text) {
					t.Fatalf("not the text that was compressed: %d of %d bytes, %v", len(got), len(text), err)
				}
				if got := r.CompressedOffset(); got != int64(len(stream)) {
					t.Errorf("CompressedOffset at the end is %d of %d", got, len(stream))
				}
			})
		}
	}
}

func TestTruncated(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	text := append(sheetXML(rng, 3000), texts(rng)["skewed"][:2000]...)
	var c comparison
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6} {
		stream := deflate(t, text, level)
		for n := range len(stream) {
			if n < 150 || n > len(stream)-100 || n%17 == 0 {
				c.check(t, stream[:n])
			}
		}
	}
}

func TestDamaged(t *testing.T) {
	var c comparison
	rng := rand.New(rand.NewPCG(5, 6))
	text := append(sheetXML(rng, 6000), texts(rng)["skewed"][:3000]...)
	for _, level := range levels {
		stream := deflate(t, text, level)
		for range 60 {
			damaged := bytes.Clone(stream)
			for range 1 + rng.IntN(3) {
				// Headers are where most of the ways to be wrong are.
				span := len(damaged)
				if rng.IntN(2) == 0 {
					span = min(span, 90)
				}
				damaged[rng.IntN(span)] ^= 1 << rng.IntN(8)
			}
			c.check(t, damaged)
		}
	}
}

func TestArbitraryBytes(t *testing.T) {
	var c comparison
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range 1500 {
		stream := make([]byte, rng.IntN(300))
		for i := range stream {
			stream[i] = byte(rng.Uint32())
		}
		if len(stream) > 0 {
			stream[0] = stream[0]&^7 | byte(i%3)<<1 // a block type that exists, not final
		}
		c.check(t, stream)
	}
}

func TestReasons(t *testing.T) {
	// Each stream is given as its bits in the order in which they are read; numbers are low bit first.
	dynamic := "1 01 "            // final, type 2
	counts := "00000 00000 0111 " // 257, 1, 18 code lengths
	tests := []struct {
		bits string
		want Reason
	}{
		{"", Truncated},
		{"1 0", Truncated},
		{"1 11", BadBlockType},
		{"1 00 00000 0000000000000000 0000000000000000", BadStoredLength},
		{"1 10 1100 0111 11000110", BadSymbol}, // the fixed code's symbol 286
		{"1 10 00110000 0000001 11110", BadSymbol},
		{"1 10 0000001 00000", BadDistance},
		{dynamic + "01111 00000 0000", BadCodeCount},
		{dynamic + "00000 01111 0000", BadCodeCount},
		{dynamic + "00000 00000 0000 100 100 100 000", BadCodeLengths}, // too many
		{dynamic + "00000 00000 0000 100 010 000 000", BadCodeLengths}, // too few
		{dynamic + "00000 00000 0000 100 000 000 000 0 00", BadRepeat},
		{dynamic + counts + strings.Repeat("000 ", 18), BadSymbol}, // no code at all
	}
	var c comparison
	for _, tt := range tests {
		stream := packBits(tt.bits)
		c.check(t, stream)
		// Once more with enough input behind it for the fast loop.
		c.check(t, append(stream, make([]byte, 40)...))
		_, err := io.ReadAll(NewReader(bytes.NewReader(stream), 0, int64(len(stream))))
		var corrupt *CorruptError
		if !errors.As(err, &corrupt) || corrupt.Reason != tt.want {
			t.Errorf("%s: %v, want %q", tt.bits, err, tt.want)
		}
		if corrupt != nil && (corrupt.Offset < 0 || corrupt.Offset > int64(len(stream))) {
			t.Errorf("%s: offset %d outside of the stream", tt.bits, corrupt.Offset)
		}
	}
}

func packBits(s string) []byte {
	var out []byte
	n := 0
	for _, c := range s {
		if c == ' ' {
			continue
		}
		if n%8 == 0 {
			out = append(out, 0)
		}
		if c == '1' {
			out[n/8] |= 1 << (n % 8)
		}
		n++
	}
	return out
}

func TestMarks(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for name, text := range texts(rng) {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, 1, 6} {
			stream := deflate(t, text, level)
			src := bytes.NewReader(append([]byte("before"), stream...))
			const off = 6
			var marks []Mark
			r := NewReader(src, off, int64(len(stream)))
			given := 0
			r.OnBlock = func(m Mark) { marks = append(marks, m) }
			dst := make([]byte, len(text)+Slack)
			for pos := 0; ; {
				n, err := r.Fill(dst, pos, min(pos+10_000, len(text)))
				pos += n
				given = pos
				if last := marks[len(marks)-1]; last.Out > int64(given) {
					t.Fatalf("%s level %d: a mark at %d is beyond the %d bytes given", name, level, last.Out, given)
				}
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			r.OnBlock = nil
			for i, m := range marks {
				if i > 6 && i < len(marks)-6 && i%9 != 0 {
					continue
				}
				history := text[max(0, m.Out-Window):m.Out]
				r.ResetAt(src, off, int64(len(stream)), m, history)
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, text[m.Out:]) {
					t.Fatalf("%s level %d: Read from mark %+v: %d of %d bytes, %v", name, level, m, len(got), len(text)-int(m.Out), err)
				}
				r.ResetAt(src, off, int64(len(stream)), m, nil)
				dst := append(bytes.Clone(history), make([]byte, len(text)-int(m.Out)+Slack)...)
				n, err := r.Fill(dst, len(history), len(dst)-Slack)
				if err != io.EOF || !bytes.Equal(dst[len(history):len(history)+n], text[m.Out:]) {
					t.Fatalf("%s level %d: Fill from mark %+v: %d of %d bytes, %v", name, level, m, n, len(text)-int(m.Out), err)
				}
			}
		}
	}
}

// Windows of any sequence of sizes give the same bytes, and nothing but
// dst[hist:limit+Slack] is written to.
func TestAnyWindows(t *testing.T) {
	inputs := texts(rand.New(rand.NewPCG(11, 12)))
	names := []string{"skewed", "periods", "far", "sheet", "zeros", "noise"}
	type key struct {
		name  string
		level int
	}
	streams := map[key][]byte{}
	rapid.Check(t, func(t *rapid.T) {
		k := key{rapid.SampledFrom(names).Draw(t, "input"), rapid.SampledFrom(levels).Draw(t, "level")}
		text := inputs[k.name]
		text = text[:min(len(text), 90_000)]
		stream, ok := streams[k]
		if !ok {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, k.level)
			w.Write(text)
			w.Close()
			stream = b.Bytes()
			streams[k] = stream
		}
		room := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 700), rapid.IntRange(0, 40_000))
		slack := rapid.OneOf(rapid.Just(Slack), rapid.IntRange(0, Slack+5))
		r := NewReader(bytes.NewReader(stream), 0, int64(len(stream)))
		pos := 0
		for {
			hist := min(pos, Window+rapid.IntRange(0, 50).Draw(t, "more history"))
			limit := hist + room.Draw(t, "room")
			dst := make([]byte, limit+slack.Draw(t, "slack")+8)
			copy(dst, text[pos-hist:pos])
			guard := dst[min(limit+Slack, len(dst)-8):]
			for i := range guard {
				guard[i] = 0xA5
			}
			n, err := r.Fill(dst[:len(dst)-8], hist, limit)
			if !bytes.Equal(dst[:hist], text[pos-hist:pos]) {
				t.Fatal("history overwritten")
			}
			for _, b := range guard {
				if b != 0xA5 {
					t.Fatal("written behind the slack")
				}
			}
			if n > limit-hist || pos+n > len(text) || !bytes.Equal(dst[hist:hist+n], text[pos:pos+n]) {
				t.Fatalf("wrong bytes in %d:%d", pos, pos+n)
			}
			pos += n
			if err == io.EOF {
				break
			}
			if err != nil || n != limit-hist {
				t.Fatalf("%d of %d bytes at %d: %v", n, limit-hist, pos, err)
			}
		}
		if pos != len(text) {
			t.Fatalf("ended at %d of %d", pos, len(text))
		}
	})
}

func TestEndComesWithTheLastBytes(t *testing.T) {
	text := sheetXML(rand.New(rand.NewPCG(13, 14)), 50_000)
	for _, level := range levels {
		stream := deflate(t, text, level)
		r := NewReader(bytes.NewReader(stream), 0, int64(len(stream)))
		dst := make([]byte, len(text)+Slack)
		if n, err := r.Fill(dst, 0, len(text)-1); n != len(text)-1 || err != nil {
			t.Fatalf("level %d: all but one byte: %d, %v", level, n, err)
		}
		if n, err := r.Fill(dst, len(text)-1, len(text)-1); n != 0 || err != nil {
			t.Fatalf("level %d: no room while a byte is to come: %d, %v", level, n, err)
		}
		if n, err := r.Fill(dst, len(text)-1, len(text)); n != 1 || err != io.EOF {
			t.Fatalf("level %d: the last byte: %d, %v", level, n, err)
		}
		if n, err := r.Fill(dst, len(text), len(text)); n != 0 || err != io.EOF {
			t.Fatalf("level %d: after the end: %d, %v", level, n, err)
		}
	}
}

func TestMisuse(t *testing.T) {
	text := sheetXML(rand.New(rand.NewPCG(15, 16)), 100_000)
	stream := deflate(t, text, 6)
	src := bytes.NewReader(stream)
	r := NewReader(src, 0, int64(len(stream)))
	dst := make([]byte, 200_000)
	for _, bad := range [][2]int{{-1, 10}, {10, 9}, {0, len(dst) + 1}} {
		if _, err := r.Fill(dst, bad[0], bad[1]); err != ErrLimit {
			t.Errorf("Fill(dst, %d, %d): %v, want ErrLimit", bad[0], bad[1], err)
		}
	}
	if n, err := r.Fill(dst, 0, 50_000); n != 50_000 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := r.Fill(dst, Window-1, 50_000); err != ErrHistory {
		t.Errorf("Fill with too little history: %v, want ErrHistory", err)
	}
	if _, err := r.Read(dst); err != ErrHistory {
		t.Errorf("Read after Fill: %v, want ErrHistory", err)
	}
	if n, err := r.Fill(dst, 50_000, 150_000); err != io.EOF || !bytes.Equal(dst[:50_000+n], text) {
		t.Errorf("after mistakes of the caller: %d, %v", n, err)
	}
	for _, m := range []Mark{{Bit: -1}, {Out: -1}, {Bit: int64(len(stream))*8 + 1}, {Bit: 1 << 62}} {
		r.ResetAt(src, 0, int64(len(stream)), m, nil)
		if _, err := r.Fill(dst, 0, 10); err != ErrMark {
			t.Errorf("mark %+v: %v, want ErrMark", m, err)
		}
	}
	r.ResetAt(failingReaderAt{src, 0}, 0, int64(len(stream)), Mark{Bit: 3, Out: 0}, nil)
	if _, err := r.Fill(dst, 0, 10); !errors.Is(err, errDisk) {
		t.Errorf("a mark that cannot be read: %v, want the source's error", err)
	}
	for _, length := range []int64{-5, 0, 1 << 62, 1<<63 - 1} {
		r.Reset(bytes.NewReader(stream[:100]), 50, length)
		if _, err := io.ReadAll(r); err == nil {
			t.Errorf("compressed length %d: no error", length)
		}
	}
}

func TestReadFailure(t *testing.T) {
	text := sheetXML(rand.New(rand.NewPCG(17, 18)), 1_000_000)
	stream := deflate(t, text, 1)
	src := failingReaderAt{bytes.NewReader(stream), 150_000}
	r := NewReader(src, 0, int64(len(stream)))
	got, err := io.ReadAll(r)
	if !errors.Is(err, errDisk) {
		t.Errorf("error %v, want the source's", err)
	}
	if len(got) == 0 || !bytes.HasPrefix(text, got) {
		t.Errorf("%d bytes before the failure are not the text's", len(got))
	}
	// A source that gives up without saying why.
	r.Reset(stuckReaderAt{}, 0, 100)
	if _, err := io.ReadAll(r); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("stuck source: %v, want io.ErrNoProgress", err)
	}
	// A source that is shorter than declared.
	r.Reset(bytes.NewReader(stream[:70_000]), 0, int64(len(stream)))
	if _, err := io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short source: %v, want io.ErrUnexpectedEOF", err)
	}
}

var errDisk = errors.New("disk failure")

type failingReaderAt struct {
	io.ReaderAt
	good int64
}

func (f failingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) <= f.good {
		return f.ReaderAt.ReadAt(p, off)
	}
	n, _ := f.ReaderAt.ReadAt(p[:max(0, f.good-off)], off)
	return n, errDisk
}

type stuckReaderAt struct{}

func (stuckReaderAt) ReadAt([]byte, int64) (int, error) { return 0, nil }

// What a window holds in front of the stream's first byte is no history.
func TestNothingBeforeTheFirstByte(t *testing.T) {
	text := sheetXML(rand.New(rand.NewPCG(23, 24)), 5000)
	stream := deflate(t, text, 6)
	dst := bytes.Repeat([]byte{'?'}, 20_000)
	r := NewReader(bytes.NewReader(stream), 0, int64(len(stream)))
	if n, err := r.Fill(dst, 1000, 15_000); err != io.EOF || !bytes.Equal(dst[1000:1000+n], text) {
		t.Errorf("%d of %d bytes, %v", n, len(text), err)
	}
	back := append(packBits("1 10 01100000 0000001 00001 0000000"), make([]byte, 40)...) // a literal, then a match at distance 2
	r.Reset(bytes.NewReader(back), 0, int64(len(back)))
	var corrupt *CorruptError
	if n, err := r.Fill(dst, 1000, 15_000); n != 1 || !errors.As(err, &corrupt) || corrupt.Reason != BadDistance {
		t.Errorf("match before the first byte: %d bytes, %v, want 1 and BadDistance", n, err)
	} else if want := "the compressed data is corrupt: a match reaches back before the first byte (near compressed byte 3)"; err.Error() != want {
		t.Errorf("error reads %q, want %q", err, want)
	}
}

func TestReaderContract(t *testing.T) {
	text := sheetXML(rand.New(rand.NewPCG(19, 20)), 120_000)
	stream := deflate(t, text, 6)
	if err := iotest.TestReader(NewReader(bytes.NewReader(stream), 0, int64(len(stream))), text); err != nil {
		t.Fatal(err)
	}
}

// Every compressed part of every workbook of the corpus decodes as compress/flate
// decodes it, and to the checksum in its directory if it is valid.
func TestCorpus(t *testing.T) {
	root := corpus.Dir(t)
	var books, entries, refused int
	var r Reader
	dst := make([]byte, 1<<20)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil // not a zip package
		}
		defer z.Close()
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		books++
		for _, part := range z.File {
			off, err := part.DataOffset()
			if part.Method != zip.Deflate || err != nil {
				continue
			}
			entries++
			r.Reset(f, off, int64(part.CompressedSize64))
			sum, size := uint32(0), uint64(0)
			var gotErr error
			for hist := 0; gotErr == nil; {
				var n int
				n, gotErr = r.Fill(dst, hist, len(dst)-Slack)
				sum = crc32.Update(sum, crc32.IEEETable, dst[hist:hist+n])
				size += uint64(n)
				end := hist + n
				hist = min(end, Window)
				copy(dst, dst[end-hist:end])
			}
			if gotErr == io.EOF && sum == part.CRC32 && size == part.UncompressedSize64 {
				continue
			}
			// Not what the directory says: is that the file's fault?
			refused++
			want := crc32.NewIEEE()
			n, wantErr := io.Copy(want, flate.NewReader(io.NewSectionReader(f, off, int64(part.CompressedSize64))))
			if verdict(t, gotErr) != verdict(t, wantErr) || sum != want.Sum32() || size != uint64(n) {
				t.Errorf("%s %s: %d bytes, %v; compress/flate: %d, %v", path, part.Name, size, gotErr, n, wantErr)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if entries == 0 {
		t.Fatalf("no compressed parts under %s", root)
	}
	t.Logf("%d packages, %d compressed parts, of which %d are not what their directory says", books, entries, refused)
}

func FuzzInflate(f *testing.F) {
	rng := rand.New(rand.NewPCG(21, 22))
	text := sheetXML(rng, 2000)
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6} {
		f.Add(deflate(f, text, level))
	}
	var c comparison
	f.Fuzz(func(t *testing.T, stream []byte) {
		if len(stream) > 4<<10 {
			t.Skip() // bounds the output, at most 1032 times as long
		}
		var marks []Mark
		c.r.OnBlock = func(m Mark) { marks = append(marks, m) }
		text, textErr := c.check(t, stream)
		c.r.OnBlock = nil
		for _, m := range marks[:min(len(marks), 5)] {
			c.r.ResetAt(bytes.NewReader(stream), 0, int64(len(stream)), m, text[:m.Out])
			got, err := io.ReadAll(&c.r)
			if verdict(t, err) != verdict(t, textErr) || !bytes.Equal(got, text[m.Out:]) {
				t.Fatalf("from mark %+v: %d bytes, %v; straight on: %d, %v", m, len(got), err, len(text)-int(m.Out), textErr)
			}
		}
	})
}
