package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const ourCredentials = "client_id: grid:flow\nclient_secret: \"s e+cret\"\n"

// asks is an issuer whose tokens are asked about through a client.
func asks(t *testing.T, url string, client *http.Client, log io.Writer) (i *Issuer, file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "client.yaml")
	if err := os.WriteFile(file, []byte(ourCredentials), 0o600); err != nil {
		t.Fatal(err)
	}
	i, err := NewIssuer(IssuerOptions{
		Issuer: idpURL, Audience: []string{resource}, ReadScope: "gridflow:read", WriteScope: "gridflow:write",
		IntrospectionURL: url, CredentialsFile: file, Client: client, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.Close)
	return i, file
}

// TestIntrospection: over a real connection, what the authorization server says of a token is
// what holds, where it says all that has to be said; it is told who asks, and which token.
func TestIntrospection(t *testing.T) {
	hour := time.Now().Add(time.Hour).Unix()
	active := func(more string) string {
		return fmt.Sprintf(`{"active":true,"sub":"u1","aud":[%q],"scope":"gridflow:read","exp":%d%s}`, resource, hour, more)
	}
	answers := map[string]string{
		"reads":       active(``),
		"writes":      strings.Replace(active(``), "gridflow:read", "openid gridflow:write", 1),
		"no-end":      fmt.Sprintf(`{"active":true,"sub":"u1","aud":%q,"scope":"gridflow:read"}`, resource),
		"bearer":      active(`,"token_type":"Bearer","iss":"` + idpURL + `"`),
		"inactive":    `{"active":false}`,
		"nothing":     `{}`,
		"over":        strings.Replace(active(``), fmt.Sprint(hour), fmt.Sprint(time.Now().Add(-time.Hour).Unix()), 1),
		"not-yet":     active(fmt.Sprintf(`,"nbf":%d`, hour)),
		"not-for-us":  strings.Replace(active(``), resource, "https://other.example.com", 1),
		"for-nobody":  `{"active":true,"sub":"u1","scope":"gridflow:read"}`,
		"of-nobody":   strings.Replace(active(``), "u1", "", 1),
		"of-another":  active(`,"iss":"https://evil.example.com"`),
		"to-be-shown": active(`,"token_type":"DPoP"`),
		"odd":         `{"active":"true","sub":"u1"}`,
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, ok := r.BasicAuth()
		if !ok || id != "grid%3Aflow" || secret != "s+e%2Bcret" || r.Method != http.MethodPost || r.URL.RawQuery != "" || r.PostFormValue("token_type_hint") != "access_token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch token := r.PostFormValue("token"); token {
		case "moved":
			if r.URL.Path == "/elsewhere" { // who comes here is not to be believed
				io.WriteString(w, answers["reads"])
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case "long":
			fmt.Fprintf(w, `{"active":false,"x":%q}`, strings.Repeat("x", documentMax))
		case "page":
			io.WriteString(w, "<html>")
		default:
			io.WriteString(w, answers[token])
		}
	}))
	t.Cleanup(srv.Close)
	for token, want := range map[string]string{
		"reads": "u1 true false", "writes": "u1 true true", "no-end": "u1 true false", "bearer": "u1 true false",
		"inactive": "", "nothing": "", "over": "", "not-yet": "", "not-for-us": "", "for-nobody": "", "of-nobody": "", "of-another": "", "to-be-shown": "", "odd": "",
		"moved": "unavailable", "long": "unavailable", "page": "unavailable",
	} {
		var log bytes.Buffer
		i, _ := asks(t, srv.URL+"/introspect", nil, &log) // of its own, for the breaker
		c, err := i.Verify(t.Context(), token, true)
		got := ""
		if unavailable := new(UnavailableError); errors.As(err, &unavailable) {
			got = "unavailable"
		} else if err == nil {
			got = fmt.Sprint(c.Subject, " ", c.Read, " ", c.Write)
			if c.Until.Before(time.Now()) || c.Until.After(time.Now().Add(2*time.Hour)) {
				t.Errorf("%s: it is good until %v", token, c.Until)
			}
		}
		if got != want {
			t.Errorf("%s: %q (%v), want %q", token, got, err, want)
		}
		if strings.Contains(log.String(), "cret") {
			t.Errorf("%s: the log has a secret: %s", token, &log)
		}
	}
}

// saying answers requests without a network.
type saying func(r *http.Request, token string) (string, error)

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	_, token, _ := strings.Cut(string(body), "token=")
	token, _, _ = strings.Cut(token, "&")
	text, err := s(r, token)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(text))}, nil
}

