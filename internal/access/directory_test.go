package access

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridflow/internal/principal"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// served gives two roots and the path of a file beside them.
func served(t *testing.T) (roots []string, file string) {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ours", "theirs", "more/ours"} {
		root := filepath.Join(base, name)
		if err := os.MkdirAll(root, 0o777); err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	return roots, filepath.Join(base, "principals.yaml")
}

const hash = "sha256:8e435ad765cb533d017519c6e7a96066c768b7a611339420b2ec9e2e5b43c18f"

// TestFile: what is wrong with a file of principals is said with its line, and never with what
// may be a token.
func TestFile(t *testing.T) {
	roots, file := served(t)
	for _, c := range []struct{ text, want string }{
		{"", "names nobody"},
		{"# nothing\n", "names nobody"},
		{"principals: {}", ""},
		{"principals:\n", ":1: principals must be written"},
		{"- a\n", ":1: the file must be written"},
		{"principals: [\n", "did not find"},
		{"people: {}\n", `:1: there is no section "people"`},
		{"principals: {}\nprincipals: {}\n", "principals"},
		{"principals: {}\n---\nprincipals:\n  a: {roots: all}\n", "holds more than one document"},
		{"principals:\n  a: {roots: all}\n", ""},
		{"principals:\n  a: {roots: [theirs]}\n", ""},
		{"principals:\n  a: {roots: theirs}\n", ""},
		{"principals:\n  a: {roots: [" + roots[0] + "]}\n", ""},
		{"principals:\n  a: {}\n", ":2: a: roots is missing"},
		{"principals:\n  a: {roots: []}\n", ":2: a: roots: a list is wanted, of roots by path"},
		{"principals:\n  a: {roots: }\n", ":2: a: roots: a list is wanted, of roots by path"},
		{"principals:\n  a: {roots: [ours]}\n", "may be " + roots[0] + " or " + roots[2]},
		{"principals:\n  a: {roots: [nowhere]}\n", `"nowhere" is no root`},
		{"principals:\n  a: {roots: [/]}\n", `"/" is no root`},
		{"principals:\n  a: {roots: [" + roots[0] + "/sub]}\n", "is no root"},
		{"principals:\n  a: {roots: [all, theirs]}\n", `"all" is no root`},
		{"principals:\n  a b: {roots: all}\n", `:2: "a b" is no name`},
		{"principals:\n  \"\": {roots: all}\n", `:2: "" is no name`},
		{"principals:\n  a: {roots: all}\n  a: {roots: all}\n", "a"},
		{"principals:\n  a: {roots: all, tokens: [" + hash + "]}\n", ""},
		{"principals:\n  a: {roots: all, tokens: " + hash + "}\n", ""},
		{"principals:\n  a: {roots: all, tokens: [\"" + hash + " until 2030-01-01\"]}\n", ""},
		{"principals:\n  a: {roots: all, tokens: [\"" + hash + " until soon\"]}\n", ":2: a: a token is written as its hash"},
		{"principals:\n  a: {roots: all, tokens: [gridflow_secret]}\n", ":2: a: a token is written as its hash"},
		{"principals:\n  a: {roots: all, tokens: [\"sha256:12\"]}\n", "a token is written as its hash"},
		{"principals:\n  a: {roots: all, tokens: {x: y}}\n", ":2: a: tokens: a list is wanted, of what gridflow token gives"},
		{"principals:\n  a: {roots: all, tokens: [" + hash + "]}\n  b: {roots: all, tokens: [" + hash + "]}\n", ":3: b: a token is there twice"},
		{"principals:\n  a: {roots: all, subject: s}\n  b: {roots: all, subject: s}\n", "has the subject of"},
		{"principals:\n  a: {roots: all, certificate: CN=x}\n  b: {roots: all, certificate: CN=x}\n", "has the certificate of"},
		{"principals:\n  a: {roots: all, read_only: true, read-only: true}\n", "read-only is there twice"},
		{"principals:\n  a: {roots: all, read_only: maybe}\n", ":2: a: read_only: true or false is wanted"},
		{"principals:\n  a: {roots: all, read_only: \"true\"}\n", "true or false is wanted"},
		{"principals:\n  a: {roots: all, readonly: true}\n", `did you mean "read_only"?`},
		{"principals:\n  a: {roots: all, weight: 0}\n", "from 1 to 1000 is wanted"},
		{"principals:\n  a: {roots: all, weight: 1001}\n", "from 1 to 1000 is wanted"},
		{"principals:\n  a: {roots: all, weight: 3, max_forks: 5, metrics: true}\n", ""},
		{"default: {roots: all, read_only: true}\nprincipals: {}\n", ""},
		{"default: {roots: all, tokens: [" + hash + "]}\n", "it takes no tokens"},
		{"principals:\n  a: &x {roots: all}\n  b: *x\n", "must be written as"},
		{strings.Repeat("#", fileMax+1), "is larger than"},
	} {
		write(t, file, c.text)
		_, err := Open(file, roots)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: %v, want %q", clipped(c.text), err, c.want)
		case err != nil && strings.Contains(err.Error(), "secret"):
			t.Errorf("the error has what may be a token: %v", err)
		}
	}
}

