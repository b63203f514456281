package access

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// idp is an authorization server without a network: it answers a client's requests.
type idp struct {
	mu       sync.Mutex
	keys     []jose.JSONWebKey
	requests map[string]int    // by path
	answer   map[string]string // by path, in place of what it would say
	down     bool
	slow     time.Duration
}

const (
	idpURL   = "https://id.example.com/tenant"
	resource = "https://sheets.example.com/mcp"
)

func (s *idp) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	down, slow := s.down, s.slow
	s.requests[r.URL.Path]++
	text, set := s.answer[r.URL.Path]
	keys, _ := json.Marshal(jose.JSONWebKeySet{Keys: s.keys})
	s.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	if down {
		return nil, errors.New("connection refused")
	}
	res := &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Request: r}
	switch {
	case set && strings.HasPrefix(text, "redirect "):
		res.StatusCode, res.Status = 302, "302 Found"
		res.Header.Set("Location", strings.TrimPrefix(text, "redirect "))
	case set:
	case r.URL.Path == "/tenant/.well-known/openid-configuration":
		text = fmt.Sprintf(`{"issuer":%q,"jwks_uri":"https://id.example.com/keys"}`, idpURL)
	case r.URL.Path == "/keys":
		text = string(keys)
	default:
		res.StatusCode, res.Status = 404, "404 Not Found"
	}
	res.Body = io.NopCloser(strings.NewReader(text))
	return res, nil
}

func (s *idp) fetched() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests["/keys"]
}

func (s *idp) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// newIDP gives one with a key of each kind, and the private keys by id.
func newIDP(t *testing.T) (*idp, map[string]crypto.Signer) {
	t.Helper()
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := map[string]crypto.Signer{"rsa": r, "ec": e, "ed": ed}
	s := &idp{requests: map[string]int{}, answer: map[string]string{}}
	for id, alg := range map[string]jose.SignatureAlgorithm{"rsa": jose.RS256, "ec": jose.ES256, "ed": jose.EdDSA} {
		s.keys = append(s.keys, jose.JSONWebKey{Key: private[id].Public(), KeyID: id, Algorithm: string(alg), Use: "sig"})
	}
	return s, private
}

