package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"gridflow/flow/breaker"
	"gridflow/internal/crew"
	"gridflow/internal/lock"
)

const (
	// fetchTime is how long it may take to fetch the keys, metadata included.
	fetchTime = 5 * time.Second
	// documentMax bounds what an issuer may answer, in bytes; keysMax how many keys are taken.
	documentMax = 1 << 20
	keysMax     = 200
	// freshFor is how long keys are used before they are fetched again, behind the calls.
	freshFor = 10 * time.Minute
	// staleFor is how long they are used where that fails.
	staleFor = 24 * time.Hour
	// A key that is not there has the keys fetched again, but not more often than this: a
	// flood of tokens that name keys which nobody has must not become one of requests to the
	// issuer. Who signs with a new key before it is told is refused for so long at most.
	unknownEvery = 30 * time.Second
	// noneEvery is the same where there are no keys at all.
	noneEvery = 2 * time.Second
)

// UnavailableError says that the issuer cannot be asked now: for its keys, or about a token.
type UnavailableError struct {
	RetryAfter time.Duration
	cause      error
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("the issuer gives no answer: %v", e.cause)
}

// Unwrap gives why.
func (e *UnavailableError) Unwrap() error { return e.cause }

var errUnknownKey = errors.New("the issuer has no such key")

// keys are those of the issuer, fetched when they are wanted: by one request at a time, for all
// who wait.
type keys struct {
	issuer  string
	url     string // "": the metadata say
	client  *http.Client
	log     *slog.Logger
	breaker *breaker.Breaker

	life context.Context // of fetching
	end  context.CancelFunc
	done sync.WaitGroup

	mu      lock.Mutex[lock.AccessKeys]
	set     []jose.JSONWebKey
	sets    uint64        // how many different ones there were
	fetched time.Time     // when set was
	tried   time.Time     // when it was last tried
	err     error         // of the last try
	under   chan struct{} // closed when the fetch under way is over; nil: there is none
}

func newKeys(o *IssuerOptions) (*keys, error) {
	k := &keys{issuer: o.Issuer, url: o.KeysURL, client: o.Client, log: o.Log}
	for _, u := range []string{o.Issuer, o.KeysURL} {
		if u != "" {
			if err := safeURL(u); err != nil {
				return nil, err
			}
		}
	}
	k.client = issuerClient(o.Client)
	var err error
	if k.breaker, err = issuerBreaker("oauth keys", "the keys of the issuer of access tokens", o.Log); err != nil {
		return nil, err
	}
	k.life, k.end = context.WithCancel(context.Background())
	return k, nil
}

// issuerClient gives a client for requests to an issuer.
func issuerClient(c *http.Client) *http.Client {
	if c == nil {
		c = &http.Client{Timeout: fetchTime}
	}
	client := *c
	// Who can answer for the issuer could send us anywhere else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("the issuer redirects") }
	return &client
}

// issuerBreaker gives one that keeps requests away from an issuer which gives no answer.
func issuerBreaker(name, what string, log *slog.Logger) (*breaker.Breaker, error) {
	conf := breaker.Default()
	conf.Failures, conf.OpenFor, conf.Successes, conf.Poison = 3, 30*time.Second, 1, 0
	conf.Classify = func(error) breaker.Verdict { return breaker.Failure }
	conf.On.Changed = func(_ string, from, to breaker.State) {
		log.Warn(what, "breaker", to.String(), "was", from.String())
	}
	return breaker.New(name, conf)
}

func (k *keys) close() {
	k.end()
	k.done.Wait()
}

// safeURL refuses addresses at which somebody on the way could answer for the issuer.
func safeURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
		return fmt.Errorf("%q is no URL of an issuer or of its keys", text)
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%q: https is wanted, or http on this machine", text)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// generation tells sets of keys apart: what was verified by the keys of another may have been
// signed with one that was withdrawn since.
func (k *keys) generation() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.age(time.Now())
	return k.sets
}

// age has keys fetched again that are no longer fresh, and forgets those that are too old. k.mu
// is held.
func (k *keys) age(now time.Time) {
	switch old := now.Sub(k.fetched); {
	case k.set == nil:
	case old > staleFor:
		k.set = nil
		k.sets++
	case old > freshFor && now.Sub(k.tried) > unknownEvery:
		k.fetch(now) // nobody waits for it
	}
}

