package access

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"gridflow/flow/breaker"
	"gridflow/internal/lock"
)

// IssuerOptions say whose access tokens are good, and for what.
type IssuerOptions struct {
	Issuer   string   // the URL of the authorization server, as tokens name it in iss
	Audience []string // of which a token must name one in aud
	KeysURL  string   // of its keys; "": its metadata say where they are
	// IntrospectionURL is where the authorization server says whether a token is good (RFC 7662); with it no
	// token is verified by its signature. "": all are.
	IntrospectionURL string
	CredentialsFile  string // that has by which it knows us; wanted with IntrospectionURL
	ReadScope        string // that a token needs to read; "": it needs none
	// WriteScope is what it needs to change something; "": it needs none. It is enough to read.
	WriteScope string

	Client *http.Client // nil: one with the bounds that are told at fetchTime
	Log    *slog.Logger
}

// An Issuer verifies the access tokens of one authorization server (RFC 9068). Its methods may
// be called from any number of goroutines at once.
type Issuer struct {
	IssuerOptions
	keys      *keys          // nil with asked
	asked     *introspection // nil: tokens are verified by their signatures
	verified  verified
	verifying chan struct{} // a place for each signature that is being verified
}

// Claims are what a verified token says.
type Claims struct {
	Subject     string
	Read, Write bool
	Until       time.Time // it is good until then, the difference of clocks included
}

const (
	// clockSkew is by how much the issuer's clock may differ from this one.
	clockSkew = time.Minute
	// rsaMin is the length that RSA keys need to have, in bits.
	rsaMin = 2048
)

// algorithms are those of which only the issuer can make a signature. What is signed with a
// shared secret, or not at all, is refused whatever the keys are.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

var (
	errExpired     = errors.New("the token has expired")
	errNotVerified = errors.New("the token was not verified")
)

// NewIssuer makes one. Close ends it.
func NewIssuer(o IssuerOptions) (*Issuer, error) {
	i := &Issuer{IssuerOptions: o, verifying: make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))}
	var err error
	if o.IntrospectionURL != "" {
		i.asked, err = newIntrospection(&o, i.judgeAnswer)
	} else {
		i.keys, err = newKeys(&o)
	}
	if err != nil {
		return nil, err
	}
	return i, nil
}

// Close ends what goes on behind it.
func (i *Issuer) Close() {
	if i.asked != nil {
		i.asked.close()
		return
	}
	i.keys.close()
}

// Breaker tells how the issuer does.
func (i *Issuer) Breaker() breaker.Stats {
	if i.asked != nil {
		return i.asked.breaker.Stats()
	}
	return i.keys.breaker.Stats()
}

// takes tells whether a token may be one of the issuer's: those that are verified by a signature are JWTs. One that was
// made for the file of principals, and is not in it, is told to nobody.
func (i *Issuer) takes(token string) bool {
	if i.asked != nil {
		return !strings.HasPrefix(token, tokenPrefix)
	}
	return strings.Count(token, ".") == 2
}

// Verify gives what a token says if it is the issuer's, for this server, and good now. With
// fresh false it does so only for a token that it has verified before, and fails with
// errNotVerified for others. An *UnavailableError says that the issuer's keys cannot be had, or that it does not answer.
func (i *Issuer) Verify(ctx context.Context, token string, fresh bool) (Claims, error) {
	if i.asked != nil {
		return i.asked.verify(ctx, token, fresh)
	}
	name := sha256.Sum256([]byte(token))
	now := time.Now()
	if c, ok := i.verified.get(name, now, i.keys.generation()); ok {
		return c, nil
	}
	if !fresh {
		return Claims{}, errNotVerified
	}
	select {
	case i.verifying <- struct{}{}:
		defer func() { <-i.verifying }()
	case <-ctx.Done():
		return Claims{}, context.Cause(ctx)
	}
	c, generation, err := i.verify(ctx, token, now)
	if err == nil {
		i.verified.put(name, c, now, generation)
	}
	return c, err
}

