package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"gridflow/internal/principal"
)

// A Guard lets those requests through that prove whose they are. Its fields do not change once
// it is used; its methods may be called from any number of goroutines at once.
type Guard struct {
	Directory *Directory
	Issuer    *Issuer // of access tokens; nil: there is none
	// Metadata is the URL of the metadata of this resource, which says where access tokens
	// come from; "" where there is no issuer.
	Metadata string

	Log     *slog.Logger
	Refused func(reason, machine string) // told of each request that is refused; nil: nobody is

	failures  *failures
	strangers *Sparing // logs what they were refused
	seal      func(http.Handler) http.Handler
}

// NewGuard makes a guard over the principals of a directory.
func NewGuard(d *Directory, log *slog.Logger) *Guard {
	g := &Guard{Directory: d, Log: log, failures: newFailures(), strangers: NewSparing(log)}
	// The SDK keeps who makes a request where nobody else can put it, and binds sessions to it.
	// What is to be verified was verified before: see Admit.
	g.seal = auth.RequireBearerToken(func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		info, ok := ctx.Value(infoKey{}).(*auth.TokenInfo)
		if !ok {
			return nil, auth.ErrInvalidToken
		}
		return info, nil
	}, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})
	return g
}

type infoKey struct{}

// tokenMax bounds a token, in bytes. Access tokens with many claims have some thousand.
const tokenMax = 16 << 10

// A refusal is why a request is not let through.
type refusal struct {
	status int
	reason string // for metrics and log: one of Reasons
	code   string // error of RFC 6750, "" where nothing was tried
	text   string // for the caller
	scope  string // that is wanted, of insufficient_scope
	after  time.Duration
	counts bool // it was an attempt that failed
}

// The reasons of refusals, as metrics tell them apart.
const (
	reasonMissing     = "token_missing"     // nobody said who he is
	reasonMalformed   = "token_malformed"   // another scheme, several headers, no token's form
	reasonQuery       = "token_in_query"    // it may stand in logs by now
	reasonUnknown     = "token_unknown"     // nobody's
	reasonExpired     = "token_expired"     // it was somebody's
	reasonInvalid     = "token_invalid"     // an access token that is not signed as it should be, or not for this server
	reasonScope       = "token_scope"       // an access token without the right to read
	reasonNobody      = "token_nobody"      // a good access token of somebody who may do nothing here
	reasonUnavailable = "token_unavailable" // the issuer gives no answer
	reasonCertificate = "token_certificate" // token and certificate are of different principals
	reasonTooMany     = "token_failures"    // too many attempts of this machine
)

// Admit runs next for the principal that a request is of, as [principal.From] tells it, or
// answers it. machine is where the request comes from, as the server tells machines apart. The
// body is not touched; what proved the principal is taken out of the request. The context of the
// request ends when the token does, and when the principal is no more what it was.
func (g *Guard) Admit(w http.ResponseWriter, r *http.Request, machine string, next http.Handler) {
	p, until, refused := g.identify(r, machine)
	if refused != nil {
		g.refuse(w, r, machine, refused)
		return
	}
	ctx, cancel := context.WithCancel(principal.With(r.Context(), p))
	defer cancel()
	defer context.AfterFunc(p.Over, cancel)()
	if !until.IsZero() { // a stream may be open for long
		ctx, cancel = context.WithDeadline(ctx, until)
		defer cancel()
	}
	ctx = context.WithValue(ctx, infoKey{}, &auth.TokenInfo{UserID: p.Name, Expiration: until, Extra: map[string]any{extraKey: p}})
	r = r.WithContext(ctx)
	r.Header = r.Header.Clone()
	r.Header.Set("Authorization", "Bearer verified")
	g.seal(next).ServeHTTP(w, r)
}

// LacksScope reports whether what may only read would be let change something with an access
// token of more scopes.
func (g *Guard) LacksScope(p *principal.Principal) bool {
	return g.Issuer != nil && p != nil && p.ReadOnly && g.Directory.mayWrite(p)
}