func (s *idp) issuer(t *testing.T, change func(*IssuerOptions)) *Issuer {
	t.Helper()
	o := IssuerOptions{
		Issuer: idpURL, Audience: []string{resource}, ReadScope: "gridflow:read", WriteScope: "gridflow:write",
		Client: &http.Client{Transport: s}, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	i, err := NewIssuer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i
}

type claims map[string]any

// good are the claims of a token that reads.
func good() claims {
	now := time.Now()
	return claims{"iss": idpURL, "aud": resource, "sub": "u1", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "scope": "openid gridflow:read"}
}

func (c claims) with(name string, value any) claims {
	if value == nil {
		delete(c, name)
	} else {
		c[name] = value
	}
	return c
}

// sign makes a token.
func sign(t *testing.T, key any, alg jose.SignatureAlgorithm, id string, c claims, typ string) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	if id != "" {
		o.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(map[string]any(c)).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func part(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

// TestAccessTokens: a token is good if the issuer has signed it, with a key of its own and an
// algorithm that only it can use, for this server, now; and for nothing else.
func TestAccessTokens(t *testing.T) {
	s, keys := newIDP(t)
	synctest.Test(t, func(t *testing.T) {
		i := s.issuer(t, nil)
		of := func(c claims) string { return sign(t, keys["rsa"], jose.RS256, "rsa", c, "at+jwt") }
		now := time.Now()
		public, err := x509.MarshalPKIXPublicKey(keys["rsa"].Public())
		if err != nil {
			t.Fatal(err)
		}
		asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
		mine, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		whole := of(good())
		parts := strings.Split(whole, ".")
		type want struct{ read, write bool }
		for name, c := range map[string]struct {
			token string
			want  want // neither: it is no good
		}{
			"good":                           {whole, want{true, false}},
			"ES256":                          {sign(t, keys["ec"], jose.ES256, "ec", good(), "JWT"), want{true, false}},
			"EdDSA":                          {sign(t, keys["ed"], jose.EdDSA, "ed", good(), ""), want{true, false}},
			"without kid, one key fits":      {sign(t, keys["ec"], jose.ES256, "", good(), "JWT"), want{true, false}},
			"write":                          {of(good().with("scope", "gridflow:write")), want{true, true}},
			"scopes as a list":               {of(good().with("scope", nil).with("scp", []string{"x", "gridflow:read"})), want{true, false}},
			"several audiences":              {of(good().with("aud", []string{"x", resource})), want{true, false}},
			"just expired":                   {of(good().with("exp", now.Add(-30*time.Second).Unix())), want{true, false}},
			"a little early":                 {of(good().with("nbf", now.Add(30*time.Second).Unix())), want{true, false}},
			"expired":                        {of(good().with("exp", now.Add(-2*time.Minute).Unix())), want{}},
			"not yet":                        {of(good().with("nbf", now.Add(2*time.Minute).Unix())), want{}},
			"issued in the future":           {of(good().with("iat", now.Add(2*time.Minute).Unix())), want{}},
			"without an end":                 {of(good().with("exp", nil)), want{}},
			"for another server":             {of(good().with("aud", "https://other.example.com/mcp")), want{}},
			"for nobody":                     {of(good().with("aud", nil)), want{}},
			"for a part of the name":         {of(good().with("aud", resource+"/")), want{}},
			"of another issuer":              {of(good().with("iss", "https://evil.example.com")), want{}},
			"of no issuer":                   {of(good().with("iss", nil)), want{}},
			"of a prefix":                    {of(good().with("iss", idpURL+"/")), want{}},
			"of nobody":                      {of(good().with("sub", nil)), want{}},
			"of somebody endless":            {of(good().with("sub", strings.Repeat("x", 2000))), want{}},
			"no access token":                {sign(t, keys["rsa"], jose.RS256, "rsa", good(), "logout+jwt"), want{}},
			"signed by somebody else":        {sign(t, mine, jose.RS256, "rsa", good(), "at+jwt"), want{}},
			"signed by the wrong key":        {sign(t, keys["ec"], jose.ES256, "rsa", good(), "at+jwt"), want{}},
			"by an algorithm not of the key": {sign(t, keys["rsa"], jose.RS512, "rsa", good(), "at+jwt"), want{}},
			"signed with the public key":     {sign(t, asPEM, jose.HS256, "rsa", good(), "at+jwt"), want{}},
			"not signed":                     {part(map[string]string{"alg": "none", "typ": "at+jwt"}) + "." + part(good()) + ".", want{}},
			"not signed, by another name":    {part(map[string]string{"alg": "nOnE", "kid": "rsa"}) + "." + part(good()) + "." + parts[2], want{}},
			"its own key":                    {part(map[string]any{"alg": "RS256", "jwk": jose.JSONWebKey{Key: mine.Public()}}) + "." + strings.Join(strings.Split(sign(t, mine, jose.RS256, "", good(), "at+jwt"), ".")[1:], "."), want{}},
			"changed":                        {parts[0] + "." + part(good().with("sub", "u2")) + "." + parts[2], want{}},
			"without its signature":          {parts[0] + "." + parts[1] + ".", want{}},
			"claims that are none":           {parts[0] + "." + part([]int{1}) + "." + parts[2], want{}},
			"not base64":                     {"a.b.c", want{}},
			"points":                         {"..", want{}},
			"encrypted":                      {"a.b.c.d.e", want{}},
			"an unknown key":                 {sign(t, mine, jose.RS256, "who", good(), "at+jwt"), want{}},
			"critical":                       {part(map[string]any{"alg": "RS256", "kid": "rsa", "crit": []string{"exp"}}) + "." + parts[1] + "." + parts[2], want{}},
			"no scope":                       {of(good().with("scope", nil)), want{}},
			"another scope":                  {of(good().with("scope", "gridflow:reads gridflow gridflow:read:x")), want{}},
			"scopes of numbers":              {of(good().with("scope", []int{1})), want{}},
		} {
			for _, time := range []string{"first", "second"} {
				got, err := i.Verify(t.Context(), c.token, true)
				if (err != nil) && (got.Read || got.Write) {
					t.Errorf("%s: rights with the error %v", name, err)
				}
				if got.Read != c.want.read || got.Write != c.want.write || got.Read && got.Subject != "u1" {
					t.Errorf("%s, the %s time: %+v, %v", name, time, got, err)
				}
			}
		}
		if n := s.fetched(); n > 2 {
			t.Errorf("the keys were fetched %d times", n)
		}
		// What was good is not good for longer than it says.
		time.Sleep(time.Hour + 2*time.Minute)
		if _, err := i.Verify(t.Context(), whole, true); !errors.Is(err, errExpired) {
			t.Errorf("%v", err)
		}
		// Who may not verify anew is told what was verified, and nothing else.
		fresh := of(good())
		if _, err := i.Verify(t.Context(), fresh, false); !errors.Is(err, errNotVerified) {
			t.Error(err)
		}
		if _, err := i.Verify(t.Context(), fresh, true); err != nil {
			t.Error(err)
		}
		if c, err := i.Verify(t.Context(), fresh, false); err != nil || !c.Read {
			t.Error(c, err)
		}
	})
}

// TestKeysAreFetchedSeldom: tokens that name keys which nobody has make no flood of requests to
// the issuer, new keys are found, and withdrawn ones are not used for long.
func TestKeysAreFetchedSeldom(t *testing.T) {
	s, keys := newIDP(t)
	mine, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		i := s.issuer(t, nil)
		var wg sync.WaitGroup
		for n := range 300 {
			wg.Go(func() {
				time.Sleep(time.Duration(n) * 100 * time.Millisecond)
				if _, err := i.Verify(t.Context(), sign(t, mine, jose.ES256, fmt.Sprint("key", n), good(), "at+jwt"), true); err == nil {
					t.Error("a token of nobody is good")
				}
			})
		}
		wg.Wait()
		if n := s.fetched(); n > 2 {
			t.Fatalf("300 unknown keys in 30 s had the keys fetched %d times", n)
		}
		// A new key, which its tokens are refused for until the keys may be fetched again.
		s.set(func() {
			s.keys = append(s.keys, jose.JSONWebKey{Key: mine.Public(), KeyID: "new", Algorithm: "ES256"})
		})
		time.Sleep(unknownEvery + time.Second)
		if _, err := i.Verify(t.Context(), sign(t, mine, jose.ES256, "new", good(), "at+jwt"), true); err != nil {
			t.Error(err)
		}
		// One that is withdrawn: what was verified by it, too.
		token := sign(t, keys["rsa"], jose.RS256, "rsa", good(), "at+jwt")
		if _, err := i.Verify(t.Context(), token, true); err != nil {
			t.Fatal(err)
		}
		s.set(func() {
			s.keys = []jose.JSONWebKey{{Key: mine.Public(), KeyID: "new", Algorithm: "ES256"}}
		})
		time.Sleep(freshFor + time.Second)
		_, _ = i.Verify(t.Context(), token, true) // has them fetched behind it
		synctest.Wait()
		time.Sleep(time.Second)
		if _, err := i.Verify(t.Context(), token, true); err == nil {
			t.Error("a token of a key that was withdrawn is good")
		}
	})
}

// TestIssuerFails: while the issuer does not answer, what is known goes on being used; where nothing
// is known that is said, and it is not asked again and again; and once it is back all is well.
func TestIssuerFails(t *testing.T) {
	s, keys := newIDP(t)
	synctest.Test(t, func(t *testing.T) {
		i := s.issuer(t, nil)
		token := func(sub string) string {
			return sign(t, keys["ec"], jose.ES256, "ec", good().with("sub", sub), "at+jwt")
		}
		s.set(func() { s.down = true })
		for range 600 {
			_, err := i.Verify(t.Context(), token("u"), true)
			var gone *UnavailableError
			if !errors.As(err, &gone) {
				t.Fatalf("%v", err)
			}
			time.Sleep(time.Second / 2)
		}
		s.mu.Lock()
		asked := s.requests["/.well-known/oauth-authorization-server/tenant"]
		s.mu.Unlock()
		if asked < 5 || asked > 30 {
			t.Errorf("it was asked %d times in 5 minutes", asked)
		}
		s.set(func() { s.down = false })
		time.Sleep(time.Minute)
		if _, err := i.Verify(t.Context(), token("u"), true); err != nil {
			t.Fatal(err)
		}
		s.set(func() { s.down = true })
		time.Sleep(5 * time.Hour)
		if _, err := i.Verify(t.Context(), token("v"), true); err != nil {
			t.Errorf("keys that are known are not used: %v", err)
		}
		time.Sleep(20 * time.Hour)
		_, err := i.Verify(t.Context(), token("w"), true)
		if err == nil {
			t.Error("keys of yesterday are used")
		}
		// One that hangs holds up nobody for long.
		s.set(func() { s.down, s.slow = false, time.Hour })
		time.Sleep(time.Minute)
		start := time.Now()
		if _, err := i.Verify(t.Context(), token("x"), true); err == nil || time.Since(start) > fetchTime+time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestBadKeySets: what an issuer says is not believed beyond what it can say of itself.
func TestBadKeySets(t *testing.T) {
	s, keys := newIDP(t)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("this build makes no short keys")
	}
	oct := []byte(strings.Repeat("k", 32))
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			answer map[string]string
			keys   []jose.JSONWebKey
			token  string
		}{
			"a short key":             {keys: []jose.JSONWebKey{{Key: short.Public(), KeyID: "rsa"}}, token: sign(t, short, jose.RS256, "rsa", good(), "")},
			"a secret":                {keys: []jose.JSONWebKey{{Key: oct, KeyID: "rsa"}}, token: sign(t, oct, jose.HS256, "rsa", good(), "")},
			"a key for encryption":    {keys: []jose.JSONWebKey{{Key: keys["rsa"].Public(), KeyID: "rsa", Use: "enc"}}},
			"two keys of one name":    {keys: []jose.JSONWebKey{{Key: keys["rsa"].Public(), KeyID: "rsa"}, {Key: keys["ec"].Public(), KeyID: "rsa"}}},
			"no keys":                 {answer: map[string]string{"/keys": `{"keys":[]}`}},
			"no JSON":                 {answer: map[string]string{"/keys": `<html>`}},
			"without end":             {answer: map[string]string{"/keys": `{"keys":[` + strings.Repeat(" ", documentMax) + `]}`}},
			"elsewhere":               {answer: map[string]string{"/keys": "redirect https://evil.example.com/keys"}},
			"metadata of another":     {answer: map[string]string{"/tenant/.well-known/openid-configuration": `{"issuer":"https://evil.example.com","jwks_uri":"https://id.example.com/keys"}`}},
			"keys in plain":           {answer: map[string]string{"/tenant/.well-known/openid-configuration": fmt.Sprintf(`{"issuer":%q,"jwks_uri":"http://id.example.com/keys"}`, idpURL)}},
			"metadata without keys":   {answer: map[string]string{"/tenant/.well-known/openid-configuration": fmt.Sprintf(`{"issuer":%q}`, idpURL)}},
			"private keys in the set": {keys: []jose.JSONWebKey{{Key: keys["rsa"], KeyID: "rsa"}}},
		} {
			bad := &idp{requests: map[string]int{}, answer: c.answer, keys: c.keys}
			if c.keys == nil {
				bad.keys = s.keys
			}
			if c.token == "" {
				c.token = sign(t, keys["rsa"], jose.RS256, "rsa", good(), "")
			}
			i := bad.issuer(t, nil)
			if got, err := i.Verify(t.Context(), c.token, true); err == nil {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
	for _, bad := range []string{"http://id.example.com", "https://u:p@id.example.com", "id.example.com", "https://id.example.com/#x", "ftp://id.example.com"} {
		if _, err := NewIssuer(IssuerOptions{Issuer: bad, Log: slog.New(slog.DiscardHandler)}); err == nil {
			t.Errorf("%s is an issuer", bad)
		}
	}
}

// FuzzAccessToken: no token but those that were signed is good, and none ends the process.
func FuzzAccessToken(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	s := &idp{requests: map[string]int{}, keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "ec", Algorithm: "ES256"}}}
	i, err := NewIssuer(IssuerOptions{Issuer: idpURL, Audience: []string{resource}, Client: &http.Client{Transport: s}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(i.Close)
	f.Add([]byte(part(map[string]string{"alg": "none"}) + "." + part(good()) + "."))
	f.Add([]byte(part(map[string]string{"alg": "ES256", "kid": "ec"}) + "." + part(good()) + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64))))
	f.Add([]byte("a.b.c"))
	f.Fuzz(func(t *testing.T, token []byte) {
		if c, err := i.Verify(t.Context(), string(bytes.TrimSpace(token)), true); err == nil {
			t.Errorf("%q is good: %+v", token, c)
		}
	})
}
