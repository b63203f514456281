package access

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"go.yaml.in/yaml/v3"

	"gridflow/flow/breaker"
	"gridflow/internal/crew"
	"gridflow/internal/lock"
)

const (
	// activeFor is how long the answer that a token is good is taken for true: a token that is
	// taken back at the authorization server is refused here after that at the latest.
	activeFor = time.Minute
	// inactiveFor is the same of the answer that it is not.
	inactiveFor = 10 * time.Second
	// knownFor is how long a token that was good is remembered to have been.
	knownFor = time.Hour
	// streamsFor is how long a stream may be open whose token does not say until when it is good.
	streamsFor = time.Hour
	// askingMax bounds the tokens that are asked about at the same time, waitingMax those
	// of which that is so or will be.
	askingMax, waitingMax = 8, 256
	// answersMax bounds the answers that are kept.
	answersMax = 4096
)

var (
	errInactive = errors.New("the authorization server says that the token is not good")
	errTooMany  = errors.New("too many tokens are being asked about")
)

// An introspection asks the authorization server about tokens (RFC 7662): one request for each token at a
// time, for all who wait, and what it has answered is kept for a while. Where it gives no answer no
// token is good. Its methods may be called from any number of goroutines at once.
type introspection struct {
	url     string
	secrets string // the path of the file with our credentials
	client  *http.Client
	log     *slog.Logger
	// strangers logs what tokens bring about that nobody knows.
	strangers *Sparing
	breaker   *breaker.Breaker
	judge     func(answer []byte, now time.Time) (Claims, error)

	life   context.Context // of asking
	end    context.CancelFunc
	done   sync.WaitGroup
	places chan struct{} // one for each request

	mu      lock.Mutex[lock.AccessIntrospection]
	answers map[tokenHash]*answer
	under   map[tokenHash]*asking
}

type tokenHash = [sha256.Size]byte

// An answer is what was said of a token.
type answer struct {
	claims Claims
	err    error     // why it is not good
	fresh  time.Time // it is taken for true until then
	known  time.Time // that the token was good is remembered until then
}

// asking is one token that is being asked about.
type asking struct {
	over   chan struct{} // closed when it is
	claims Claims
	err    error
}

func newIntrospection(o *IssuerOptions, judge func([]byte, time.Time) (Claims, error)) (*introspection, error) {
	if err := safeURL(o.IntrospectionURL); err != nil {
		return nil, err
	}
	i := &introspection{
		url: o.IntrospectionURL, secrets: o.CredentialsFile, client: issuerClient(o.Client), log: o.Log, strangers: NewSparing(o.Log), judge: judge,
		places: make(chan struct{}, askingMax), answers: make(map[tokenHash]*answer), under: make(map[tokenHash]*asking),
	}
	if _, err := i.credentials(); err != nil {
		return nil, err
	}
	var err error
	if i.breaker, err = issuerBreaker("oauth introspection", "asking the authorization server about access tokens", o.Log); err != nil {
		return nil, err
	}
	i.life, i.end = context.WithCancel(context.Background())
	return i, nil
}

func (i *introspection) close() {
	i.end()
	i.done.Wait()
}

// verify gives what the authorization server says of a token. With fresh false it is asked only about one that was good
// before.
func (i *introspection) verify(ctx context.Context, token string, fresh bool) (Claims, error) {
	a, c, err := i.begin(token, fresh)
	if a == nil {
		return c, err
	}
	select {
	case <-a.over:
		return a.claims, a.err
	case <-ctx.Done():
		return Claims{}, context.Cause(ctx)
	}
}

// begin looks for an answer; where there is none it begins to ask, or joins who does.
func (i *introspection) begin(token string, fresh bool) (*asking, Claims, error) {
	name, now := sha256.Sum256([]byte(token)), time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	found := i.answers[name]
	if found != nil && now.Before(found.fresh) {
		return nil, found.claims, found.err
	}
	if a := i.under[name]; a != nil {
		return a, Claims{}, nil
	}
	if !fresh && (found == nil || !now.Before(found.known)) {
		return nil, Claims{}, errNotVerified
	}
	if len(i.under) >= waitingMax {
		return nil, Claims{}, &UnavailableError{time.Second, errTooMany}
	}
	a := &asking{over: make(chan struct{})}
	i.under[name] = a
	i.done.Go(func() {
		defer close(a.over)
		a.err = crew.Call(func() (err error) { a.claims, err = i.ask(token); return err })
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.under, name)
		i.keep(name, a)
	})
	return a, Claims{}, nil
}

