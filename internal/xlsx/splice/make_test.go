package splice

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
)

func TestMake(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 1000, pieceBytes - 1, pieceBytes, pieceBytes + 1, 3*pieceBytes + 17} {
		content := make([]byte, size)
		for i := range content {
			content[i] = "<row r=\"123\">"[rnd.IntN(13)]
		}
		for _, stored := range []bool{false, true} {
			res, err := Make(context.Background(), stored, func(w io.Writer) error {
				for rest := content; len(rest) > 0; {
					n := min(len(rest), 1+rnd.IntN(300_000))
					if _, err := w.Write(rest[:n]); err != nil {
						return err
					}
					rest = rest[n:]
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if n, err := res.WriteTo(&out); err != nil || n != res.CompressedBytes || int64(out.Len()) != n {
				t.Fatalf("%d of %d bytes: %v", n, res.CompressedBytes, err)
			}
			got := out.Bytes()
			if !stored {
				if got, err = io.ReadAll(flate.NewReader(&out)); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got, content) || res.Bytes != int64(size) || res.CRC32 != crc32.ChecksumIEEE(content) {
				t.Errorf("of %d bytes (stored %v) there are %d, or the checksum is wrong", size, stored, len(got))
			}
		}
	}
	wrong := errors.New("wrong")
	if _, err := Make(context.Background(), false, func(io.Writer) error { return wrong }); err != wrong {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(wrong)
	if _, err := Make(ctx, false, func(w io.Writer) error { _, err := w.Write([]byte("x")); return err }); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
}
