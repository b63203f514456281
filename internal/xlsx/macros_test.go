package xlsx

import (
	"context"
	"errors"
	"testing"
)

func TestMacros(t *testing.T) {
	ctx := context.Background()
	if b, err := open(t, pack(smallBook()).bytes()).Macros(ctx); err != nil || string(b) != "vba" {
		t.Errorf("got %q and %v", b, err)
	}
	if b, err := open(t, pack(smallBook(), "xl/vbaProject.bin", "").bytes()).Macros(ctx); err != nil || b != nil {
		t.Errorf("without a project: got %q and %v", b, err)
	}
	large := open(t, pack(smallBook(), "xl/vbaProject.bin", string(bytesOf(maxMacros+1))).bytes())
	var e *Error
	if _, err := large.Macros(ctx); !errors.As(err, &e) || e.Code != TooLarge || e.Part != "xl/vbaProject.bin" {
		t.Errorf("a large project: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := large.Macros(done); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// bytesOf gives n bytes that compress badly enough to be no bomb.
func bytesOf(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}
