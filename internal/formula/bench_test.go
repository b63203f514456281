package formula

import (
	"testing"

	"gridflow/internal/cell"
)

// typical has 60 bytes and what most formulas are made of.
const typical = `IF(SUM(B2:B13)>$F$1,VLOOKUP(A2,Prices!$A:$C,3,FALSE),"none")`

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(typical)))
	for b.Loop() {
		if _, err := Parse(typical); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseShort(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("A2*2"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	tree, _ := Parse(typical)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = tree.Append(buf[:0])
	}
}

func BenchmarkShiftText(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(typical)))
	for b.Loop() {
		if _, err := ShiftText(typical, cell.Ref{Row: 1, Col: 3}, cell.Ref{Row: 900, Col: 3}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendRelative(b *testing.B) {
	var buf []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(typical)))
	for b.Loop() {
		buf, _ = AppendRelative(buf[:0], typical, cell.Ref{Row: 1, Col: 3})
	}
}

func BenchmarkFingerprint(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(typical)))
	for b.Loop() {
		if _, _, err := Fingerprint(typical, cell.Ref{Row: 1, Col: 3}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReferences(b *testing.B) {
	tree, _ := Parse(typical)
	b.ReportAllocs()
	for b.Loop() {
		for range References(tree.Root) {
		}
	}
}
