package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.yaml.in/yaml/v3"

	"gridflow/internal/lock"
	"gridflow/internal/nearest"
	"gridflow/internal/principal"
)

// What a file of principals may hold.
const (
	fileMax       = 1 << 20 // bytes
	principalsMax = 10_000
	nameMax       = 100
	weightMax     = 1000 // as in the settings
	// subjectsMax bounds the subjects that are known at once of those that have no entry of their
	// own. One that is forgotten is made again, and its streams end.
	subjectsMax = 10_000
)

// entry is what the file says of one principal.
type entry struct {
	name        string
	tokens      []secret
	subject     string // in access tokens, "" for none
	certificate string // the subject of a client's certificate, "" for none
	all         bool   // every root, also those that come with another start
	roots       []string
	readOnly    bool
	weight      int64
	metrics     bool
	maxForks    int
}

// table is the content of a file, and the principals that it makes. It is never changed.
type table struct {
	entries      map[string]*entry
	fallback     *entry // for subjects of access tokens without an entry; nil: they are nobody
	principals   map[string]*live
	secrets      *secrets
	subjects     map[string]*entry
	certificates map[string]*entry
}

// live is a principal with the end of it, and the same where he comes without the right to
// change anything.
type live struct {
	*principal.Principal
	reading *principal.Principal
	end     context.CancelFunc
}

// A Directory is the principals of one file. Its methods may be called from any number of
// goroutines at once.
type Directory struct {
	path  string
	roots []string

	now     atomic.Pointer[table]
	reading lock.Mutex[lock.AccessReading] // held while the file is read again

	mu        lock.Mutex[lock.AccessStrangers]
	strangers map[string]*live // by subject, those that the fallback is for
}

// Open reads the principals of a file. roots are the absolute paths of the roots that are
// served. The error says what is wrong, and in which line.
func Open(path string, roots []string) (*Directory, error) {
	d := &Directory{path: path, roots: roots, strangers: make(map[string]*live)}
	t, err := d.read()
	if err != nil {
		return nil, err
	}
	d.now.Store(t.alive(nil))
	return d, nil
}

// Reload reads the file again. Who is in it as before stays as he is; who is not any more, or
// in another way, is over. Where the file is wrong all stays as it was.
func (d *Directory) Reload() error {
	d.reading.Lock()
	defer d.reading.Unlock()
	t, err := d.read()
	if err != nil {
		return err
	}
	was := d.now.Load()
	d.now.Store(t.alive(was))
	for name, p := range was.principals {
		if t.principals[name] != p {
			p.end()
		}
	}
	if !reflect.DeepEqual(was.fallback, t.fallback) {
		d.forgetStrangers(func(string) bool { return true })
	} else {
		d.forgetStrangers(func(subject string) bool { return t.subjects[subject] != nil })
	}
	return nil
}

