package access

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/modelcontextprotocol/go-sdk/auth"

	"gridflow/internal/principal"
)

// A post is a guard with what it says.
type post struct {
	*Guard
	log     *bytes.Buffer
	reasons map[string]int
	seen    http.Header // of the request that came through last
	who     *principal.Principal
	info    *auth.TokenInfo
}

func newPost(t *testing.T, file string) *post {
	t.Helper()
	roots, path := served(t)
	write(t, path, file)
	d, err := Open(path, roots)
	if err != nil {
		t.Fatal(err)
	}
	p := &post{log: new(bytes.Buffer), reasons: map[string]int{}}
	p.Guard = NewGuard(d, slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	p.Refused = func(reason, _ string) { p.reasons[reason]++ }
	return p
}

func (p *post) admit(machine string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader("{}"))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	p.seen, p.who, p.info = nil, nil, nil
	p.Admit(w, r, machine, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.seen, p.who, p.info = r.Header, principal.From(r.Context()), auth.TokenInfoFromContext(r.Context())
	}))
	return w
}

// TestGuardHidesTheToken: what comes through has its principal and no token; neither has the
// log, nor an answer.
func TestGuardHidesTheToken(t *testing.T) {
	token, h := NewToken()
	p := newPost(t, "principals:\n  a: {roots: all, tokens: ["+h+"]}\n")
	if w := p.admit("m", "Authorization: Bearer "+token); w.Code != 200 || p.who == nil || p.who.Name != "a" || p.info.UserID != "a" || PrincipalOf(p.info) != p.who || strings.Contains(fmt.Sprint(p.seen), token) {
		t.Errorf("%d, %+v, %v", w.Code, p.who, p.seen)
	}
	for range 30 {
		w := p.admit("m", "Authorization: Bearer x"+token)
		if p.who != nil || strings.Contains(fmt.Sprint(w.Result().Header)+w.Body.String(), token) {
			t.Fatal(w)
		}
	}
	if strings.Contains(p.log.String(), token) {
		t.Error(p.log)
	}
	if PrincipalOf(nil) != nil || PrincipalOf(&auth.TokenInfo{UserID: "a"}) != nil {
		t.Error("there is a principal that nobody has found")
	}
}

// TestFailures: who fails too often is told to come back later, and nobody else is; time makes
// good; a token that is good is good all the while. The log has some of it.
func TestFailures(t *testing.T) {
	token, h := NewToken()
	file := "principals:\n  a: {roots: all, tokens: [" + h + "]}\n"
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, file)
		for n := range 100 {
			w := p.admit("attacker", "Authorization: Bearer guess")
			if want := map[bool]int{true: 401, false: 429}[n < failuresBurst]; w.Code != want || (w.Header().Get("Retry-After") != "") != (want == 429) {
				t.Fatalf("attempt %d: %d, %v", n, w.Code, w.Header())
			}
		}
		if w := p.admit("attacker", "Authorization: Bearer "+token); w.Code != 200 {
			t.Errorf("a good token: %d", w.Code)
		}
		if w := p.admit("attacker"); w.Code != 401 {
			t.Errorf("who says nothing: %d", w.Code)
		}
		if w := p.admit("other", "Authorization: Bearer guess"); w.Code != 401 {
			t.Errorf("another machine: %d", w.Code)
		}
		if n := strings.Count(p.log.String(), "level=WARN"); n != SparingBurst {
			t.Errorf("%d lines", n)
		}
		time.Sleep(failuresEvery)
		if a, b := p.admit("attacker", "Authorization: Bearer guess"), p.admit("attacker", "Authorization: Bearer guess"); a.Code != 401 || b.Code != 429 {
			t.Errorf("after a while: %d, then %d", a.Code, b.Code)
		}
		time.Sleep(SparingEvery)
		p.admit("third", "Authorization: Bearer guess")
		if !strings.Contains(p.log.String(), "unlogged=8") {
			t.Errorf("the log does not say how much it leaves out: %s", p.log)
		}
		if p.reasons[reasonTooMany] != 81 || p.reasons[reasonUnknown] != 23 || p.reasons[reasonMissing] != 1 {
			t.Error(p.reasons)
		}
		// Machines without end take a bounded place.
		for n := range 3 * machinesMax {
			p.admit(fmt.Sprint("machine ", n), "Authorization: Bearer guess")
		}
		if n := len(p.failures.ofMachine); n > machinesMax {
			t.Errorf("%d machines are remembered", n)
		}
		time.Sleep(failuresBurst * failuresEvery)
		if w := p.admit("new", "Authorization: Bearer guess"); w.Code != 401 {
			t.Errorf("a new machine later: %d", w.Code)
		}
	})
}