// TestIntrospectionIsKept: an answer is kept for a minute, that a token is not good for ten seconds; many who bring one token
// at once are one request; a token that is taken back is refused after the minute; and one that was good may be asked about
// again by a machine that may try no new ones.
func TestIntrospectionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		var revoked atomic.Bool
		i, _ := asks(t, idpURL, &http.Client{Transport: saying(func(_ *http.Request, token string) (string, error) {
			requests.Add(1)
			time.Sleep(time.Second)
			c := good()
			c["active"], c["exp"] = token != "bad" && !revoked.Load(), time.Now().Add(10*time.Minute).Unix()
			text, err := json.Marshal(c)
			return string(text), err
		})}, io.Discard)
		check := func(what, token string, fresh bool, asked int64, want error) {
			t.Helper()
			before := requests.Load()
			if _, err := i.Verify(t.Context(), token, fresh); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
			if n := requests.Load() - before; n != asked {
				t.Errorf("%s: %d requests, want %d", what, n, asked)
			}
		}
		var wg sync.WaitGroup
		for n := range 100 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if n == 0 {
					time.AfterFunc(time.Second/2, cancel) // who leaves takes nothing from the others
				}
				if _, err := i.Verify(ctx, "good", true); (err != nil) != (n == 0) {
					t.Errorf("%d: %v", n, err)
				}
			})
		}
		wg.Wait()
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests for 100 who bring one token", n)
		}
		check("kept", "good", false, 0, nil)
		if ours, _ := NewToken(); i.takes(ours) || !i.takes("opaque") {
			t.Error("tokens of our own would be told to the authorization server, or others not")
		}
		check("no new one", "unseen", false, 0, errNotVerified)
		check("bad", "bad", true, 1, errInactive)
		check("bad, kept", "bad", true, 0, errInactive)
		time.Sleep(inactiveFor)
		check("bad, again", "bad", true, 1, errInactive)
		time.Sleep(inactiveFor)
		check("a bad one is no one that was good", "bad", false, 0, errNotVerified)
		revoked.Store(true)
		check("taken back, within the minute", "good", true, 0, nil)
		time.Sleep(activeFor)
		check("taken back", "good", false, 1, errInactive)
		revoked.Store(false)
		time.Sleep(inactiveFor)
		check("one that was taken back is a new one", "good", false, 0, errNotVerified)
		// A token that is over is not taken for good by what was answered before.
		check("good again", "good", true, 1, nil)
		i.asked.mu.Lock()
		if n := len(i.asked.answers); n != 2 {
			t.Errorf("%d answers are kept", n)
		}
		i.asked.mu.Unlock()
		// What is kept has a bound.
		for n := range 2 * answersMax {
			i.asked.mu.Lock()
			i.asked.keep(tokenHash{byte(n), byte(n >> 8)}, &asking{err: errInactive})
			if len(i.asked.answers) > answersMax {
				t.Fatalf("%d answers are kept", len(i.asked.answers))
			}
			i.asked.mu.Unlock()
		}
	})
}

// TestTokensThatWaitAreBounded: so many tokens and no more are asked about or wait for that. Who brings another one is told so at once,
// who brings one of them waits with the others, and who is known is let in.
func TestTokensThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := make(chan struct{})
		i, _ := asks(t, idpURL, &http.Client{Transport: saying(func(_ *http.Request, token string) (string, error) {
			if token != "known" {
				<-slow
			}
			c := good()
			c["active"], c["exp"] = true, time.Now().Add(10*time.Minute).Unix()
			text, err := json.Marshal(c)
			return string(text), err
		})}, io.Discard)
		if _, err := i.Verify(t.Context(), "known", true); err != nil {
			t.Fatal(err)
		}
		bring := func(token string) {
			go func() {
				if _, err := i.Verify(t.Context(), token, true); err != nil {
					t.Errorf("%s: %v", token, err)
				}
			}()
		}
		for n := range waitingMax {
			bring(fmt.Sprint("stranger-", n))
		}
		synctest.Wait()
		start := time.Now()
		for n := range 3 {
			_, err := i.Verify(t.Context(), fmt.Sprint("one-more-", n), true)
			if unavailable := new(UnavailableError); !errors.As(err, &unavailable) || !errors.Is(err, errTooMany) || unavailable.RetryAfter < time.Second {
				t.Errorf("one more than may wait: %v", err)
			}
		}
		bring(fmt.Sprint("stranger-", waitingMax-1))
		synctest.Wait()
		if _, err := i.Verify(t.Context(), "known", true); err != nil {
			t.Errorf("who is known: %v", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("they waited for %v", waited)
		}
		close(slow)
		synctest.Wait()
		if _, err := i.Verify(t.Context(), "one-more-0", true); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}

