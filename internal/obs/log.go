package obs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// LogOptions say where the log goes and how much of it there is.
type LogOptions struct {
	Level  slog.Level
	Format string    // "text" or "json"
	File   string    // path that is appended to; "" means Stderr
	Stderr io.Writer // used when File is empty

	// Contents leaves in errors what they quote, which may be from cells and arguments.
	Contents bool
}

// NewLogger opens the log. The closer gives a log file back and is never nil. A file
// is created with mode 0600, because names of workbooks and of people end up in it.
// The logger may be used from any number of goroutines at once.
//
// Of an error (an attribute that holds one, not its text) the log leaves out what the error
// quotes, unless Contents: an error that nobody expected may have met it in a cell.
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
	if !o.Contents {
		opts.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
			if err, ok := a.Value.Any().(error); ok {
				a.Value = slog.StringValue(redacted(err))
			}
			return a
		}
	}
	if o.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), closer, nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), closer, nil
}

// redacted gives the text of an error without what it quotes: all between quotation marks
// of any kind, and the value that did not fit where JSON was read.
func redacted(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		text = strings.ReplaceAll(text, e.Value, "a value") // "number 12.5"
	}
	var b strings.Builder
	for text != "" {
		i := strings.IndexAny(text, "\"`'")
		if i < 0 {
			break
		}
		mark := text[i]
		if r, _ := utf8.DecodeLastRuneInString(text[:i]); mark == '\'' && i > 0 && unicode.IsLetter(r) { // as in "can't"
			b.WriteString(text[:i+1])
			text = text[i+1:]
			continue
		}
		b.WriteString(text[:i+1])
		b.WriteString("…")
		end := i + 1
		for end < len(text) && text[end] != mark {
			if text[end] == '\\' && mark != '`' {
				end++
			}
			end++
		}
		if end >= len(text) {
			return b.String() // what was cut has lost its second mark
		}
		b.WriteByte(mark)
		text = text[end+1:]
	}
	return b.String() + text
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
