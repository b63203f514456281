package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// fidelity edits one cell of the small office file, saves it, and compares the packages part
// by part: what is gone, and what has other bytes. The sheet itself has to be another one.
func (t *table) fidelity(ctx context.Context, s *server) figure {
	original := filepath.Join(s.root, small.name+".xlsx")
	before, err := parts(original)
	if err != nil {
		return figure{err: err}
	}
	restore := keep(original)
	defer restore()
	a, _, err := s.start(ctx)
	if err != nil {
		return figure{err: err}
	}
	defer a.close()
	if _, _, err := a.ask(ctx, "edit", small, 424242); err != nil {
		return figure{err: err}
	}
	saved := original
	if s.Edits == "" {
		if _, _, err := a.ask(ctx, "save", small, 0); err != nil {
			return figure{err: err}
		}
		saved = filepath.Join(s.root, fmt.Sprintf("saved-%d.xlsx", a.n))
	}
	return compareParts(before, saved)
}

func (t *table) fidelityScript(ctx context.Context, s *script) figure {
	original := filepath.Join(s.root, small.name+".xlsx")
	before, err := parts(original)
	if err != nil {
		return figure{err: err}
	}
	if _, _, _, err := s.run(ctx, "fidelity", small); err != nil {
		return figure{err: err}
	}
	return compareParts(before, original+".saved.xlsx")
}

func compareParts(before map[string][32]byte, saved string) figure {
	after, err := parts(saved)
	if err != nil {
		return figure{err: err}
	}
	var lost []string
	changed := 0
	for name, sum := range before {
		now, ok := after[name]
		switch {
		case !ok:
			lost = append(lost, name)
		case now != sum:
			changed++
		}
	}
	f := figure{text: fmt.Sprintf("%d, %d of %d", len(lost), changed, len(before))}
	if len(lost) > 0 && len(lost) < 4 {
		f.text += " (" + strings.Join(lost, ", ") + ")"
	}
	return f
}

// parts gives the parts of a package with the hashes of their contents.
func parts(name string) (map[string][32]byte, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	out := map[string][32]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		_, err = io.Copy(h, r)
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		out[f.Name] = [32]byte(h.Sum(nil))
	}
	return out, nil
}

// readable says what is wrong with a package: its directory, or the checksum of a part.
func readable(name string) error {
	_, err := parts(name)
	return err
}