// RefuseScope answers a request for which LacksScope is true, and which would change something.
func (g *Guard) RefuseScope(w http.ResponseWriter, r *http.Request, machine string) {
	g.refuse(w, r, machine, &refusal{
		status: http.StatusForbidden, reason: reasonScope, code: "insufficient_scope", text: "the access token has not the scope to change something",
		scope: strings.TrimSpace(g.Issuer.ReadScope + " " + g.Issuer.WriteScope),
	})
}

// extraKey is where the principal of a request is in its auth.TokenInfo.
const extraKey = "gridflow/principal"

// PrincipalOf gives the principal that Admit has found; nil: it has found none.
func PrincipalOf(info *auth.TokenInfo) *principal.Principal {
	if info == nil {
		return nil
	}
	p, _ := info.Extra[extraKey].(*principal.Principal)
	return p
}

// identify finds the principal of a request, and until when it is his; zero: there is no end.
func (g *Guard) identify(r *http.Request, machine string) (p *principal.Principal, until time.Time, refused *refusal) {
	token, refused := tokenOf(r)
	if refused != nil && refused.reason != reasonMissing {
		return nil, until, refused
	}
	holder, subject := g.holder(r)
	if refused != nil { // no token
		if holder != nil {
			return holder, until, nil
		}
		if subject != "" { // as the file must have it: there are several ways to write one
			refused.text = fmt.Sprintf("the certificate (%q) is nobody's here, and there is no token", subject)
		}
		return nil, until, refused
	}
	p, until, refused = g.byToken(r.Context(), token, machine)
	if refused != nil {
		return nil, until, refused
	}
	if holder != nil && holder.Name != p.Name {
		return nil, until, &refusal{status: http.StatusUnauthorized, reason: reasonCertificate, code: "invalid_token", text: "the token is not of whom the certificate is", counts: true}
	}
	return p, until, nil
}

// holder gives whose certificate a connection has shown, nil where it is nobody's, and its subject.
func (g *Guard) holder(r *http.Request) (p *principal.Principal, subject string) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 {
		return nil, ""
	}
	subject = r.TLS.VerifiedChains[0][0].Subject.String()
	return g.Directory.ByCertificate(subject), subject
}

// tokenOf takes the token out of a request, as RFC 6750 has it in a header.
func tokenOf(r *http.Request) (string, *refusal) {
	malformed := func(text string) (string, *refusal) {
		return "", &refusal{status: http.StatusBadRequest, reason: reasonMalformed, code: "invalid_request", text: text, counts: true}
	}
	if r.URL.Query().Has("access_token") {
		return "", &refusal{status: http.StatusBadRequest, reason: reasonQuery, code: "invalid_request", counts: true,
			text: "a token may not stand in the URL, which others keep; send it in the header Authorization, and have another one made"}
	}
	headers := r.Header.Values("Authorization")
	switch {
	case len(headers) == 0:
		return "", &refusal{status: http.StatusUnauthorized, reason: reasonMissing, text: "this server wants to know who calls: send Authorization: Bearer TOKEN"}
	case len(headers) > 1:
		return malformed("there is more than one header Authorization")
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "bearer") {
		return "", &refusal{status: http.StatusUnauthorized, reason: reasonMalformed, code: "invalid_request", text: "the scheme Bearer is wanted: Authorization: Bearer TOKEN", counts: true}
	}
	token = strings.TrimSpace(token)
	if token == "" || len(token) > tokenMax || strings.ContainsFunc(token, notOfToken) {
		return malformed("what follows Bearer is no token")
	}
	return token, nil
}

// notOfToken tells the characters that RFC 6750 does not allow in a token.
func notOfToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._~+/=", r))
}

