package journal

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"testing"

	"gridflow/internal/vfs"
)

func crc(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(nil, crc32.Checksum(b, castagnoli))
}

func readFile(t testing.TB, f vfs.FS, name string) []byte {
	t.Helper()
	h, err := f.Open(name)
	must(t, err)
	defer h.Close()
	info, err := h.Stat()
	must(t, err)
	b := make([]byte, info.Size())
	if _, err := h.ReadAt(b, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return b
}

// change replaces the content of a file.
func change(t testing.TB, f vfs.FS, name string, by func([]byte) []byte) {
	t.Helper()
	b := by(readFile(t, f, name))
	h, err := f.OpenAppend(name)
	must(t, err)
	must(t, h.Truncate(0))
	_, err = h.Write(b)
	must(t, err)
	must(t, h.Sync())
	must(t, h.Close())
}