func clipped(s string) string { return s[:min(len(s), 100)] }

// TestReload: who is in the file as before stays as he is; who is not, or in another way, is
// over; a file that is wrong changes nothing.
func TestReload(t *testing.T) {
	roots, file := served(t)
	tokens, hashes := map[string]string{}, map[string]string{}
	for _, name := range []string{"a", "b", "c", "new"} {
		tokens[name], hashes[name] = NewToken()
	}
	text := func(names ...string) string {
		s := "default: {roots: [theirs]}\nprincipals:\n"
		for _, n := range names {
			name, more, _ := strings.Cut(n, " ")
			s += fmt.Sprintf("  %s: {roots: [theirs], subject: s-%s, tokens: [%s]%s}\n", name, name, hashes[name], more)
		}
		return s
	}
	write(t, file, text("a", "b", "c"))
	d, err := Open(file, roots)
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) *state {
		p, _ := d.ByToken(tokens[name])
		return &state{p, d.BySubject("s-"+name, true), d.BySubject("s-"+name, false)}
	}
	a, b, c := of("a"), of("b"), of("c")
	stranger, other := d.BySubject("x", true), d.BySubject("y", true)
	if stranger == other || stranger != d.BySubject("x", true) || stranger.Name != "subject x" || !stranger.Sees(roots[1]) || stranger.Sees(roots[0]) || a.token != a.write || a.read.Name != "a" || !a.read.ReadOnly || a.write.ReadOnly {
		t.Fatalf("%+v, %+v, %+v", stranger, other, a)
	}
	if d.BySubject("", true) != nil {
		t.Error("somebody without a name is somebody")
	}
	write(t, file, "principals: [")
	if err := d.Reload(); err == nil || *of("a") != *a {
		t.Fatal(err)
	}
	write(t, file, text("new", "a", "b , read_only: true"))
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	if *of("a") != *a || a.token.Over.Err() != nil || a.read.Over.Err() != nil {
		t.Error("a has not changed and is another one")
	}
	if now := of("b"); now.token == b.token || b.token.Over.Err() == nil || b.read.Over.Err() == nil || !now.token.ReadOnly {
		t.Error("b is as before")
	}
	if p, _ := d.ByToken(tokens["c"]); p != nil || c.token.Over.Err() == nil {
		t.Error("c is still there")
	}
	if of("new").token == nil || stranger.Over.Err() != nil || d.BySubject("x", true) != stranger {
		t.Error("who is new is not there, or a stranger is another one")
	}
	// c has no entry any more: it is a stranger, and none that owns what c has.
	if p := d.BySubject("s-c", true); p == nil || p.Name == "c" {
		t.Errorf("%+v", p)
	}
	write(t, file, strings.Replace(text("a"), "default: {roots: [theirs]}", "default: {roots: all}", 1))
	if err := d.Reload(); err != nil || stranger.Over.Err() == nil || !d.BySubject("x", true).Sees(roots[0]) {
		t.Error("a stranger has the rights from before", err)
	}
	write(t, file, strings.Replace(text("a"), "default: {roots: [theirs]}\n", "", 1))
	if err := d.Reload(); err != nil || d.BySubject("x", true) != nil || d.BySubject("s-a", true) != a.write {
		t.Error("there is no default, and strangers are let in", err)
	}
}