// verify is Verify for a token that is new.
func (i *Issuer) verify(ctx context.Context, token string, now time.Time) (out Claims, generation uint64, err error) {
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return out, 0, err
	}
	if len(parsed.Headers) != 1 {
		return out, 0, errors.New("a token has one signature")
	}
	head := parsed.Headers[0]
	if err := rightType(head); err != nil {
		return out, 0, err
	}
	// Before the keys are looked for: what is not of this issuer, or over, makes nobody fetch them.
	var unverified jwt.Claims
	if err := parsed.UnsafeClaimsWithoutVerification(&unverified); err != nil {
		return out, 0, err
	}
	if err := i.holds(unverified, now); err != nil {
		return out, 0, err
	}
	key, generation, err := i.keys.find(ctx, head.KeyID, head.Algorithm)
	if err != nil {
		return out, 0, err
	}
	var claims jwt.Claims
	var scopes scopeClaims
	if err := parsed.Claims(key.Key, &claims, &scopes); err != nil {
		return out, 0, err
	}
	if err := i.holds(claims, now); err != nil {
		return out, 0, err
	}
	return i.claimsOf(claims, scopes), generation, nil
}

// claimsOf gives what claims say that hold.
func (i *Issuer) claimsOf(claims jwt.Claims, scopes scopeClaims) Claims {
	out := Claims{Subject: claims.Subject, Until: claims.Expiry.Time().Add(clockSkew)}
	out.Write = scopes.has(i.WriteScope)
	out.Read = out.Write || scopes.has(i.ReadScope)
	return out
}

// holds checks what a token claims, but for the scopes.
func (i *Issuer) holds(c jwt.Claims, now time.Time) error {
	if c.Expiry == nil {
		return errors.New("the token does not say until when it is good")
	}
	if c.Subject == "" || len(c.Subject) > 1024 {
		return errors.New("the token does not say for whom it is")
	}
	if i.Issuer == "" || len(i.Audience) == 0 {
		return errors.New("no issuer or no audience is set") // which jwt would take for any
	}
	err := c.ValidateWithLeeway(jwt.Expected{Issuer: i.Issuer, AnyAudience: i.Audience, Time: now}, clockSkew)
	if errors.Is(err, jwt.ErrExpired) {
		return errExpired
	}
	return err
}

// rightType refuses what is signed by the same keys and is no access token.
func rightType(h jose.Header) error {
	switch typ, _ := h.ExtraHeaders[jose.HeaderType].(string); strings.ToLower(typ) {
	case "", "jwt", "at+jwt", "application/at+jwt":
		return nil
	default:
		return fmt.Errorf("the token is of the type %q, and no access token", typ)
	}
}

// scopeClaims are the scopes of a token: a text with blanks in between as RFC 9068 has it, or
// a list, as some issuers do.
type scopeClaims struct {
	Scope json.RawMessage `json:"scope"`
	Scp   json.RawMessage `json:"scp"`
}

// has tells whether a scope is among them; "" is.
func (s scopeClaims) has(want string) bool {
	if want == "" {
		return true
	}
	for _, raw := range []json.RawMessage{s.Scope, s.Scp} {
		var text string
		var list []string
		if json.Unmarshal(raw, &text) == nil {
			list = strings.Fields(text)
		} else {
			_ = json.Unmarshal(raw, &list) // what is neither gives no right
		}
		for _, scope := range list {
			if scope == want {
				return true
			}
		}
	}
	return false
}

// usable tells whether a key can be the issuer's for signatures.
func usable(k *jose.JSONWebKey) bool {
	if !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
		return false
	}
	if r, ok := k.Key.(*rsa.PublicKey); ok && r.N.BitLen() < rsaMin {
		return false
	}
	return true
}

// verified are tokens that were found good, by their hash. The zero value has none.
type verified struct {
	mu     lock.Mutex[lock.AccessVerified]
	byHash map[[sha256.Size]byte]verdict
}

type verdict struct {
	claims     Claims
	generation uint64 // of the keys
}

// verifiedMax bounds them.
const verifiedMax = 4096

func (v *verified) get(name [sha256.Size]byte, now time.Time, generation uint64) (Claims, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.byHash[name]
	if !ok {
		return Claims{}, false
	}
	if now.After(found.claims.Until) || found.generation != generation {
		delete(v.byHash, name)
		return Claims{}, false
	}
	return found.claims, true
}

func (v *verified) put(name [sha256.Size]byte, c Claims, now time.Time, generation uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.byHash == nil {
		v.byHash = make(map[[sha256.Size]byte]verdict)
	}
	if len(v.byHash) >= verifiedMax {
		for other, found := range v.byHash {
			if now.After(found.claims.Until) || found.generation != generation {
				delete(v.byHash, other)
			}
		}
		for other := range v.byHash { // any of them makes room
			if len(v.byHash) < verifiedMax {
				break
			}
			delete(v.byHash, other)
		}
	}
	v.byHash[name] = verdict{c, generation}
}
