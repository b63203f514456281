package scan

import (
	"bytes"
	"math"
	"strconv"
	"testing"
	"unsafe"

	"gridflow/internal/grid"
)

// feedAll feeds xml in windows of n bytes and gives what came of it.
func feedAll(xml []byte, n int) (string, error) {
	b := grid.NewBuilder("S")
	b.AnyOrder()
	s := NewSheet(b, Limits{Cells: 1 << 16})
	for start, end := 0, 0; ; {
		end = min(end+n, len(xml))
		used, err := s.Feed(xml[start:end:end], end == len(xml))
		if err != nil {
			return "", err
		}
		start += used
		if end == len(xml) {
			break
		}
	}
	return dump(b.Finish(nil)) + string(s.Head()) + string(s.Tail()), nil
}

// FuzzSheet: whatever the bytes, nothing panics, and however they are cut, the result is
// the same.
func FuzzSheet(f *testing.F) {
	for _, c := range cases {
		f.Add([]byte(wrap("", c.xml)), uint16(7))
		f.Add([]byte(wrap("x:", c.xml)), uint16(300))
	}
	f.Add(benchXML(4, ""), uint16(100))
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1"><v>1`), uint16(1))
	f.Fuzz(func(t *testing.T, xml []byte, window uint16) {
		if len(xml) > 1<<14 {
			return
		}
		whole, err := feedAll(xml, len(xml)+1)
		cut, cutErr := feedAll(xml, int(window)+1)
		if (err == nil) != (cutErr == nil) {
			t.Fatalf("whole: %v; cut: %v", err, cutErr)
		}
		if err == nil && whole != cut {
			t.Fatalf("whole:\n%s\ncut:\n%s", whole, cut)
		}
	})
}

// FuzzStrings is FuzzSheet for the shared strings.
func FuzzStrings(f *testing.F) {
	f.Add([]byte(`<sst count="2"><si><t>one</t></si><si><r><t>a &amp; b</t></r><rPh><t>no</t></rPh></si><si/></sst>`), uint16(5))
	f.Add([]byte(`<x:sst><x:si><x:t>_x0041_</x:t></x:si></x:sst>`), uint16(9))
	read := func(xml []byte, n int) ([]string, error) {
		s := NewStrings(int64(len(xml)), 1<<20)
		for start, end := 0, 0; ; {
			end = min(end+n, len(xml))
			used, err := s.Feed(xml[start:end:end], end == len(xml))
			if err != nil {
				return nil, err
			}
			start += used
			if end == len(xml) {
				break
			}
		}
		pool := s.Finish()
		texts := make([]string, pool.Len())
		for i := range texts {
			texts[i] = pool.At(uint32(i))
		}
		return texts, nil
	}
	f.Fuzz(func(t *testing.T, xml []byte, window uint16) {
		if len(xml) > 1<<14 {
			return
		}
		whole, err := read(xml, len(xml)+1)
		cut, cutErr := read(xml, int(window)+1)
		if (err == nil) != (cutErr == nil) {
			t.Fatalf("whole: %v; cut: %v", err, cutErr)
		}
		if err == nil && len(whole) != len(cut) {
			t.Fatalf("%d texts whole, %d cut", len(whole), len(cut))
		}
		for i := range whole {
			if whole[i] != cut[i] {
				t.Fatalf("text %d: %q whole, %q cut", i, whole[i], cut[i])
			}
		}
	})
}

// FuzzNumber: what is taken for a number is the one that strconv reads, and the decimals
// that are read with few branches are read like the others.
func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "12345.678901234567", "0.000000000000000001", "9007199254740993.5", "1E-5", "5.", ".5", "1.2.3"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := append(append(bytes.Clone(text), "</v></c>"...), make([]byte, 64)...)
		got, next, ok := number(b, 0)
		end := bytes.IndexByte(b, '<')
		if ok {
			want, err := strconv.ParseFloat(string(b[:end]), 64)
			if err != nil || next != end || math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("%q: got %v, ends at %d; want %v, %v", text, got, next, want, err)
			}
		}
		w := load64(unsafe.Pointer(&b[0]), 0) ^ zeros
		d, behind, taken := decimal(unsafe.Pointer(&b[0]), 0, uint(digits8(w)), w)
		if taken && (!ok || d != got || int(behind) != next+len("</v></c>")) {
			t.Fatalf("%q: the short way gives %v, ends at %d; the long one %v (%v), %d", text, d, behind, got, ok, next)
		}
	})
}
