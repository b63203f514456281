package forks

import (
	"bytes"
	"context"
	"io"

	"gridflow/internal/book"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
)

// Fresh is a workbook that has no file yet.
type Fresh struct {
	file *xlsx.File
	base *book.Snapshot
}

// NewFresh makes a workbook of empty sheets with the given names.
func NewFresh(ctx context.Context, sheets []string) (*Fresh, error) {
	b, err := xlsx.Blank(sheets)
	if err != nil {
		return nil, err
	}
	f, err := xlsx.Open(ctx, bytes.NewReader(b), int64(len(b)), xlsx.Limits{})
	if err != nil {
		return nil, err
	}
	return &Fresh{f, book.NewSnapshot("new", "", f)}, nil
}

// Snapshot is the workbook as it is, empty.
func (f *Fresh) Snapshot() *book.Snapshot { return f.base }

// WriteTo writes the workbook with an edit applied.
func (f *Fresh) WriteTo(ctx context.Context, edit book.Edit, w io.Writer) error {
	cur, _, err := f.base.Apply(ctx, edit)
	if err != nil {
		return err
	}
	p, _, err := patchOf(ctx, f.base, cur)
	if err != nil {
		return err
	}
	_, err = patch.Save(ctx, f.file, p, w)
	return err
}
