//go:build unix

package main

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"gridflow/internal/access"
)

// TestAccessTLS: a changed certificate is shown from then on, and one that is wrong is not; the
// connections are of TLS 1.2 at least; who must show a certificate and shows none is out, and
// the subject of one may name a principal.
func TestAccessTLS(t *testing.T) {
	t.Parallel()
	g := asking(t)
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(g.url, "https://"), "/mcp"), &tls.Config{RootCAs: g.authority.pool})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	first := serial()
	if _, err := tls.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(g.url, "https://"), "/mcp"), &tls.Config{RootCAs: g.authority.pool, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	replaceFile(t, filepath.Join(g.certs, "tls.crt"), []byte("nonsense"))
	g.log.await(t, 1, "the certificate has changed and is wrong")
	if now := serial(); now != first {
		t.Errorf("the certificate %d is shown", now)
	}
	cert, key := g.authority.sign(pkix.Name{CommonName: "server"})
	replaceFile(t, filepath.Join(g.certs, "tls.key"), key)
	replaceFile(t, filepath.Join(g.certs, "tls.crt"), cert)
	g.log.await(t, 1, "the changed certificate is shown from now on")
	if now := serial(); now != first+1 {
		t.Errorf("the certificate %d is shown, not the new one", now)
	}
	// Plain HTTP to it is answered, and does not get in.
	if res, err := http.Get("http" + strings.TrimPrefix(g.url, "https")); err == nil {
		res.Body.Close()
		if res.StatusCode != 400 {
			t.Errorf("plain HTTP: %s", res.Status)
		}
	}

	m := asking(t, "--tls-client-ca="+filepath.Join(g.certs, "ca.crt"))
	roots := m.authority.pool // of the server's certificate; clients' are of the other authority
	with := func(subject pkix.Name, a *authority) *http.Client {
		cert, key := a.sign(subject)
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	for _, c := range []struct {
		name   string
		client *http.Client
		token  string
		status int // 0: there is no connection
		says   string
	}{
		{"no certificate", m.http, m.tokens["alice"], 0, ""},
		{"a certificate of another authority", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, newAuthority(t)), m.tokens["alice"], 0, ""},
		{"alice's certificate", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, g.authority), "", 200, ""},
		{"alice's certificate and token", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, g.authority), m.tokens["alice"], 200, ""},
		{"alice's certificate and bob's token", with(pkix.Name{CommonName: "alice", Organization: []string{"Acme"}}, g.authority), m.tokens["bob"], 401, "not of whom the certificate is"},
		{"nobody's certificate", with(pkix.Name{CommonName: "carol", Organization: []string{"Acme"}}, g.authority), "", 401, `"CN=carol,O=Acme"`}, // as the file would have it
		{"nobody's certificate, bob's token", with(pkix.Name{CommonName: "carol"}, g.authority), m.tokens["bob"], 200, ""},
	} {
		m.http = c.client
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, m.url, strings.NewReader(listTools))
		for _, h := range append(slices.Clone(modern), "Content-Type: application/json", "Accept: application/json, text/event-stream") {
			k, v, _ := strings.Cut(h, ": ")
			r.Header.Set(k, v)
		}
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		res, err := c.client.Do(r)
		switch {
		case c.status == 0 && err == nil:
			t.Errorf("%s: %s", c.name, res.Status)
		case c.status != 0 && (err != nil || res.StatusCode != c.status):
			t.Errorf("%s: %v %v", c.name, res, err)
		}
		if err == nil {
			text, _ := io.ReadAll(res.Body)
			if res.Body.Close(); !strings.Contains(string(text), c.says) {
				t.Errorf("%s: %s", c.name, text)
			}
		}
	}
}