// forgetStrangers ends those that are not what they were.
func (d *Directory) forgetStrangers(over func(subject string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for subject, p := range d.strangers {
		if over(subject) {
			p.end()
			delete(d.strangers, subject)
		}
	}
}

// alive makes the principals of the entries, but for those that were there before.
func (t *table) alive(was *table) *table {
	t.principals = make(map[string]*live, len(t.entries))
	for name, e := range t.entries {
		if was != nil && was.entries[name] != nil && reflect.DeepEqual(was.entries[name], e) {
			t.principals[name] = was.principals[name]
			continue
		}
		t.principals[name] = e.live(name)
	}
	return t
}

func (e *entry) live(name string) *live {
	over, end := context.WithCancel(context.Background())
	p := &principal.Principal{Name: name, ReadOnly: e.readOnly, Weight: e.weight, Metrics: e.metrics, MaxForks: e.maxForks, Over: over}
	if !e.all {
		p.Roots = make(map[string]bool, len(e.roots))
		for _, r := range e.roots {
			p.Roots[r] = true
		}
	}
	reading := *p
	reading.ReadOnly = true
	return &live{p, &reading, end}
}

// Len counts the principals of the file.
func (d *Directory) Len() int { return len(d.now.Load().entries) }

// InVain gives the names, in order, of the principals of the file that are known by something that is not asked for: a
// certificate of a client, or a subject of access tokens.
func (d *Directory) InVain(certificates, subjects bool) (names []string) {
	for name, e := range d.now.Load().entries {
		if e.certificate != "" && !certificates || e.subject != "" && !subjects {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ByToken gives whose a token is: nil where it is nobody's. until is when it ends, or has ended;
// zero: never.
func (d *Directory) ByToken(token string) (p *principal.Principal, until time.Time) {
	t := d.now.Load()
	e, until := t.secrets.find(token)
	if e == nil {
		return nil, until
	}
	return t.principals[e.name].Principal, until
}

// ByCertificate gives whose a certificate is, by its subject as in RFC 2253: nil where it is
// nobody's.
func (d *Directory) ByCertificate(subject string) *principal.Principal {
	t := d.now.Load()
	if e := t.certificates[subject]; e != nil {
		return t.principals[e.name].Principal
	}
	return nil
}

// BySubject gives who the subject of an access token is: the one of the file, or else somebody
// of his own with the rights of its section default. nil: nobody. Without write he may read only,
// whatever the file says.
func (d *Directory) BySubject(subject string, write bool) *principal.Principal {
	p := d.bySubject(subject)
	switch {
	case p == nil:
		return nil
	case write:
		return p.Principal
	}
	return p.reading
}

// mayWrite tells whether p reads only because of how it came.
func (d *Directory) mayWrite(p *principal.Principal) bool {
	t := d.now.Load()
	if known := t.principals[p.Name]; known != nil {
		return known.reading == p && !known.ReadOnly
	}
	return t.fallback != nil && !t.fallback.readOnly
}

func (d *Directory) bySubject(subject string) *live {
	t := d.now.Load()
	if e := t.subjects[subject]; e != nil {
		return t.principals[e.name]
	}
	if t.fallback == nil || subject == "" {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.strangers[subject]; p != nil {
		return p
	}
	if t = d.now.Load(); t.fallback == nil || t.subjects[subject] != nil { // it was read again meanwhile
		return nil
	}
	if len(d.strangers) >= subjectsMax {
		for other, p := range d.strangers { // any of them
			p.end()
			delete(d.strangers, other)
			break
		}
	}
	p := t.fallback.live(strangerName(subject))
	d.strangers[subject] = p
	return p
}

// strangerName names who has no entry. No name in the file has a blank, so that it is nobody
// else's. A subject may be long, or hold anything.
func strangerName(subject string) string {
	for _, r := range subject {
		if r <= ' ' || r > '~' || len(subject) > nameMax {
			sum := sha256.Sum256([]byte(subject))
			return fmt.Sprintf("subject #%x", sum[:16]) // no subject as it is written begins with a mark
		}
	}
	if strings.HasPrefix(subject, "#") {
		return "subject " + strings.Replace(subject, "#", "##", 1)
	}
	return "subject " + subject
}

// read reads the file.
func (d *Directory) read() (*table, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err != nil {
		return nil, err
	}
	if len(data) > fileMax {
		return nil, fmt.Errorf("%s is larger than %d bytes", d.path, fileMax)
	}
	t, err := d.parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s%w", d.path, err)
	}
	return t, nil
}

// at is a mistake in a line.
func at(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf(":%d: %w", n.Line, fmt.Errorf(format, args...))
}

// parse reads a mapping with the sections principals and default.
func (d *Directory) parse(data []byte) (*table, error) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf(": %w", err)
	}
	if len(bytes.TrimSpace(data)) == 0 || doc.Kind == 0 {
		// Whoever empties the file while it is written would shut everybody out.
		return nil, fmt.Errorf(" names nobody; a file for nobody holds \"principals: {}\"")
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New(" holds more than one document (---); nobody of a second one would be known")
	}
	t := &table{entries: make(map[string]*entry), secrets: newSecrets(), subjects: make(map[string]*entry), certificates: make(map[string]*entry)}
	top := doc.Content[0]
	sections := map[string]func(*yaml.Node) error{
		"principals": func(n *yaml.Node) error {
			return each(n, "principals", func(key, value *yaml.Node) error { return d.principal(t, key, value) })
		},
		"default": func(n *yaml.Node) (err error) {
			t.fallback, err = d.entry("default", n)
			if err == nil && (t.fallback.subject != "" || t.fallback.certificate != "" || t.fallback.tokens != nil) {
				err = at(n, "default is for subjects of access tokens that have no entry; it takes no tokens, subject or certificate")
			}
			return err
		},
	}
	if err := each(top, "the file", func(key, value *yaml.Node) error {
		section := sections[key.Value]
		if section == nil {
			return at(key, "there is no section %q; there are principals and default", key.Value)
		}
		return section(value)
	}); err != nil {
		return nil, err
	}
	return t, nil
}

// each calls fn with the members of a mapping; none may be there twice.
func each(n *yaml.Node, what string, fn func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "%s must be written as \"name: value\"", what)
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return at(key, "%s: a plain name is wanted", what)
		}
		name := strings.ReplaceAll(key.Value, "_", "-")
		if what == "principals" {
			name = key.Value
		}
		if seen[name] {
			return at(key, "%s is there twice", key.Value)
		}
		seen[name] = true
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return nil
}

// principal takes one in.
func (d *Directory) principal(t *table, key, value *yaml.Node) error {
	name := key.Value
	if !ValidName(name) {
		return at(key, "%q is no name: letters, digits and . _ - @ + are allowed, at most %d", name, nameMax)
	}
	if len(t.entries) >= principalsMax {
		return at(key, "there are more than %d principals", principalsMax)
	}
	e, err := d.entry(name, value)
	if err != nil {
		return err
	}
	t.entries[name] = e
	for _, s := range e.tokens {
		if !t.secrets.add(s, e) {
			return at(value, "%s: a token is there twice: it would be unclear whose it is", name)
		}
	}
	for what, of := range map[string]struct {
		by  string
		all map[string]*entry
	}{"subject": {e.subject, t.subjects}, "certificate": {e.certificate, t.certificates}} {
		if of.by == "" {
			continue
		}
		if other := of.all[of.by]; other != nil {
			return at(value, "%s has the %s of %s: it would be unclear whose it is", name, what, other.name)
		}
		of.all[of.by] = e
	}
	return nil
}

