package access

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSparing: however often something happens, the log has some lines of it, and how many it
// has not.
func TestSparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := NewSparing(slog.New(slog.NewTextHandler(&out, nil)))
		for range 1000 {
			s.Warn("refused", "why", "host")
		}
		s.Write([]byte(strings.Repeat("x", 10_000) + "\n"))
		if n := strings.Count(out.String(), "\n"); n != SparingBurst {
			t.Errorf("%d lines at once, want %d", n, SparingBurst)
		}
		time.Sleep(SparingEvery)
		out.Reset()
		s.Write([]byte(strings.Repeat("x", 10_000) + "\n"))
		if text := out.String(); !strings.Contains(text, "unlogged=981") || len(text) > 1000 {
			t.Errorf("then: %s", text)
		}
		time.Sleep(SparingEvery)
		out.Reset()
		log := s.Logger().With("of", "library")
		log.Info("nothing")
		for range 1000 {
			log.Error("a stranger's mistake", "method", "x")
		}
		if text := out.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, `level=WARN msg="a stranger's mistake" of=library method=x unlogged=0`) {
			t.Errorf("of a library: %s", text)
		}
	})
}