// TestIntrospectionHangs: a real authorization server that takes connections and never answers. Nobody is let in by a token that it has
// not vouched for, nobody waits longer than fetchTime, who is known is not asked about, no more than askingMax requests are
// open, and after three failures nobody waits at all.
func TestIntrospectionHangs(t *testing.T) {
	var open, most atomic.Int64
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("token") == "known" {
			text, _ := json.Marshal(good().with("active", true))
			w.Write(text)
			return
		}
		n := open.Add(1)
		defer open.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(hang); srv.Close() })
	var log bytes.Buffer
	i, _ := asks(t, srv.URL, &http.Client{}, &log)
	if _, err := i.Verify(t.Context(), "known", true); err != nil {
		t.Fatal(err)
	}
	i.asked.client.Timeout = 200 * time.Millisecond // in place of fetchTime
	var wg sync.WaitGroup
	for n := range 2 * waitingMax {
		wg.Go(func() {
			_, err := i.Verify(t.Context(), fmt.Sprint("secret-", n), true)
			if unavailable := new(UnavailableError); !errors.As(err, &unavailable) || unavailable.RetryAfter < time.Second {
				t.Errorf("%d: %v", n, err)
			}
		})
	}
	wg.Wait()
	if _, err := i.Verify(t.Context(), "known", true); err != nil {
		t.Errorf("who was known: %v", err)
	}
	if got := most.Load(); got == 0 || got > askingMax {
		t.Errorf("%d requests at once, want %d at most", got, askingMax)
	}
	if s := i.Breaker(); s.State.String() != "open" {
		t.Errorf("the breaker is %v", s.State)
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the log has tokens: %s", &log)
	}
}

// TestIntrospectionOfWhatIsNoToken: an authorization server may not take a request because of the token in it. Whoever
// sends such ones, as often as he likes, is refused, and keeps nobody else from being asked about.
func TestIntrospectionOfWhatIsNoToken(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch token := r.PostFormValue("token"); {
		case strings.HasPrefix(token, "odd"):
			w.WriteHeader(http.StatusBadRequest)
		case strings.HasPrefix(token, "long"):
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		default:
			text, _ := json.Marshal(good().with("active", true))
			w.Write(text)
		}
	}))
	t.Cleanup(srv.Close)
	var log bytes.Buffer
	i, _ := asks(t, srv.URL, &http.Client{}, &log)
	for n := range 100 {
		for _, token := range []string{"odd", "long"} {
			if _, err := i.Verify(t.Context(), fmt.Sprint(token, "-secret-", n), true); !errors.Is(err, errInactive) {
				t.Fatalf("%s %d: %v", token, n, err)
			}
		}
	}
	if _, err := i.Verify(t.Context(), "somebody's", true); err != nil {
		t.Errorf("beside them: %v", err)
	}
	if n := strings.Count(log.String(), "\n"); n != SparingBurst || strings.Contains(log.String(), "secret") {
		t.Errorf("%d lines in the log: %s", n, &log)
	}
}

// TestIntrospectionCredentials: what we are known by is read when it is wanted, so that it may be replaced; where it is wrong
// the program does not start, and no error has what is in the file.
func TestIntrospectionCredentials(t *testing.T) {
	var by atomic.Value
	i, file := asks(t, idpURL, &http.Client{Transport: saying(func(r *http.Request, _ string) (string, error) {
		id, _, _ := r.BasicAuth()
		by.Store(id)
		return `{"active":false}`, nil
	})}, io.Discard)
	if err := os.WriteFile(file, []byte("client_id: other\nclient_secret: new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Verify(t.Context(), "a", true); !errors.Is(err, errInactive) || by.Load() != "other" {
		t.Errorf("%v, asked by %v", err, by.Load())
	}
	for _, text := range []string{"", "secret", "client_id: secret", "client_id: a\nclient_secret: secret\nmore: x\n", "client_secret: [secret]\nclient_id: a\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := i.IssuerOptions
		if _, err := NewIssuer(o); err == nil || strings.Contains(strings.ReplaceAll(err.Error(), "client_secret", ""), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
	o := i.IssuerOptions
	o.IntrospectionURL = "http://id.example.com/introspect"
	if _, err := NewIssuer(o); err == nil {
		t.Error("tokens would be sent in plain")
	}
}
