package genbook

import (
	"fmt"
	"io"
	"strings"
)

// sharedStrings numbers texts in the order of their first use.
type sharedStrings struct {
	byText map[string]int32
	texts  []string
	uses   int
}

func (t *sharedStrings) index(s string) int32 {
	t.uses++
	i, ok := t.byText[s]
	if !ok {
		if t.byText == nil {
			t.byText = map[string]int32{}
		}
		i = int32(len(t.texts))
		t.byText[s] = i
		t.texts = append(t.texts, s)
	}
	return i
}

func (t *sharedStrings) write(w io.Writer) error {
	b := []byte(xmlDecl)
	b = fmt.Appendf(b, `<sst xmlns="%s" count="%d" uniqueCount="%d">`, nsMain, t.uses, len(t.texts))
	for _, s := range t.texts {
		b = append(b, "<si>"...)
		b = appendT(b, s)
		b = append(b, "</si>"...)
		if len(b) >= flushSize {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(append(b, "</sst>"...))
	return err
}

// appendT appends the t element that holds s. Spaces at the ends, and line
// breaks, are kept only where xml:space says so.
func appendT(b []byte, s string) []byte {
	if s != strings.TrimSpace(s) || strings.ContainsAny(s, "\n\t") {
		b = append(b, `<t xml:space="preserve">`...)
	} else {
		b = append(b, "<t>"...)
	}
	b = append(b, escape(s)...)
	return append(b, "</t>"...)
}

// escape writes s as XML text or as an attribute's value. A control character
// that XML cannot hold becomes _xHHHH_, as in Excel.
func escape(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == '&' || c == '<' || c == '>' || c == '"' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '"':
			b.WriteString("&quot;")
		case c < ' ' && c != '\n' && c != '\t':
			fmt.Fprintf(&b, "_x%04X_", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