// TestAccessOAuth: the server tells where access tokens come from, and takes those of its issuer:
// with the rights of their subject and their scopes, for itself alone.
func TestAccessOAuth(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	var fetched atomic.Int64
	mux := http.NewServeMux()
	issuer := httptest.NewServer(mux)
	t.Cleanup(issuer.Close)
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer.URL, issuer.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256"}}})
	})
	const resource = "https://localhost/mcp"
	g := askingWith(t, "  paula: {roots: [ours], subject: auth0|paula}\ndefault: {roots: [theirs], read_only: false}\n", "--oauth-issuer="+issuer.URL, "--oauth-resource="+resource)
	token := func(id string, by *ecdsa.PrivateKey, change func(map[string]any)) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: by}, (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", id))
		if err != nil {
			t.Fatal(err)
		}
		claims := map[string]any{"iss": issuer.URL, "aud": resource, "sub": "auth0|paula", "exp": time.Now().Add(time.Hour).Unix(), "scope": "gridflow:read gridflow:write"}
		change(claims)
		text, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	as := func(change func(map[string]any)) string { return token("k", key, change) }
	g.tokens["paula"] = as(func(map[string]any) {})
	g.tokens["reader"] = as(func(c map[string]any) { c["scope"] = "gridflow:read" })
	g.tokens["one"] = as(func(c map[string]any) { c["sub"] = "one" })
	g.tokens["two"] = as(func(c map[string]any) { c["sub"] = "two" })

	// How a client finds out.
	res, _ := g.post(listTools, modern...)
	challenge := res.Header.Get("WWW-Authenticate")
	if res.StatusCode != 401 || !strings.Contains(challenge, `resource_metadata="https://localhost/.well-known/oauth-protected-resource/mcp"`) || !strings.Contains(challenge, `scope="gridflow:read"`) {
		t.Errorf("%s: %s", res.Status, challenge)
	}
	for _, path := range []string{"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"} {
		if m, err := oauthex.GetProtectedResourceMetadata(t.Context(), strings.TrimSuffix(g.url, "/mcp")+path, resource, g.http); err != nil || !slices.Equal(m.AuthorizationServers, []string{issuer.URL}) {
			t.Errorf("the SDK's client finds %+v, %v", m, err)
		}
		res, text := g.request(http.MethodGet, strings.TrimSuffix(g.url, "/mcp")+path, "", "Origin: https://anywhere.example.com")
		var m oauthex.ProtectedResourceMetadata
		if err := json.Unmarshal([]byte(text), &m); err != nil || res.StatusCode != 200 || m.Resource != resource || !slices.Equal(m.AuthorizationServers, []string{issuer.URL}) ||
			!slices.Equal(m.ScopesSupported, []string{"gridflow:read", "gridflow:write"}) || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %s %s", path, res.Status, text)
		}
	}
	for _, era := range eras {
		paula, reader := g.as("paula", era), g.as("reader", era)
		if list := do(t, paula, "list_workbooks", `{}`); !strings.Contains(list, "loan") || strings.Contains(list, "messy") {
			t.Error(list)
		}
		fork := newFork(t, paula, "loan")
		do(t, reader, "fork_history", `{"fork_id":%q}`, fork) // it is her own, without the right to change it
		if era == eras[0] {
			refused(t, "READ_ONLY", reader, "discard_fork", `{"fork_id":%q}`, fork)
		} else if _, err := call(t.Context(), reader, "discard_fork", fmt.Sprintf(`{"fork_id":%q}`, fork)); err == nil {
			t.Error("without the scope a fork is discarded")
		}
		// Two of whom the file has nothing have the same rights, and nothing of one another.
		one, two := g.as("one", era), g.as("two", era)
		theirs := newFork(t, one, "messy")
		refused(t, "FORK_NOT_FOUND", two, "fork_history", `{"fork_id":%q}`, theirs)
		refused(t, "WORKBOOK_NOT_FOUND", two, "describe_workbook", `{"workbook_id":"loan"}`)
		if list := do(t, one, "list_forks", `{}`); !strings.Contains(list, theirs) || strings.Contains(list, fork) {
			t.Error(list)
		}
	}
	discard := strings.NewReplacer("tools/list", "tools/call", `"params":{`, `"params":{"name":"discard_fork","arguments":{"fork_id":"fork-222222222222"},`).Replace(listTools)
	res, _ = g.post(discard, "Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: discard_fork", "Authorization: Bearer "+g.tokens["reader"])
	if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != 403 || !strings.Contains(got, `error="insufficient_scope"`) || !strings.Contains(got, `scope="gridflow:read gridflow:write"`) {
		t.Errorf("without the scope: %s %s", res.Status, got)
	}
	none := "." + strings.Split(g.tokens["paula"], ".")[1] + "."
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"expired":      {as(func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() }), 401},
		"for another":  {as(func(c map[string]any) { c["aud"] = "https://localhost/other" }), 401},
		"of another":   {as(func(c map[string]any) { c["iss"] = "https://evil.example.com" }), 401},
		"no scope":     {as(func(c map[string]any) { delete(c, "scope") }), 403},
		"another key":  {token("k", newKey(t), func(map[string]any) {}), 401},
		"unsigned":     {"eyJhbGciOiJub25lIn0" + none, 401},
		"a name alone": {"paula", 401},
	} {
		if res, text := g.post(listTools, append(slices.Clone(modern), "Authorization: Bearer "+c.token)...); res.StatusCode != c.status {
			t.Errorf("%s: %s %s", name, res.Status, text)
		}
	}
	// Keys that nobody has are not asked for again and again.
	stranger := newKey(t)
	for i := range 40 {
		g.post(listTools, append(slices.Clone(modern), "Authorization: Bearer "+token(fmt.Sprint("none", i), stranger, func(map[string]any) {}))...)
	}
	if n := fetched.Load(); n > 2 {
		t.Errorf("the keys were fetched %d times", n)
	}
	for name := range g.tokens {
		if lines := g.log.matching(g.tokens[name]); lines != nil {
			t.Errorf("the log has a token: %s", lines[0])
		}
	}
}

