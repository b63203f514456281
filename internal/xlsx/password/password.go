package password

import (
	"bytes"
	"crypto/md5" // what files have is checked, weak or not
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"gridflow/internal/grid"
)

// The form in which Excel keeps new passwords (since 2013).
const (
	algorithm = "SHA-512"
	spin      = 100_000
	saltBytes = 16
)

// MaxLength is how long a password may be in Excel, in UTF-16 code units.
const MaxLength = 255

// ErrTooLong is for a password that no file can have, ErrUnknown for one that is kept in a way that is not known here.
var (
	ErrTooLong = errors.New("the password is longer than 255 characters")
	ErrUnknown = errors.New("the password is kept in a way that cannot be checked")
)

// New gives what a file keeps of a password, with a salt from random; nothing for an empty text, which is no
// password.
func New(text string, random io.Reader) (p grid.Password, err error) {
	if text == "" {
		return p, nil
	}
	if len(utf16.Encode([]rune(text))) > MaxLength {
		return p, ErrTooLong
	}
	salt := make([]byte, saltBytes)
	if _, err := io.ReadFull(random, salt); err != nil {
		return p, err
	}
	sum := iterated(sha512.New(), salt, text, spin)
	return grid.Password{Algorithm: algorithm, Hash: base64.StdEncoding.EncodeToString(sum), Salt: base64.StdEncoding.EncodeToString(salt), Spin: spin}, nil
}

// maxSpin bounds the work that a file can ask for.
const maxSpin = 10_000_000

// Matches reports whether a text is the password that p was made of. The error is ErrUnknown where that cannot
// be told.
func Matches(p grid.Password, text string) (bool, error) {
	switch {
	case p == (grid.Password{}):
		return true, nil
	case len(utf16.Encode([]rune(text))) > MaxLength:
		return false, nil
	case p.Hash == "" && p.Legacy != "":
		is, err := strconv.ParseUint(p.Legacy, 16, 16)
		if err != nil {
			return false, ErrUnknown
		}
		return uint16(is) == legacy(text), nil
	}
	h := hashes[strings.ToUpper(strings.ReplaceAll(p.Algorithm, "-", ""))]
	want, err1 := base64.StdEncoding.DecodeString(p.Hash)
	salt, err2 := base64.StdEncoding.DecodeString(p.Salt)
	if h == nil || err1 != nil || err2 != nil || len(want) == 0 || p.Spin > maxSpin {
		return false, ErrUnknown
	}
	return subtle.ConstantTimeCompare(iterated(h(), salt, text, p.Spin), want) == 1, nil
}

// hashes are those of ECMA-376 part 1, 18.3.1.85, that are at hand.
var hashes = map[string]func() hash.Hash{"MD5": md5.New, "SHA1": sha1.New, "SHA256": sha256.New, "SHA384": sha512.New384, "SHA512": sha512.New}

// iterated is the hash of [MS-OFFCRYPTO] 2.4.2.4: of the salt with the text in UTF-16, and then so many times of
// the hash before with its number, from 0 on, in 32 bits, the lowest first.
func iterated(h hash.Hash, salt []byte, text string, times int) []byte {
	var b bytes.Buffer
	for _, u := range utf16.Encode([]rune(text)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	h.Write(salt)
	h.Write(b.Bytes())
	sum := h.Sum(nil)
	var n [4]byte
	for i := range times {
		h.Reset()
		h.Write(sum)
		binary.LittleEndian.PutUint32(n[:], uint32(i))
		h.Write(n[:])
		sum = h.Sum(sum[:0])
	}
	return sum
}

// legacy is the hash of 16 bits of ECMA-376 part 4, 14.7.1: the characters, the last first, are put together by
// turning 15 bits and exclusive or. Characters that one byte does not hold count by their lowest one.
func legacy(text string) uint16 {
	if text == "" {
		return 0
	}
	units := utf16.Encode([]rune(text))
	turn := func(x uint16) uint16 { return x>>14&1 | x<<1&0x7FFF }
	var x uint16
	for i := len(units) - 1; i >= 0; i-- {
		x = turn(x) ^ units[i]&0xFF
	}
	x = turn(x)
	return x ^ uint16(len(units)) ^ 0xCE4B
}