type state struct{ token, write, read *principal.Principal }

// TestStrangerNames: different subjects are different principals, none of which the file can
// name.
func TestStrangerNames(t *testing.T) {
	seen := map[string]string{}
	hashed := strangerName(strings.Repeat("x", 1000))
	for _, subject := range []string{"a", "A", "#", "##", "#a", "##a", "a b", "a\tb", "ä", strings.Repeat("x", 1000), strings.Repeat("x", 1001), strings.TrimPrefix(hashed, "subject "), "alice", "subject a"} {
		name := strangerName(subject)
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are %q", subject, other, name)
		}
		seen[name] = subject
		if ValidName(name) || len(name) > 200 || strings.ContainsAny(name, "\t\n") {
			t.Errorf("%q is %q", subject, name)
		}
	}
}

// TestTokens: a token is found by what stands for it alone.
func TestTokens(t *testing.T) {
	seen := map[string]bool{}
	s := newSecrets()
	for i := range 100 {
		token, h := NewToken()
		if seen[token] || len(token) < 43 || h != HashToken(token) {
			t.Fatal(token, h)
		}
		seen[token] = true
		p, err := parseSecret(h + " until 2030-01-02")
		if err != nil || !p.until.Equal(time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)) {
			t.Fatal(p, err)
		}
		e := &entry{name: fmt.Sprint(i)}
		if !s.add(p, e) || s.add(p, e) {
			t.Fatal("a token is taken twice, or not at all")
		}
		if found, until := s.find(token); found != e || until != p.until {
			t.Error("a token is not found")
		}
		for _, other := range []string{"", token + "x", token[1:], h, strings.TrimPrefix(h, hashPrefix)} {
			if found, _ := s.find(other); found != nil {
				t.Errorf("%q is somebody's", other)
			}
		}
	}
}

// FuzzFile: no file ends the process, and what is taken in has a name and its roots.
func FuzzFile(f *testing.F) {
	f.Add([]byte("principals:\n  a: {roots: all, tokens: [" + hash + "], weight: 3}\n  b:\n    roots: [ours]\n    read_only: true\ndefault: {roots: theirs}\n"))
	f.Add([]byte("principals: &a\n  b: *a\n"))
	f.Add([]byte("principals:\n  <<: {a: {roots: all}}\n"))
	f.Add([]byte("--- !!map\n? [a]\n: b\n"))
	f.Add([]byte("principals: {a: {roots: !!binary YWxs}}"))
	d := &Directory{path: "p", roots: []string{"/srv/ours", "/srv/theirs"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := d.parse(data)
		if err != nil {
			return
		}
		for name, e := range table.alive(nil).entries {
			p := table.principals[name]
			if !ValidName(name) || !e.all && len(p.Roots) == 0 || p.Weight < 0 || p.Weight > weightMax || e.all != p.SeesAll() {
				t.Errorf("%q: %+v", data, e)
			}
			for root := range p.Roots {
				if root != "/srv/ours" && root != "/srv/theirs" {
					t.Errorf("%q sees %q", name, root)
				}
			}
		}
	})
}

// TestRights: what stands in the file of a principal is what he has.
func TestRights(t *testing.T) {
	roots, file := served(t)
	token, hash := NewToken()
	write(t, file, "principals:\n  a: {roots: ["+roots[0]+"], tokens: ["+hash+"], read_only: true, metrics: true, weight: 3, max_forks: 5}\n")
	d, err := Open(file, roots)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := d.ByToken(token)
	if p == nil || p.Name != "a" || !p.ReadOnly || !p.Metrics || p.Weight != 3 || p.MaxForks != 5 || !p.Sees(roots[0]) || p.Sees(roots[1]) || p.SeesAll() {
		t.Errorf("%+v", p)
	}
}
