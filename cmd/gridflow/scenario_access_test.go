//go:build unix

package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"gridflow/internal/access"
)

// An authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, n: 1}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool = x509.NewCertPool()
	a.pool.AddCert(a.cert)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign gives a certificate and its key, in PEM.
func (a *authority) sign(subject pkix.Name) (cert, key []byte) {
	a.t.Helper()
	a.n++
	k := newKey(a.t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(a.n), Subject: subject, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &k.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// A guarded is a running server that asks who calls, with two roots, ours and theirs, over TLS.
type guarded struct {
	*running
	ours, theirs string
	file         string // of principals
	authority    *authority
	certs        string            // folder of the server's certificate
	tokens       map[string]string // by principal
	extra        string            // more lines of the file
}

// asking starts one with the principals alice (of ours), bob (of theirs), eve (of both, may read
// only) and ops (of both, may read metrics).
func asking(t *testing.T, args ...string) *guarded {
	t.Helper()
	return askingWith(t, "", args...)
}

// askingWith is asking with more lines in the file of principals.
func askingWith(t *testing.T, more string, args ...string) *guarded {
	t.Helper()
	base := t.TempDir()
	g := &guarded{
		ours: filepath.Join(base, "ours"), theirs: filepath.Join(base, "theirs"), file: filepath.Join(base, "conf", "principals.yaml"),
		extra: more, certs: filepath.Join(base, "certs"), authority: newAuthority(t), tokens: map[string]string{},
	}
	for root, names := range map[string][]string{g.ours: {"loan", "budget"}, g.theirs: {"messy", "budget"}} {
		for _, name := range names {
			data, err := os.ReadFile("../../examples/" + name + ".xlsx")
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(root, name+".xlsx"), data)
		}
	}
	hashes := map[string]string{}
	for _, name := range []string{"alice", "bob", "eve", "ops"} {
		g.tokens[name], hashes[name] = access.NewToken()
	}
	writeFile(t, g.file, []byte(g.principals(hashes)))
	cert, key := g.authority.sign(pkix.Name{CommonName: "server"})
	writeFile(t, filepath.Join(g.certs, "tls.crt"), cert)
	writeFile(t, filepath.Join(g.certs, "tls.key"), key)
	writeFile(t, filepath.Join(g.certs, "ca.crt"), g.authority.pem())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{
		"http", "--listen=127.0.0.1:0", "--root=" + g.ours, "--root=" + g.theirs, "--log-level=debug", "--toolsets=all",
		"--principals=" + g.file, "--tls-cert=" + filepath.Join(g.certs, "tls.crt"), "--tls-key=" + filepath.Join(g.certs, "tls.key"), "--state-dir=" + filepath.Join(base, "state"),
	}, unhurried(args...)...)
	g.running = launch(t, self, args...)
	line := g.log.await(t, 1, "serving MCP")[0]
	if g.url = regexp.MustCompile(`https://[0-9.:]+/mcp`).FindString(line); g.url == "" {
		t.Fatalf("no URL in %q", line)
	}
	g.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: g.authority.pool}, MaxIdleConnsPerHost: 64}}
	t.Cleanup(g.http.CloseIdleConnections)
	return g
}

func (g *guarded) principals(hashes map[string]string) string {
	return fmt.Sprintf(`principals:
  alice:
    tokens: [%q]
    roots: [ours]
    certificate: CN=alice,O=Acme
  bob: {tokens: %q, roots: %q}
  eve: {tokens: [%q], roots: all, read_only: true}
  ops: {tokens: [%q], roots: all, metrics: true, weight: 3}
`, hashes["alice"], hashes["bob"], g.theirs, hashes["eve"], hashes["ops"]) + g.extra
}

// rewrite puts the file of principals anew, as edit makes it of what it was.
func (g *guarded) rewrite(edit func(text string) string) {
	g.t.Helper()
	text, err := os.ReadFile(g.file)
	if err != nil {
		g.t.Fatal(err)
	}
	replaceFile(g.t, g.file, []byte(edit(string(text))))
}

// bearing sends a token with each request.
type bearing struct {
	token   string
	through http.RoundTripper
}

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.through.RoundTrip(r)
}

func (g *guarded) as(name, era string) *mcp.ClientSession {
	g.t.Helper()
	return g.clientAs(era, "scenario", &http.Client{Transport: bearing{g.tokens[name], g.http.Transport}})
}

// post sends a request as it is written, and gives the answer with its body read.
func (g *guarded) post(body string, headers ...string) (*http.Response, string) {
	g.t.Helper()
	return g.request(http.MethodPost, g.url, body, headers...)
}

