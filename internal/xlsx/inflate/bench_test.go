package inflate

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
)

// sheetXML makes about size bytes of the XML of a worksheet, with the kinds of
// columns that real ones have.
func sheetXML(rng *rand.Rand, size int) []byte {
	b := append(make([]byte, 0, size+2000), `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n"+
		`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:J100000"/><sheetData>`...)
	for row := 1; len(b) < size; row++ {
		b = fmt.Appendf(b, `<row r="%d" spans="1:10">`, row)
		cell := func(col byte, attrs, value string) {
			b = append(b, `<c r="`...)
			b = append(b, col)
			b = strconv.AppendInt(b, int64(row), 10)
			b = append(b, '"')
			b = append(b, attrs...)
			b = append(b, `><v>`...)
			b = append(b, value...)
			b = append(b, `</v></c>`...)
		}
		cell('A', "", strconv.Itoa(row))
		cell('B', "", strconv.Itoa(rng.IntN(100_000)))
		cell('C', ` s="1"`, strconv.FormatFloat(float64(rng.IntN(10_000_000))/100, 'f', -1, 64))
		cell('D', "", strconv.FormatFloat(rng.NormFloat64()*math.Pi, 'g', 17, 64))
		cell('E', ` t="s"`, strconv.Itoa(rng.IntN(50_000)))
		cell('F', ` t="s"`, strconv.Itoa(rng.IntN(500)))
		cell('G', ` s="2"`, strconv.Itoa(40_000+rng.IntN(6_000)))
		cell('H', ` s="3"`, strconv.FormatFloat(40_000+rng.Float64()*6_000, 'f', 10, 64))
		cell('I', ` t="b"`, strconv.Itoa(rng.IntN(2)))
		if rng.IntN(10) > 0 {
			cell('J', "", strconv.FormatFloat(float64(rng.IntN(1000))/10, 'f', -1, 64))
		}
		b = append(b, `</row>`...)
	}
	return append(b, `</sheetData></worksheet>`...)
}

// benchSheet is 40 MB of worksheet, compressed at level 6.
var benchSheet = sync.OnceValues(func() (stream []byte, size int) {
	text := sheetXML(rand.New(rand.NewPCG(1, 1)), 40<<20)
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes(), len(text)
})

func BenchmarkInflate(b *testing.B) {
	stream, size := benchSheet()
	b.Run("own", func(b *testing.B) {
		const room = 256 << 10
		dst := make([]byte, Window+room+Slack)
		src := bytes.NewReader(stream)
		var r Reader
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(src, 0, int64(len(stream)))
			total := 0
			for hist := 0; ; {
				n, err := r.Fill(dst, hist, hist+room)
				total += n
				if err == io.EOF {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
				end := hist + n
				hist = min(end, Window)
				copy(dst, dst[end-hist:end])
			}
			if total != size {
				b.Fatalf("%d of %d bytes", total, size)
			}
		}
	})
	b.Run("flate", func(b *testing.B) {
		src := bytes.NewReader(stream)
		r := flate.NewReader(src)
		buf := make([]byte, 256<<10)
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			src.Reset(stream)
			if err := r.(flate.Resetter).Reset(src, nil); err != nil {
				b.Fatal(err)
			}
			// Hide the buffer's ReadFrom, so that nothing but decoding is measured.
			n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf)
			if err != nil || n != int64(size) {
				b.Fatal(n, err)
			}
		}
	})
}

// BenchmarkInflateSmall is a part of the size that workbook.xml and its like have.
func BenchmarkInflateSmall(b *testing.B) {
	text := sheetXML(rand.New(rand.NewPCG(1, 1)), 4000)
	stream := deflate(b, text, 6)
	src := bytes.NewReader(stream)
	buf := make([]byte, len(text)+1)
	b.Run("own", func(b *testing.B) {
		r := new(Reader)
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(src, 0, int64(len(stream)))
			if n, err := io.ReadFull(r, buf); err != io.ErrUnexpectedEOF || n != len(text) {
				b.Fatal(n, err)
			}
		}
	})
	b.Run("flate", func(b *testing.B) {
		r := flate.NewReader(src)
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			src.Reset(stream)
			if err := r.(flate.Resetter).Reset(src, nil); err != nil {
				b.Fatal(err)
			}
			if n, err := io.ReadFull(r, buf); err != io.ErrUnexpectedEOF || n != len(text) {
				b.Fatal(n, err)
			}
		}
	})
}
