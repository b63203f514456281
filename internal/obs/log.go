package obs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
)

// LogOptions say where the log goes and how much of it there is.
type LogOptions struct {
	Level  slog.Level
	Format string    // "text" or "json"
	File   string    // path that is appended to; "" means Stderr
	Stderr io.Writer // used when File is empty
}

// NewLogger opens the log. The closer gives a log file back and is never nil. A file
// is created with mode 0600, because names of workbooks and of people end up in it.
// The logger may be used from any number of goroutines at once.
func NewLogger(o LogOptions) (*slog.Logger, io.Closer, error) {
	w, closer := o.Stderr, io.Closer(noCloser{})
	if o.File != "" {
		f, err := os.OpenFile(o.File, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, closer, fmt.Errorf("opening the log file: %w", err)
		}
		w, closer = f, f
	}
	opts := &slog.HandlerOptions{Level: o.Level}
	if o.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), closer, nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), closer, nil
}

type noCloser struct{}

func (noCloser) Close() error { return nil }

// Quieter gives a logger that drops everything below level, whatever l itself lets
// through. Libraries that report every connection at Info are given one.
func Quieter(l *slog.Logger, level slog.Level) *slog.Logger {
	return slog.New(floor{l.Handler(), level})
}

type floor struct {
	slog.Handler
	level slog.Level
}

func (f floor) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= f.level && f.Handler.Enabled(ctx, level)
}

func (f floor) WithAttrs(attrs []slog.Attr) slog.Handler {
	return floor{f.Handler.WithAttrs(attrs), f.level}
}

func (f floor) WithGroup(name string) slog.Handler {
	return floor{f.Handler.WithGroup(name), f.level}
}