func (g *guarded) request(method, url, body string, headers ...string) (*http.Response, string) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := g.http.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return res, string(data)
}

const listTools = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}}`

var modern = []string{"Mcp-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list"}

// TestAccess: who has no good token is told so as RFC 6750 has it, before anything of his
// request is read or taken for it, and the log has no token.
func TestAccess(t *testing.T) {
	t.Parallel()
	g := asking(t)
	good := g.tokens["alice"]
	for _, c := range []struct {
		name      string
		headers   []string
		query     string
		status    int
		challenge string
	}{
		{"nobody", nil, "", 401, `Bearer realm="gridflow"`},
		{"unknown", []string{"Authorization: Bearer gridflow_" + strings.Repeat("A", 43)}, "", 401, `error="invalid_token"`},
		{"a part of a token", []string{"Authorization: Bearer " + good[:len(good)-1]}, "", 401, `error="invalid_token"`},
		{"a hash", []string{"Authorization: Bearer " + strings.TrimPrefix(access.HashToken(good), "sha256:")}, "", 401, `error="invalid_token"`},
		{"another scheme", []string{"Authorization: Basic " + good}, "", 401, `error="invalid_request"`},
		{"no scheme", []string{"Authorization: " + good}, "", 401, `error="invalid_request"`},
		{"empty", []string{"Authorization: Bearer "}, "", 401, ""},
		{"two", []string{"Authorization: Bearer " + good, "Authorization: Bearer " + good}, "", 400, `error="invalid_request"`},
		{"two in one", []string{"Authorization: Bearer " + good + ", Bearer " + good}, "", 400, `error="invalid_request"`},
		{"huge", []string{"Authorization: Bearer " + strings.Repeat("x", 40<<10)}, "", 400, `error="invalid_request"`},
		{"in the query", nil, "?access_token=" + good, 400, `error="invalid_request"`},
		{"in the query, escaped", nil, "?access%5Ftoken=" + good, 400, `error="invalid_request"`},
		{"in the query and the header", []string{"Authorization: Bearer " + good}, "?access_token=" + good, 400, `error="invalid_request"`},
	} {
		res, text := g.request(http.MethodPost, g.url+c.query, listTools, append(slices.Clone(modern), c.headers...)...)
		if res.StatusCode != c.status && !(c.name == "empty" && res.StatusCode == 400) || !strings.Contains(res.Header.Get("WWW-Authenticate"), c.challenge) || !res.Close {
			t.Errorf("%s: %s, %q, closed %v: %s", c.name, res.Status, res.Header.Get("WWW-Authenticate"), res.Close, text)
		}
		if strings.Contains(text+fmt.Sprint(res.Header), good) {
			t.Errorf("%s: the answer has the token", c.name)
		}
	}
	res, text := g.post(listTools, append(slices.Clone(modern), "Authorization: bearer "+good)...)
	if res.StatusCode != 200 || !strings.Contains(text, `"edit_batch"`) {
		t.Fatalf("the scheme in small letters: %s: %s", res.Status, text)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 401, "/nothing": 404} {
		if res, _ := g.request(http.MethodGet, strings.TrimSuffix(g.url, "/mcp")+path, ""); res.StatusCode != want {
			t.Errorf("%s without a token: %s", path, res.Status)
		}
	}
	for name, want := range map[string]int{"alice": 403, "ops": 200} {
		res, text := g.request(http.MethodGet, strings.TrimSuffix(g.url, "/mcp")+"/metrics", "", "Authorization: Bearer "+g.tokens[name])
		if res.StatusCode != want || want == 200 && !strings.Contains(text, `gridflow_http_refused_total{reason="token_unknown"} `) {
			t.Errorf("metrics for %s: %s\n%s", name, res.Status, clipped(text))
		}
	}

	// Attempts without end are answered at once, and a good token goes on being good.
	statuses, began := map[int]int{}, time.Now()
	for range 60 {
		res, _ := g.post(listTools, "Authorization: Bearer guess")
		statuses[res.StatusCode]++
		if res.StatusCode == 429 && res.Header.Get("Retry-After") == "" {
			t.Error("a refusal does not say when to come back")
		}
	}
	// Twenty are looked at, and one more every three seconds.
	if most := 21 + int(time.Since(began)/(3*time.Second)); statuses[401] > most || statuses[401]+statuses[429] != 60 {
		t.Errorf("60 guesses, of which %d may be looked at: %v", most, statuses)
	}
	if n := len(g.log.matching("request refused", "token_")); n > 40 {
		t.Errorf("%d lines of the log for them", n)
	}
	if res, text := g.post(listTools, append(slices.Clone(modern), "Authorization: Bearer "+good)...); res.StatusCode != 200 {
		t.Errorf("a good token after them: %s %s", res.Status, text)
	}
	for _, token := range g.tokens {
		if lines := g.log.matching(token); lines != nil {
			t.Errorf("the log has a token: %s", lines[0])
		}
	}
}

// TestAccessBeforeBody: a request without a good token is answered though its body never comes,
// and takes no place from others.
func TestAccessBeforeBody(t *testing.T) {
	t.Parallel()
	g := asking(t, "--max-request-bytes=5MiB")
	address := strings.TrimSuffix(strings.TrimPrefix(g.url, "https://"), "/mcp")
	for i := range 20 {
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: g.authority.pool})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience(t)))
		fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{", address)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 401 {
			t.Fatalf("%d: %v, %v", i, res, err)
		}
	}
	s := g.as("alice", eras[1])
	do(t, s, "list_workbooks", `{}`)
	if s := do(t, g.as("ops", eras[0]), "server_status", `{"sections":["metrics"]}`); !strings.Contains(s, `{reason="bodies"} 0`) {
		t.Error("bodies were taken for requests of nobody")
	}
}

// TestAccessSettings: settings that would let tokens be read on the way, or do nothing, are
// refused when the program starts.
func TestAccessSettings(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	file := writeFile(t, filepath.Join(t.TempDir(), "p.yaml"), []byte("principals: {}\n"))
	bad := writeFile(t, filepath.Join(t.TempDir(), "p.yaml"), []byte("principals:\n  a: {roots: [elsewhere]}\n"))
	for want, args := range map[string][]string{
		"tokens would go in plain":      {"--listen=0.0.0.0:0", "--principals=" + file},
		"without --tls-key":             {"--tls-cert=x"},
		"without --tls-cert":            {"--tls-client-ca=x"},
		"without --principals":          {"--oauth-issuer=https://id.example.com", "--oauth-resource=https://x.example.com/mcp"},
		"--oauth-resource is":           {"--oauth-issuer=https://id.example.com", "--principals=" + file},
		"without --oauth-issuer":        {"--principals=" + file, "--oauth-introspection=https://id.example.com/ask"},
		"--oauth-client is":             {"--principals=" + file, "--oauth-issuer=https://id.example.com", "--oauth-resource=https://x.example.com/mcp", "--oauth-introspection=https://id.example.com/ask"},
		"without --oauth-introspection": {"--principals=" + file, "--oauth-issuer=https://id.example.com", "--oauth-resource=https://x.example.com/mcp", "--oauth-client=" + file},
		"wanted are two lines":          {"--principals=" + file, "--oauth-issuer=https://id.example.com", "--oauth-resource=https://x.example.com/mcp", "--oauth-introspection=https://id.example.com/ask", "--oauth-client=" + file},
		"has to begin with https":       {"--oauth-issuer=http://id.example.com", "--principals=" + file},
		"is no root that is":            {"--principals=" + bad},
		"no such file":                  {"--principals=" + file + "x"},
	} {
		cmd := exec.Command(self, append([]string{"http", "--listen=127.0.0.1:0", "--root=" + root, "--state-dir=none"}, args...)...)
		cmd.Args[0] = "gridflow"
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitUsage || !strings.Contains(string(out), want) {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	r := launch(t, self, "http", "--root="+root, "--principals="+file, "--listen=0.0.0.0:0", "--behind-tls")
	r.log.await(t, 1, "serving MCP")
	if lines := r.log.matching("asks nobody"); lines != nil {
		t.Error(lines)
	}
	if lines := r.log.matching("nobody is asked for it"); lines != nil {
		t.Error(lines)
	}
	// What no setting asks for is named, at the start and when the file has changed.
	inVain := "principals:\n  sam: {roots: all, subject: s}\n  cora: {roots: all, certificate: CN=c}\n"
	writeFile(t, file, []byte(inVain))
	r.log.await(t, 1, "nobody is asked for it", "principals=cora,sam")
	r = launch(t, self, "http", "--root="+root, "--principals="+file, "--listen=127.0.0.1:0", "--oauth-issuer=https://id.example.com", "--oauth-resource=https://x.example.com/mcp")
	r.log.await(t, 1, "nobody is asked for it", "principals=cora")
	if lines := r.log.matching("sam"); lines != nil {
		t.Error(lines)
	}
}