// TestStreamsEnd: the context of a request ends when its token does, and when its principal is
// over.
func TestStreamsEnd(t *testing.T) {
	long, h1 := NewToken()
	short, h2 := NewToken()
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		file := "principals:\n  a: {roots: all, tokens: [" + h1 + "]}\n  b: {roots: all, tokens: [\"" + h2 + " until " + until + "\"]}\n"
		p := newPost(t, file)
		ends := map[string]time.Duration{}
		var mu sync.Mutex
		start := time.Now()
		var wg sync.WaitGroup
		for name, token := range map[string]string{"a": long, "b": short} {
			wg.Go(func() {
				r := httptest.NewRequest(http.MethodGet, "/mcp", nil)
				r.Header.Set("Authorization", "Bearer "+token)
				p.Admit(httptest.NewRecorder(), r, "m", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
				mu.Lock()
				defer mu.Unlock()
				ends[name] = time.Since(start)
			})
			synctest.Wait()
		}
		time.Sleep(2 * time.Hour)
		write(t, p.Directory.path, strings.Replace(file, "a: {roots: all", "a: {read_only: true, roots: all", 1))
		if err := p.Directory.Reload(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if b := ends["b"].Round(time.Minute); b != time.Hour || ends["a"] != 2*time.Hour {
			t.Error(ends)
		}
		if w := p.admit("m", "Authorization: Bearer "+short); w.Code != 401 || !strings.Contains(w.Body.String(), "expired") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// TestGuardAccessTokens: claims become principals: those of the file by subject, others with the
// rights of its section default, each by himself; scopes take away what the file gives.
func TestGuardAccessTokens(t *testing.T) {
	s, keys := newIDP(t)
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t, "default: {roots: [theirs]}\nprincipals:\n  alice: {roots: all, subject: u-alice}\n  rita: {roots: all, subject: u-rita, read_only: true}\n")
		p.Issuer = s.issuer(t, nil)
		p.Metadata = "https://sheets.example.com/.well-known/oauth-protected-resource/mcp"
		token := func(sub, scope string) string {
			return "Authorization: Bearer " + sign(t, keys["ec"], jose.ES256, "ec", good().with("sub", sub).with("scope", scope), "at+jwt")
		}
		for _, c := range []struct {
			sub, scope, name string
			readOnly         bool
		}{
			{"u-alice", "gridflow:read", "alice", true},
			{"u-alice", "gridflow:write", "alice", false},
			{"u-alice", "gridflow:read gridflow:write", "alice", false},
			{"u-rita", "gridflow:write", "rita", true},
			{"alice", "gridflow:write", "subject alice", false},
			{"someone", "gridflow:read", "subject someone", true},
		} {
			w := p.admit("m", token(c.sub, c.scope))
			if w.Code != 200 || p.who.Name != c.name || p.who.ReadOnly != c.readOnly || p.who.SeesAll() != (c.sub == "u-alice" || c.sub == "u-rita") {
				t.Errorf("%+v: %d %+v", c, w.Code, p.who)
			}
			if p.info.Expiration.IsZero() {
				t.Error("nobody knows when the token ends")
			}
		}
		w := p.admit("m", token("u-alice", "other"))
		if got := w.Header().Get("WWW-Authenticate"); w.Code != 403 || !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, `scope="gridflow:read"`) {
			t.Errorf("%d %s", w.Code, got)
		}
		w = p.admit("m")
		if got := w.Header().Get("WWW-Authenticate"); w.Code != 401 || got != `Bearer realm="gridflow", scope="gridflow:read", resource_metadata="`+p.Metadata+`"` {
			t.Errorf("%d %s", w.Code, got)
		}
		// Who fails too often is not verified any more, but for what was good before.
		known := token("u-alice", "gridflow:write")
		p.admit("m", known)
		for range failuresBurst {
			p.admit("m", "Authorization: Bearer a.b.c")
		}
		if a, b, c := p.admit("m", known), p.admit("m", token("u-rita", "gridflow:read gridflow:x")), p.admit("elsewhere", token("u-rita", "gridflow:read gridflow:y")); a.Code != 200 || b.Code != 429 || c.Code != 200 {
			t.Errorf("%d %d %d", a.Code, b.Code, c.Code)
		}
		// Without a section for them strangers are nobody.
		write(t, p.Directory.path, "principals:\n  alice: {roots: all, subject: u-alice}\n")
		if err := p.Directory.Reload(); err != nil {
			t.Fatal(err)
		}
		if w := p.admit("elsewhere", token("someone", "gridflow:write")); w.Code != 403 {
			t.Errorf("%d", w.Code)
		}
	})
	// The keys cannot be had.
	down := &idp{requests: map[string]int{}, down: true}
	p := newPost(t, "principals: {}\n")
	p.Issuer = down.issuer(t, nil)
	w := p.admit("m", "Authorization: Bearer "+sign(t, keys["ec"], jose.ES256, "ec", good(), "at+jwt"))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || p.reasons[reasonUnavailable] != 1 {
		t.Errorf("%d %v", w.Code, p.reasons)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, refused := p.claims(ctx, "a.b.c", "m"); refused == nil {
		t.Error("a request that was given up comes through")
	}
}