// TestAccessIntrospection: access tokens that the issuer is asked about have the rights of their subject for as long as it says so;
// when it gives no answer, who is not known is told to come back, and whoever has a token of the file goes on.
func TestAccessIntrospection(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var hangs atomic.Bool
	const resource = "https://localhost/mcp"
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		token := r.PostFormValue("token") // which has the body read, so that the server sees who leaves
		if hangs.Load() {
			<-r.Context().Done()
			return
		}
		if id, secret, _ := r.BasicAuth(); id != "gridflow" || secret != "open-sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		scope, ok := map[string]string{"opaque-paula": "gridflow:read gridflow:write", "opaque-reader": "gridflow:read"}[token]
		fmt.Fprintf(w, `{"active":%t,"sub":"auth0|paula","aud":%q,"scope":%q}`, ok, resource, scope)
	}))
	t.Cleanup(issuer.Close)
	secrets := filepath.Join(t.TempDir(), "client.yaml")
	writeFile(t, secrets, []byte("client_id: gridflow\nclient_secret: open-sesame\n"))
	g := askingWith(t, "  paula: {roots: [ours], subject: auth0|paula}\n", "--oauth-issuer="+issuer.URL, "--oauth-resource="+resource,
		"--oauth-introspection="+issuer.URL+"/introspect", "--oauth-client="+secrets)
	g.tokens["paula"], g.tokens["reader"] = "opaque-paula", "opaque-reader"
	paula, reader := g.as("paula", eras[1]), g.as("reader", eras[0])
	fork := newFork(t, paula, "loan")
	refused(t, "READ_ONLY", reader, "discard_fork", `{"fork_id":%q}`, fork)
	refused(t, "WORKBOOK_NOT_FOUND", paula, "describe_workbook", `{"workbook_id":"messy"}`)
	if n := asked.Load(); n != 2 {
		t.Errorf("the issuer was asked %d times about two tokens", n)
	}
	with := func(token string) (*http.Response, string) {
		return g.post(listTools, append(slices.Clone(modern), "Authorization: Bearer "+token)...)
	}
	if res, text := with("opaque-nobody"); res.StatusCode != 401 || !strings.Contains(res.Header.Get("WWW-Authenticate"), "invalid_token") {
		t.Errorf("a token that is not good: %s %s", res.Status, text)
	}
	old, _ := access.NewToken() // that is in the file no more
	before := asked.Load()
	if res, _ := with(old); res.StatusCode != 401 || asked.Load() != before {
		t.Errorf("a token of ours: %s, and the issuer was asked %d times", res.Status, asked.Load()-before)
	}
	hangs.Store(true)
	res, text := with("opaque-another")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("no answer: %s %s", res.Status, text)
	}
	do(t, paula, "fork_history", `{"fork_id":%q}`, fork) // within the minute
	do(t, g.as("alice", eras[1]), "list_workbooks", `{}`)
	for _, secret := range []string{"opaque-", "open-sesame"} {
		if lines := g.log.matching(secret); lines != nil {
			t.Errorf("the log has a secret: %s", lines[0])
		}
	}
}