// keep keeps what was answered. i.mu is held.
func (i *introspection) keep(name tokenHash, a *asking) {
	now := time.Now()
	next := &answer{claims: a.claims, err: a.err, fresh: now.Add(inactiveFor)}
	switch unavailable := new(UnavailableError); {
	case errors.As(a.err, &unavailable): // it was not answered; that it was good once stays so
		return
	case a.err == nil:
		next.fresh, next.known = now.Add(activeFor), now.Add(knownFor)
		if a.claims.Until.Before(next.fresh) {
			next.fresh = a.claims.Until
		}
	}
	if len(i.answers) >= answersMax {
		for other, found := range i.answers {
			if !now.Before(found.fresh) && !now.Before(found.known) {
				delete(i.answers, other)
			}
		}
		for other := range i.answers { // any of them makes room
			if len(i.answers) < answersMax {
				break
			}
			delete(i.answers, other)
		}
	}
	i.answers[name] = next
}

// ask asks about a token, and waits for a place to do so; fetchTime for both.
func (i *introspection) ask(token string) (c Claims, err error) {
	ctx, cancel := context.WithTimeout(i.life, fetchTime)
	defer cancel()
	select {
	case i.places <- struct{}{}:
		defer func() { <-i.places }()
	case <-ctx.Done():
		return c, &UnavailableError{time.Second, errTooMany}
	}
	var said json.RawMessage
	var refused *statusError // for what the token is like
	if err = i.breaker.Run(ctx, "", func(ctx context.Context) (err error) {
		said, err = i.post(ctx, token)
		if status := new(statusError); errors.As(err, &status) && aboutToken[status.code] {
			refused = status
			return nil
		}
		return err
	}); err != nil {
		wait := time.Second
		if open := new(breaker.OpenError); errors.As(err, &open) {
			wait = max(open.RetryAfter, wait)
		} else if i.life.Err() == nil {
			i.log.Warn("the authorization server does not say whether an access token is good", "error", err.Error())
		}
		return c, &UnavailableError{wait, err}
	}
	if refused != nil {
		i.strangers.Warn("the authorization server does not take a request about an access token", "error", refused.Error())
		return c, errInactive
	}
	return i.judge(said, time.Now())
}

// aboutToken are the statuses of answers to what is not understood, or too long. What is not known of a request
// is the token, which anybody can make up: it is not good, and no reason not to ask about others.
var aboutToken = map[int]bool{http.StatusBadRequest: true, http.StatusRequestEntityTooLarge: true}

// post sends a token to the authorization server, and nowhere else.
func (i *introspection) post(ctx context.Context, token string) (said json.RawMessage, err error) {
	us, err := i.credentials()
	if err != nil {
		return nil, err
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(us.ID), url.QueryEscape(us.Secret)) // as RFC 6749, section 2.3.1, has it
	err = readJSON(i.client, req, &said)
	return said, err
}

// credentials are by which the authorization server knows us.
type credentials struct {
	ID     string `yaml:"client_id"`
	Secret string `yaml:"client_secret"`
}

// credentials reads them: they may be replaced while the server runs. No error has what is in the file.
func (i *introspection) credentials() (c credentials, err error) {
	text, err := os.ReadFile(i.secrets)
	if err != nil {
		return c, err
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if dec.Decode(&c) != nil || c.ID == "" || c.Secret == "" {
		return c, fmt.Errorf("%s: wanted are two lines, client_id: … and client_secret: …, and nothing else", i.secrets)
	}
	return c, nil
}

// judgeAnswer gives what an answer of the authorization server says of a token: it must be active, for this server,
// and of somebody. Of the issuer, the time and the type it need not say anything.
func (i *Issuer) judgeAnswer(said []byte, now time.Time) (c Claims, err error) {
	var state struct {
		Active bool   `json:"active"`
		Type   string `json:"token_type"`
	}
	var claims jwt.Claims
	var scopes scopeClaims
	for _, into := range []any{&state, &claims, &scopes} {
		if err := json.Unmarshal(said, into); err != nil {
			return c, fmt.Errorf("what the authorization server says cannot be read: %w", err)
		}
	}
	if !state.Active {
		return c, errInactive
	}
	if !strings.EqualFold(cmp.Or(state.Type, "bearer"), "bearer") {
		return c, fmt.Errorf("the token is of the type %q, which who has it must prove to be his", state.Type)
	}
	claims.Issuer = cmp.Or(claims.Issuer, i.Issuer) // it is who has answered
	if claims.Expiry == nil {
		claims.Expiry = jwt.NewNumericDate(now.Add(streamsFor))
	}
	if err := i.holds(claims, now); err != nil {
		return c, err
	}
	return i.claimsOf(claims, scopes), nil
}
