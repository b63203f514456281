package regex

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"
	"pgregory.net/rapid"
)

// found gives the match and its groups, or the error.
func found(pattern, text string, fold bool) string {
	re, err := Compile(pattern, fold)
	if err != nil {
		return "error"
	}
	runes := []rune(text)
	spans, err := re.Find(runes, 0, &Budget{})
	if err != nil {
		return err.Error()
	}
	if spans == nil {
		return "none"
	}
	var list []string
	for i := 0; i < len(spans); i += 2 {
		if spans[i] < 0 {
			list = append(list, "-")
		} else {
			list = append(list, fmt.Sprintf("%d:%s", spans[i], string(runes[spans[i]:spans[i+1]])))
		}
	}
	return strings.Join(list, " ")
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ pattern, text, want string }{
		{`a.f`, "alfalfa", "0:alf"},
		{`l.*a`, "alfalfa", "1:lfalfa"}, {`l.*?a`, "alfalfa", "1:lfa"}, {`(a|l)(f)?`, "alf", "0:a 0:a -"},
		{`^b`, "a\nb", "none"}, {`(?m)^b`, "a\nb", "2:b"}, {`a$`, "a\n", "0:a"}, {`a\z`, "a\n", "none"}, {`a\Z`, "a\n", "0:a"},
		{`(?i)straSSe`, "STRASSE", "0:STRASSE"}, {`(?i:a)b`, "Ab AB", "0:Ab"}, {`a(?i)b|c`, "aB C", "0:aB"}, {`x(?-i)y`, "xy", "0:xy"},
		{`(\w+) \1`, "go go", "0:go go 0:go"}, {`(?<w>\w+)-\k<w>`, "ab-ab", "0:ab-ab 0:ab"}, {`(?P<w>a)(?P=w)`, "aa", "0:aa 0:a"}, {`(a)(b)\g{-1}`, "abb", "0:abb 0:a 1:b"},
		{`(?<=: )\d+`, "price: 12", "7:12"}, {`(?<!a)b`, "ab b", "3:b"}, {`a(?=b)`, "ac ab", "3:a"}, {`a(?!b)`, "ab ac", "3:a"}, {`(?<=a|bc)d`, "bcd", "2:d"},
		{`(?>a+)a`, "aaa", "none"}, {`a++a`, "aaa", "none"}, {`a*+b`, "aab", "0:aab"}, {`foo\Kbar`, "foobar", "3:bar"},
		{`a{2}`, "aaa", "0:aa"}, {`a{2,}`, "aaa", "0:aaa"}, {`a{1,2}?`, "aaa", "0:a"}, {`a{,2}b`, "aaab", "1:aab"}, {`a{x}`, "a{x}", "0:a{x}"}, {`(ab){2}`, "ababab", "0:abab 2:ab"},
		{`[a-c]+`, "xabcd", "1:abc"}, {`[^a-c]+`, "abxy", "2:xy"}, {`[]a]+`, "]a", "0:]a"}, {`[a\]]+`, "a]", "0:a]"}, {`[\d-]+`, "1-2", "0:1-2"}, {`[[:alpha:]]+`, "1ab", "1:ab"}, {`[[:^digit:]]`, "1a", "1:a"},
		{`\bb`, "ab b", "3:b"}, {`\Bb`, "b ab", "3:b"}, {`\x41\x{1F600}\t`, "A😀\t", "0:A😀\t"}, {`\Qa.b\E+`, "a.bb", "0:a.bb"}, {`\Qa+`, "aa+", "1:a+"}, {`\p{Lu}\P{Lu}`, "aBc", "1:Bc"}, {`\p{Greek}+`, "aβγ", "1:βγ"}, {`\pL`, "1é", "1:é"},
		{`a\Rb`, "a\r\nb", "0:a\r\nb"}, {`\h+\H`, "a \tb", "1: \tb"}, {`(?x) a b # remark`, "ab", "0:ab"}, {`a(?#remark)b`, "ab", "0:ab"}, {`a|`, "b", "0:"}, {`(a*)*`, "aab", "0:aa 2:"}, {`(a|ab)(c|bcd)(d*)`, "abcd", "0:abcd 0:a 1:bcd 4:"},
		{`(?:(a)|b)*`, "ab", "0:ab 0:a"}, {`(?s)a.b`, "a\nb", "0:a\nb"}, {`a.b`, "a\nb", "none"}, {`\N`, "\nx", "1:x"}, {`\cA`, "\x01", "0:\x01"}, {`\101\0`, "A\x00", "error"}, {`[\101]`, "A", "0:A"}, {`\.\-\/`, ".-/", "0:.-/"},
		{`(`, "", "error"}, {`)`, "", "error"}, {`[`, "", "error"}, {`*a`, "", "error"}, {`a**`, "", "error"}, {`a{3,2}`, "", "error"}, {`\`, "", "error"}, {`(?<n>a)(?<n>b)`, "", "error"}, {`\2(a)`, "", "error"}, {`\k<x>`, "", "error"},
		{`[b-a]`, "", "error"}, {`(?y)`, "", "error"}, {`\p{Nope}`, "", "error"}, {`[[:nope:]]`, "", "error"}, {`a{70000}`, "", "error"}, {`\y`, "", "error"}, {strings.Repeat("(", 300) + strings.Repeat(")", 300), "", "error"},
	} {
		if got := found(c.pattern, c.text, false); got != c.want {
			t.Errorf("%q in %q: %s, want %s", c.pattern, c.text, got, c.want)
		}
	}
	if got := found(`[a-z]+β`, "ABΒ", true); got != "0:ABΒ" {
		t.Errorf("without regard to case: %s", got)
	}
}

// TestLikeAnother: of patterns that both know, regexp2 finds the same.
func TestLikeAnother(t *testing.T) {
	atoms := []string{"a", "b", "c", ".", `\d`, `\w`, "[ab]", "[^a]", "(a|b)", "(?:ab)", "(a)", `\b`, "^", "$", "(?=a)", "(?!b)", "(?<=a)", "(?>a|ab)", "(b*)", `\1`, "é", "1"}
	quantifiers := []string{"", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,1}?"}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		groups := 0
		for range rapid.IntRange(1, 6).Draw(t, "n") {
			a := rapid.SampledFrom(atoms).Draw(t, "atom")
			if a == `\1` && groups == 0 {
				continue
			}
			if strings.HasPrefix(a, "(a") || strings.HasPrefix(a, "(b") {
				groups++
			}
			b.WriteString(a)
			if !strings.ContainsAny(a[:1], "^$") && a != `\b` && !strings.HasPrefix(a, "(?=") && !strings.HasPrefix(a, "(?!") && !strings.HasPrefix(a, "(?<") {
				b.WriteString(rapid.SampledFrom(quantifiers).Draw(t, "times"))
			}
			if rapid.IntRange(0, 5).Draw(t, "or") == 0 {
				b.WriteByte('|')
			}
		}
		pattern := b.String()
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abcé1 ")), 0, 12, -1).Draw(t, "text")
		theirs, err := regexp2.Compile(pattern, regexp2.None)
		if err != nil {
			t.Skip("not a pattern of both")
		}
		m, err := theirs.FindStringMatch(text)
		if err != nil {
			t.Skip(err)
		}
		want := "none"
		if m != nil {
			want = fmt.Sprintf("%d:%s", m.Index, m.String())
		}
		got, _, _ := strings.Cut(found(pattern, text, false), " ")
		if m != nil && strings.Contains(m.String(), " ") {
			got = found(pattern, text, false)
			got = got[:min(len(got), len(want))]
		}
		if got != want {
			t.Fatalf("%q in %q: %s, regexp2 %s", pattern, text, got, want)
		}
	})
}

// TestLimit: a search without end ends, after as many steps on any machine.
func TestLimit(t *testing.T) {
	for _, c := range []struct{ pattern, text string }{
		{`(a+)+$`, strings.Repeat("a", 40) + "b"},
		{`(a|aa)+$`, strings.Repeat("a", 5000) + "b"},
		{`(.*)*(x)`, strings.Repeat("a", 3000)},
		{`(?<=(a|aa|aaa)+c)(b)`, strings.Repeat("a", 3000)},
		{`^(([a-z])+.)+([A-Z])([a-z])+$`, strings.Repeat("a", 3000)},
		{`((){65535}){65535}c`, "c"}, // deep, not long
	} {
		re, err := Compile(c.pattern, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := re.Find([]rune(c.text), 0, &Budget{Limit: MatchLimit / 20}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: error %v", c.pattern, err)
		}
		polls := 0
		if _, err := re.Find([]rune(c.text), 0, &Budget{Stop: func() bool { polls++; return polls > 10 }}); !errors.Is(err, ErrStopped) || polls != 11 {
			t.Errorf("%s: stopped, it asks %d times: %v", c.pattern, polls, err)
		}
	}
	// A group may repeat over the longest text of a cell.
	if got := found(`(?:(a|b))*c`, strings.Repeat("ab", 16383)+"c", false); !strings.HasPrefix(got, "0:abab") {
		t.Error(got[:40])
	}
	// In a longer one it does not: what is nested takes up the stack, which is not counted by steps.
	re, err := Compile(`(?:(a|b))*c`, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := re.Find([]rune(strings.Repeat("ab", maxNested)+"c"), 0, &Budget{Limit: MatchLimit}); !errors.Is(err, ErrLimit) {
		t.Errorf("a group that repeats over a quarter of a million characters: %v", err)
	}
	// What looks at every character from every place is no search without end.
	for _, c := range []struct{ pattern, text string }{
		{`\w+@`, strings.Repeat("a", 32767)}, {`\w+@\w`, strings.Repeat("a", 4000) + " @"}, {`(\w+)@(\w)`, strings.Repeat("a", 1000) + " @"},
	} {
		if got := found(c.pattern, c.text, false); got != "none" {
			t.Errorf("%s: %s", c.pattern, got)
		}
	}
}

func TestReplacement(t *testing.T) {
	for _, c := range []struct{ pattern, with, want string }{
		{`(b)(?<n>c)`, "[$2$1]", "a[cb]d"}, {`(b)(?<n>c)`, "${n}$n$0$$", "accbc$d"}, {`bc`, "$1", "error"}, {`bc`, "$", "error"}, {`bc`, "${1", "error"}, {`bc`, "$&", "error"},
		{`(b)c`, "$10", "ab0d"}, {`(b)c`, "${1}0", "ab0d"}, {`(x)?bc`, "<$1>", "a<>d"}, {`bc`, "${nope}", "error"}, {`bc`, "é", "aéd"},
	} {
		re, err := Compile(c.pattern, false)
		if err != nil {
			t.Fatal(err)
		}
		got := "error"
		if r, err := re.Replacement(c.with); err == nil {
			text := []rune("abcd")
			spans, err := re.Find(text, 0, &Budget{})
			if err != nil {
				t.Fatal(err)
			}
			got = string(text[:spans[0]]) + string(r.Append(nil, text, spans, 1<<20)) + string(text[spans[1]:])
		}
		if got != c.want {
			t.Errorf("%q by %q: %s, want %s", c.pattern, c.with, got, c.want)
		}
	}
}

// FuzzFind: no pattern panics, and what it matches lies in the text.
func FuzzFind(f *testing.F) {
	for _, s := range []string{`(a|b)*c`, `(?<=a)b\1`, `[[:alpha:]-z]`, `\Q[\E]`, `(?x) a # b`, `(?i-s:a)`, `a{1,2}+`, `\x{110000}`, `\g{-1}`, `(?'n'a)\k'n'`, `[\Qa]\E]`} {
		f.Add(s, "abc aab", true)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		re, err := Compile(pattern, fold)
		if err != nil {
			return
		}
		runes := []rune(text)
		polls := 0
		spans, _ := re.Find(runes, 0, &Budget{Stop: func() bool { polls++; return polls > 100 }})
		for i := 0; i < len(spans); i += 2 {
			if spans[i] > spans[i+1] && i > 0 || spans[i] < -1 || spans[i+1] > len(runes) {
				t.Fatalf("%q in %q: %v", pattern, text, spans)
			}
		}
	})
}
