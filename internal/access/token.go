package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// tokenPrefix begins the tokens that NewToken makes, so that scanners of secrets find one that
// was left lying about.
const tokenPrefix = "gridflow_"

// NewToken draws a token of 256 bits, and gives what stands for it in the file of principals.
// The token cannot be had back from that.
func NewToken() (token, hash string) {
	var b [32]byte
	rand.Read(b[:])
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return token, HashToken(token)
}

// hashPrefix says how a token was hashed. One round does: nobody guesses 256 random bits.
const hashPrefix = "sha256:"

// HashToken gives what stands for a token in the file of principals.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hashPrefix + hex.EncodeToString(sum[:])
}

// A secret is a token by its hash.
type secret struct {
	hash  [sha256.Size]byte
	until time.Time // zero: for as long as it stands in the file
}

var errSecret = errors.New(`a token is written as its hash: sha256: and 64 hex digits, which "gridflow token" gives; " until 2027-01-31" or a time as in RFC 3339 may follow`)

// parseSecret reads "sha256:… [until TIME]".
func parseSecret(text string) (s secret, err error) {
	text, until, limited := strings.Cut(strings.TrimSpace(text), " until ")
	digits, ok := strings.CutPrefix(text, hashPrefix)
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != len(s.hash) {
		return s, errSecret
	}
	copy(s.hash[:], sum)
	if limited {
		if s.until, err = parseUntil(until); err != nil {
			return s, errSecret
		}
	}
	return s, nil
}

// parseUntil reads a moment, or a day, which means its first one in UTC.
func parseUntil(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Parse(time.DateOnly, text)
}

// CheckUntil tells whether a text can follow "until" in what is made now: whose end is over
// would never be good.
func CheckUntil(text string, now time.Time) error {
	until, err := parseUntil(text)
	if err == nil && !until.After(now) {
		err = errors.New("that is over already, for a day counts by its beginning in UTC")
	}
	return err
}

// secrets finds who a token belongs to. How long that takes tells nothing of the tokens that
// there are: the table is by a hash under a key that this process has drawn, and what is found
// is compared in constant time.
type secrets struct {
	key      [32]byte
	byDigest map[[sha256.Size]byte]owned
}

type owned struct {
	secret
	entry *entry
}

func newSecrets() *secrets {
	s := &secrets{byDigest: make(map[[sha256.Size]byte]owned)}
	rand.Read(s.key[:])
	return s
}

func (s *secrets) digest(hash [sha256.Size]byte) (d [sha256.Size]byte) {
	m := hmac.New(sha256.New, s.key[:])
	m.Write(hash[:])
	m.Sum(d[:0])
	return d
}

// add takes in a token of e; false: it is somebody's already.
func (s *secrets) add(t secret, e *entry) bool {
	d := s.digest(t.hash)
	if _, taken := s.byDigest[d]; taken {
		return false
	}
	s.byDigest[d] = owned{t, e}
	return true
}

// find gives whose a token is, and until when; nil where it is nobody's.
func (s *secrets) find(token string) (e *entry, until time.Time) {
	hash := sha256.Sum256([]byte(token))
	found, ok := s.byDigest[s.digest(hash)]
	if !ok || subtle.ConstantTimeCompare(found.hash[:], hash[:]) != 1 {
		return nil, time.Time{}
	}
	return found.entry, found.until
}
