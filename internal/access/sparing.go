package access

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gridflow/flow/rate"
)

// SparingBurst is how many warnings of a [Sparing] are logged at once; after that one in each
// SparingEvery is.
const (
	SparingBurst = 20
	SparingEvery = 5 * time.Second
)

// A Sparing logs what anybody can bring about who reaches the server, without letting him
// fill the disk. Its methods may be called from any number of goroutines at once.
type Sparing struct {
	log *slog.Logger

	mu       sync.Mutex
	began    time.Time
	bucket   rate.Bucket
	unlogged int
}

// NewSparing makes a Sparing that has logged nothing yet.
func NewSparing(log *slog.Logger) *Sparing {
	s := &Sparing{log: log, began: time.Now()}
	var err error
	if s.bucket, err = rate.NewBucket(0, rate.Rate{Tokens: 1, Per: SparingEvery}, SparingBurst); err != nil {
		panic(err) // the constants are wrong
	}
	return s
}

// Warn logs a warning, with how many were left out since the last, or leaves it out. Texts among args
// that come from strangers must have bounds.
func (s *Sparing) Warn(msg string, args ...any) {
	s.mu.Lock()
	_, ok := s.bucket.Take(time.Since(s.began), 1)
	unlogged := s.unlogged
	if s.unlogged++; ok {
		s.unlogged = 0
	}
	s.mu.Unlock()
	if ok {
		s.log.Warn(msg, append(args[:len(args):len(args)], "unlogged", unlogged)...)
	}
}

// Write logs a text as a warning: what net/http has to say of connections.
func (s *Sparing) Write(text []byte) (int, error) {
	s.Warn(textOfMost(text))
	return len(text), nil
}

// Logger gives a logger for a library that tells of what strangers do: its errors are warnings, for
// they are theirs, and what it says below a warning is dropped. So are names of groups.
func (s *Sparing) Logger() *slog.Logger { return slog.New(sparingHandler{s: s}) }

type sparingHandler struct {
	s     *Sparing
	attrs []any
}

func (h sparingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.s.log.Enabled(ctx, slog.LevelWarn)
}

func (h sparingHandler) Handle(_ context.Context, r slog.Record) error {
	args := h.attrs[:len(h.attrs):len(h.attrs)]
	r.Attrs(func(a slog.Attr) bool {
		args = append(args, a)
		return true
	})
	h.s.Warn(textOfMost([]byte(r.Message)), args...)
	return nil
}

func (h sparingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = h.attrs[:len(h.attrs):len(h.attrs)]
	for _, a := range attrs {
		h.attrs = append(h.attrs, a)
	}
	return h
}

func (h sparingHandler) WithGroup(string) slog.Handler { return h }

// textOfMost gives a text without the end of its line, cut where it is long.
func textOfMost(text []byte) string {
	const most = 500
	for len(text) > 0 && text[len(text)-1] == '\n' {
		text = text[:len(text)-1]
	}
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