// ValidName tells whether a principal may have a name.
func ValidName(name string) bool {
	if name == "" || len(name) > nameMax {
		return false
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-@+", r)) {
			return false
		}
	}
	return true
}

// entry reads what is said of one principal.
func (d *Directory) entry(name string, n *yaml.Node) (*entry, error) {
	e := &entry{name: name}
	var key string // that is being read
	text := func(p *string) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			if n.Kind != yaml.ScalarNode || n.Value == "" {
				return at(n, "%s: %s: a text is wanted", name, key)
			}
			*p = n.Value
			return nil
		}
	}
	flag := func(p *bool) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			if n.Decode(p) != nil || n.Tag != "!!bool" {
				return at(n, "%s: %s: true or false is wanted", name, key)
			}
			return nil
		}
	}
	count := func(set func(int64), most int64) func(*yaml.Node) error {
		return func(n *yaml.Node) error {
			var v int64
			if n.Tag != "!!int" || n.Decode(&v) != nil || v < 1 || v > most {
				return at(n, "%s: %s: a whole number from 1 to %d is wanted", name, key, most)
			}
			set(v)
			return nil
		}
	}
	keys := map[string]func(*yaml.Node) error{
		"tokens": func(n *yaml.Node) error {
			return items(n, name+": tokens: a list is wanted, of what gridflow token gives", func(n *yaml.Node) error {
				s, err := parseSecret(n.Value)
				if err != nil {
					return at(n, "%s: %w", name, err) // without what was written, which may be a token
				}
				e.tokens = append(e.tokens, s)
				return nil
			})
		},
		"subject":     text(&e.subject),
		"certificate": text(&e.certificate),
		"roots": func(n *yaml.Node) error {
			if n.Kind == yaml.ScalarNode && n.Value == "all" {
				e.all = true
				return nil
			}
			if err := items(n, name+": roots: "+rootsWanted, func(n *yaml.Node) error {
				root, err := d.root(n.Value)
				if err != nil {
					return at(n, "%s: %w", name, err)
				}
				e.roots = append(e.roots, root)
				return nil
			}); err != nil {
				return err
			}
			slices.Sort(e.roots)
			e.roots = slices.Compact(e.roots)
			return nil
		},
		"read_only": flag(&e.readOnly),
		"metrics":   flag(&e.metrics),
		"weight":    count(func(v int64) { e.weight = v }, weightMax),
		"max_forks": count(func(v int64) { e.maxForks = int(v) }, 1<<20),
	}
	err := each(n, name, func(k, value *yaml.Node) error {
		key = k.Value
		set := keys[strings.ReplaceAll(key, "-", "_")]
		if set == nil {
			names := slices.Sorted(maps.Keys(keys))
			hint := "there are " + strings.Join(names, ", ")
			if near := nearest.Names(key, names, 1); near != nil {
				hint = fmt.Sprintf("did you mean %q?", near[0])
			}
			return at(k, "%s: there is no %q; %s", name, key, hint)
		}
		return set(value)
	})
	if err == nil && !e.all && e.roots == nil {
		err = at(n, "%s: roots is missing: %s", name, rootsWanted)
	}
	return e, err
}

const rootsWanted = "a list is wanted, of roots by path or by the name of the folder; or: all"

// items calls fn with the scalars of a list; a scalar alone is a list of one.
func items(n *yaml.Node, wanted string, fn func(*yaml.Node) error) error {
	list := n.Content
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null":
		list = []*yaml.Node{n}
	case n.Kind != yaml.SequenceNode || len(list) == 0:
		return at(n, "%s", wanted)
	}
	for _, item := range list {
		if item.Kind != yaml.ScalarNode {
			return at(item, "%s", wanted)
		}
		if err := fn(item); err != nil {
			return err
		}
	}
	return nil
}

// root finds a served root by its path, or by the name of its folder where one alone has it.
func (d *Directory) root(name string) (string, error) {
	if filepath.IsAbs(name) {
		if real, err := filepath.EvalSymlinks(name); err == nil && slices.Contains(d.roots, real) {
			return real, nil
		}
		return "", fmt.Errorf("%q is no root that is served; they are %s", name, strings.Join(d.roots, ", "))
	}
	var found []string
	for _, r := range d.roots {
		if filepath.Base(r) == name {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("%q is no root that is served; they are %s", name, strings.Join(d.roots, ", "))
	}
	return "", fmt.Errorf("%q may be %s; give the path", name, strings.Join(found, " or "))
}
