package splice

import (
	"archive/zip"
	"bytes"
	"context"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gridflow/internal/corpus"
)

// TestCorpus splices the streams of workbooks made by other people's programs, in random
// places, with points close to each other.
func TestCorpus(t *testing.T) {
	dir := corpus.Dir(t)
	rnd := rand.New(rand.NewPCG(1, 8))
	streams, splices, partial, files := 0, 0, 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if files++; raceDetector && files%16 > 0 {
			return nil // the others without it: there is one goroutine and much to compute
		}
		file, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			return nil // no zip file
		}
		for _, f := range z.File {
			at, err := f.DataOffset()
			if err != nil || f.Method != zip.Deflate || at+int64(f.CompressedSize64) > int64(len(file)) {
				continue
			}
			raw := file[at : at+int64(f.CompressedSize64)]
			quiet := &failure{}
			s, b := mapped(quiet, raw, 40_000)
			if quiet.failed || crc32.ChecksumIEEE(b) != f.CRC32 {
				continue // a damaged one
			}
			streams++
			rounds := 1
			if len(b) > 100_000 {
				rounds = 40
				if raceDetector {
					rounds = 4
				}
			}
			for range rounds {
				edits := randomEdits(rnd, 1+rnd.IntN(2)*rnd.IntN(4), len(b))
				if plan := s.plan(edits); len(plan) > 1 || !plan[0].toEnd || plan[0].from > 0 {
					partial++
				}
				res, err := Splice(context.Background(), s, edits)
				if err != nil {
					t.Errorf("%s, %s: %v", path, f.Name, err)
					continue
				}
				check(t, res, edited(b, edits))
				splices++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d streams, %d splices, %d of which left a part of the stream alone", streams, splices, partial)
	if partial == 0 {
		t.Error("no splice left anything alone: nothing was tested")
	}
}

// failure notes that a stream cannot be decoded.
type failure struct{ failed bool }

func (f *failure) Fatal(...any) { f.failed = true }