// find gives the key of that id for an algorithm, and the generation that it is of. A token
// that names no key is of the only one that there is.
func (k *keys) find(ctx context.Context, id, algorithm string) (*jose.JSONWebKey, uint64, error) {
	for again := false; ; again = true {
		key, generation, wait, err := k.look(id, algorithm, again)
		if wait == nil {
			return key, generation, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}

// look is find among the keys that there are. With wait it is worth looking again once that is
// closed.
func (k *keys) look(id, algorithm string, again bool) (key *jose.JSONWebKey, generation uint64, wait <-chan struct{}, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.age(now)
	if key = pick(k.set, id, algorithm); key != nil {
		return key, k.sets, nil, nil
	}
	if k.under != nil {
		return nil, 0, k.under, nil
	}
	pause := unknownEvery
	if k.set == nil { // the breaker knows when to stop
		pause = noneEvery
	}
	if !again && (k.tried.IsZero() || now.Sub(k.tried) > pause) {
		return nil, 0, k.fetch(now), nil
	}
	if k.set == nil {
		cause := k.err
		if cause == nil {
			cause = errors.New("they are too old")
		}
		return nil, 0, nil, &UnavailableError{max(k.tried.Add(pause).Sub(now), 0), cause}
	}
	return nil, 0, nil, errUnknownKey
}

// pick chooses a key for a token.
func pick(set []jose.JSONWebKey, id, algorithm string) *jose.JSONWebKey {
	var found *jose.JSONWebKey
	for i := range set {
		key := &set[i]
		if key.Algorithm != "" && key.Algorithm != algorithm || id != "" && key.KeyID != id {
			continue
		}
		if found != nil {
			return nil // it is unclear which one is meant
		}
		found = key
	}
	return found
}

// fetch begins to fetch the keys, unless it is under way. k.mu is held.
func (k *keys) fetch(now time.Time) <-chan struct{} {
	if k.under != nil {
		return k.under
	}
	over := make(chan struct{})
	k.under, k.tried = over, now
	k.done.Go(func() {
		ctx, cancel := context.WithTimeout(k.life, fetchTime)
		defer cancel()
		var set []jose.JSONWebKey
		err := k.breaker.Run(ctx, "", func(ctx context.Context) (err error) {
			return crew.Call(func() (err error) { set, err = k.get(ctx); return err })
		})
		k.mu.Lock()
		defer k.mu.Unlock()
		k.under, k.err = nil, err
		if err == nil {
			if !same(k.set, set) {
				k.sets++
			}
			k.set, k.fetched = set, time.Now()
		} else if k.life.Err() == nil {
			k.log.Warn("the keys of the issuer of access tokens cannot be had", "error", err.Error(), "keys", len(k.set))
		}
		close(over)
	})
	return over
}

// same tells whether two sets have the same keys in the same order.
func same(a, b []jose.JSONWebKey) bool {
	x, err := json.Marshal(a)
	y, yerr := json.Marshal(b)
	return err == nil && yerr == nil && string(x) == string(y)
}

// get fetches the keys.
func (k *keys) get(ctx context.Context) ([]jose.JSONWebKey, error) {
	address := k.url
	if address == "" {
		var err error
		if address, err = k.discover(ctx); err != nil {
			return nil, err
		}
	}
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := k.read(ctx, address, &doc); err != nil {
		return nil, err
	}
	var set []jose.JSONWebKey
	for _, raw := range doc.Keys[:min(len(doc.Keys), keysMax)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && usable(&key) { // a set may have kinds of keys that nobody knows here
			set = append(set, key)
		}
	}
	if set == nil {
		return nil, fmt.Errorf("%s has no key that can be used", address)
	}
	return set, nil
}

// discover finds where the keys are in the metadata of the issuer: as RFC 8414 has them, or
// OpenID Connect.
func (k *keys) discover(ctx context.Context) (string, error) {
	u, err := url.Parse(k.issuer)
	if err != nil {
		return "", err
	}
	path := strings.TrimSuffix(u.Path, "/")
	var failed error
	for _, p := range []string{"/.well-known/oauth-authorization-server" + path, path + "/.well-known/openid-configuration"} {
		u.Path = p
		var doc struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		if err := k.read(ctx, u.String(), &doc); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if doc.Issuer != k.issuer {
			return "", fmt.Errorf("%s is of the issuer %q, not of %q", u, doc.Issuer, k.issuer)
		}
		return doc.Keys, safeURL(doc.Keys)
	}
	return "", failed
}

// read fetches a JSON document.
func (k *keys) read(ctx context.Context, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return readJSON(k.client, req, into)
}

// readJSON makes a request for a JSON document.
func readJSON(client *http.Client, req *http.Request, into any) error {
	address := req.URL.String()
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &statusError{address, res.StatusCode, res.Status}
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, documentMax+1))
	if err != nil {
		return err
	}
	if len(data) > documentMax {
		return fmt.Errorf("%s answers more than %d bytes", address, documentMax)
	}
	return json.Unmarshal(data, into)
}

// A statusError is an answer other than 200.
type statusError struct {
	address string
	code    int
	status  string
}

func (e *statusError) Error() string { return e.address + " answers " + e.status }