// BenchmarkAdmit: what it costs a request that it is asked whose it is.
func BenchmarkAdmit(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	s := &idp{requests: map[string]int{}, keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "ec", Algorithm: "ES256"}}}
	token, h := NewToken()
	path := filepath.Join(b.TempDir(), "p.yaml")
	if err := os.WriteFile(path, []byte("default: {roots: all}\nprincipals:\n  a: {roots: all, tokens: ["+h+"]}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	d, err := Open(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	g := NewGuard(d, slog.New(slog.DiscardHandler))
	g.Issuer, err = NewIssuer(IssuerOptions{Issuer: idpURL, Audience: []string{resource}, Client: &http.Client{Transport: s}, Log: g.Log})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Issuer.Close()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "ec"))
	if err != nil {
		b.Fatal(err)
	}
	var signed []string
	for n := range 1000 {
		text, err := jwt.Signed(signer).Claims(map[string]any(good().with("jti", fmt.Sprint(n)))).Serialize()
		if err != nil {
			b.Fatal(err)
		}
		signed = append(signed, text)
	}
	through := 0
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { through++ })
	run := func(b *testing.B, token func(n int) string) {
		through = 0
		n := 0
		for b.Loop() {
			r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
			r.Header.Set("Authorization", "Bearer "+token(n))
			g.Admit(httptest.NewRecorder(), r, "m", next)
			n++
		}
		if through != n {
			_, err := g.Issuer.Verify(b.Context(), token(0), true)
			b.Fatalf("%d of %d came through: %v", through, n, err)
		}
	}
	b.Run("token", func(b *testing.B) { run(b, func(int) string { return token }) })
	b.Run("access token, seen before", func(b *testing.B) { run(b, func(int) string { return signed[0] }) })
	b.Run("access token, new", func(b *testing.B) {
		run(b, func(n int) string {
			clear(g.Issuer.verified.byHash)
			return signed[n%len(signed)]
		})
	})
	b.Run("nothing but the request", func(b *testing.B) {
		for b.Loop() {
			r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
	})
}