// byToken finds whose a token is, and until when.
func (g *Guard) byToken(ctx context.Context, token, machine string) (*principal.Principal, time.Time, *refusal) {
	p, until := g.Directory.ByToken(token)
	switch {
	case p != nil && (until.IsZero() || time.Now().Before(until)):
		return p, until, nil
	case p != nil:
		return nil, until, &refusal{status: http.StatusUnauthorized, reason: reasonExpired, code: "invalid_token", text: "the token has expired", counts: true}
	case g.Issuer == nil || !g.Issuer.takes(token):
		return nil, until, &refusal{status: http.StatusUnauthorized, reason: reasonUnknown, code: "invalid_token", text: "the token is nobody's here", counts: true}
	}
	claims, refused := g.claims(ctx, token, machine)
	if refused != nil {
		return nil, until, refused
	}
	if p = g.Directory.BySubject(claims.Subject, claims.Write); p == nil {
		return nil, until, &refusal{status: http.StatusForbidden, reason: reasonNobody, text: "you may do nothing on this server", counts: true}
	}
	return p, claims.Until, nil
}

// refuse answers a request that is not let through.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, machine string, why *refusal) {
	if why.counts {
		if after, tooMany := g.failures.failed(machine); tooMany {
			why = tooManyFailures(after)
		}
	}
	if g.Refused != nil {
		g.Refused(why.reason, machine)
	}
	if why.reason == reasonMissing { // how a client finds out
		g.Log.Debug("request refused", "why", why.reason, "machine", machine)
	} else {
		g.strangers.Warn("request refused", "why", why.reason, "machine", machine)
	}
	h := w.Header()
	if why.status == http.StatusUnauthorized || why.status == http.StatusForbidden || why.code != "" {
		h.Set("WWW-Authenticate", g.challenge(why))
	}
	if why.after > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((why.after+time.Second-1)/time.Second), 10))
	}
	if r.ContentLength != 0 { // else the HTTP server would read the body, to use the connection again
		h.Set("Connection", "close")
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(why.status)
	io.WriteString(w, why.text+"\n")
}

func tooManyFailures(after time.Duration) *refusal {
	return &refusal{status: http.StatusTooManyRequests, reason: reasonTooMany, text: "too many requests of your machine had no good token", after: after}
}

// challenge gives WWW-Authenticate as RFC 6750, RFC 9728 and the MCP specification have it.
func (g *Guard) challenge(why *refusal) string {
	params := []string{`realm="gridflow"`}
	add := func(name, value string) {
		if value != "" {
			params = append(params, fmt.Sprintf("%s=%q", name, value))
		}
	}
	add("error", why.code)
	if why.code != "" {
		add("error_description", why.text)
	}
	scope := why.scope
	if scope == "" && g.Issuer != nil {
		scope = g.Issuer.ReadScope
	}
	add("scope", scope)
	add("resource_metadata", g.Metadata)
	return "Bearer " + strings.Join(params, ", ")
}

// claims gives what an access token of the issuer says.
func (g *Guard) claims(ctx context.Context, token, machine string) (Claims, *refusal) {
	// To verify a signature takes a processor a tenth of a millisecond or two. Who has failed too often does not get
	// that, but for tokens that were good before.
	var blocked *refusal
	if after, tooMany := g.failures.blocked(machine); tooMany {
		blocked = tooManyFailures(after)
	}
	c, err := g.Issuer.Verify(ctx, token, blocked == nil)
	var unavailable *UnavailableError
	switch {
	case errors.Is(err, errNotVerified):
		return c, blocked
	case errors.As(err, &unavailable):
		return c, &refusal{status: http.StatusServiceUnavailable, reason: reasonUnavailable, text: "access tokens cannot be verified now: their issuer gives no answer", after: max(unavailable.RetryAfter, time.Second)}
	case ctx.Err() != nil: // nobody waits for the answer
		return c, &refusal{status: http.StatusServiceUnavailable, reason: reasonUnavailable, text: "the request was given up"}
	case errors.Is(err, errExpired):
		return c, &refusal{status: http.StatusUnauthorized, reason: reasonExpired, code: "invalid_token", text: "the token has expired", counts: true}
	case err != nil:
		g.Log.Debug("an access token is refused", "error", err)
		return c, &refusal{status: http.StatusUnauthorized, reason: reasonInvalid, code: "invalid_token", text: "the access token is not good for this server", counts: true}
	case !c.Read:
		return c, &refusal{status: http.StatusForbidden, reason: reasonScope, code: "insufficient_scope", text: "the access token has not the scope to read", scope: g.Issuer.ReadScope, counts: true}
	}
	return c, nil
}
