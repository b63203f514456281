package xlsx

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"
)

// fuzzLimits keep a fuzzer's workbooks small.
var fuzzLimits = Limits{Parts: 200, PartBytes: 1 << 20, TotalBytes: 8 << 20, Cells: 1 << 16, TextBytes: 1 << 20}

// FuzzDirectory holds that any bytes give parts or a typed error, and that what we read
// of a zip file is what archive/zip reads of it.
func FuzzDirectory(f *testing.F) {
	entries := []entry{{name: "a", data: "hello hello hello"}, {name: `b\C`, data: "x", stored: true}, {name: "d/"}, {name: "a", data: "later"}}
	f.Add(archive{entries: entries}.bytes())
	f.Add(archive{entries: entries, endZip64: true, prefix: "before", comment: "after"}.bytes())
	for i := range entries {
		entries[i].zip64, entries[i].descriptor = i%2 == 0, i%2 == 1
	}
	f.Add(archive{entries: entries}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := OpenPackage(bytes.NewReader(b), int64(len(b)), fuzzLimits)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		oracle, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(oracle.File) != p.Len() {
			oracle = nil
		}
		for i := range p.Len() {
			part := p.Part(i)
			got, err := p.ReadAll(part, fuzzLimits.PartBytes)
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("part %q: an error without a type: %v", part.Name, err)
			}
			if err != nil || oracle == nil {
				continue
			}
			r, err := oracle.File[i].Open()
			if err != nil {
				continue
			}
			want, err := io.ReadAll(io.LimitReader(r, fuzzLimits.PartBytes+1))
			if err == nil && oracle.File[i].Name == part.RawName && !bytes.Equal(got, want) {
				t.Fatalf("part %q: got %q, archive/zip reads %q", part.Name, got, want)
			}
		}
	})
}

// FuzzOpen holds that any bytes give a workbook or a typed error.
func FuzzOpen(f *testing.F) {
	f.Add(pack(smallBook()).bytes())
	f.Add(pack(strict(smallBook())).bytes())
	stored := pack(smallBook()) // the bytes of the parts are open to the fuzzer
	for i := range stored.entries {
		stored.entries[i].stored = true
	}
	f.Add(stored.bytes())
	f.Add([]byte(compound("Root Entry", "EncryptedPackage")))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		fixChecksums(b)
		_, err := readEverything(b, fuzzLimits)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error without a type: %v", err)
		}
	})
}

// FuzzParts holds that any XML in any part gives a workbook or a typed error.
func FuzzParts(f *testing.F) {
	var names []string
	for _, e := range pack(smallBook()).entries {
		names = append(names, e.name)
		f.Add(uint8(len(names)-1), e.data)
	}
	f.Fuzz(func(t *testing.T, which uint8, doc string) {
		a := pack(smallBook())
		for i := range a.entries {
			a.entries[i].stored = true
		}
		a.entries[int(which)%len(names)].data = doc
		_, err := readEverything(a.bytes(), fuzzLimits)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("part %s: an error without a type: %v", names[int(which)%len(names)], err)
		}
	})
}

// fixChecksums gives the stored parts of a zip file the checksums that they have, so
// that a change to their bytes is not found out at once.
func fixChecksums(b []byte) {
	p, err := OpenPackage(bytes.NewReader(b), int64(len(b)), fuzzLimits)
	if err != nil {
		return
	}
	le := binary.LittleEndian
	at := p.DirectoryOffset()
	for i := range p.Len() {
		part := p.Part(i)
		record := b[at:]
		at += entryBytes + int64(le.Uint16(record[28:])) + int64(le.Uint16(record[30:])) + int64(le.Uint16(record[32:]))
		local := b[part.HeaderOffset:]
		from := localBytes + int64(le.Uint16(local[26:])) + int64(le.Uint16(local[28:]))
		if part.Method != methodStored || from+part.CompressedBytes > int64(len(local)) {
			continue
		}
		crc := crc32.ChecksumIEEE(local[from:][:part.CompressedBytes])
		le.PutUint32(record[16:], crc)
		le.PutUint32(local[14:], crc)
	}
}
