package password

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"gridflow/internal/grid"
	"gridflow/internal/xlsx"
)

// TestPasswords: what was made of a text matches it and no other.
func TestPasswords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 40, 100).Draw(t, "text")
		sum := iterated(hashes["SHA512"](), []byte("salt"), text, 10)
		p := grid.Password{Algorithm: "SHA-512", Hash: base64.StdEncoding.EncodeToString(sum), Salt: base64.StdEncoding.EncodeToString([]byte("salt")), Spin: 10}
		if ok, err := Matches(p, text); err != nil || !ok {
			t.Fatalf("%q does not match itself: %v", text, err)
		}
		if ok, _ := Matches(p, text+"x"); ok {
			t.Fatalf("%q matches with a letter more", text)
		}
	})
	p, err := New("pässword 😀", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	q, _ := New("pässword 😀", rand.Reader)
	if p == q || p.Algorithm != "SHA-512" || p.Spin != 100000 {
		t.Errorf("%+v and %+v", p, q)
	}
	for text, want := range map[string]bool{"pässword 😀": true, "": false, "password": false, strings.Repeat("x", 256): false} {
		if ok, err := Matches(p, text); ok != want || err != nil {
			t.Errorf("%q: %v, %v", text, ok, err)
		}
	}
}

// TestExcelize: another program makes of a password what we check, and the other way round.
func TestExcelize(t *testing.T) {
	for _, algorithm := range []string{"", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "MD5"} {
		x := excelize.NewFile()
		if err := x.ProtectSheet("Sheet1", &excelize.SheetProtectionOptions{AlgorithmName: algorithm, Password: "open sesame"}); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := x.Write(&b); err != nil {
			t.Fatal(err)
		}
		p := read(t, b.Bytes())
		for text, want := range map[string]bool{"open sesame": true, "open": false} {
			if ok, err := Matches(p, text); err != nil || ok != want {
				t.Errorf("%s: %q matches %+v: %v, %v", algorithm, text, p, ok, err)
			}
		}
	}
}

// TestKnown holds hashes that are written down elsewhere, and what cannot be checked.
func TestKnown(t *testing.T) {
	// "password" is 83AF in the tests of XlsxWriter and openpyxl.
	if x := legacy("password"); x != 0x83AF {
		t.Errorf("%04X", x)
	}
	if ok, err := Matches(grid.Password{}, "x"); !ok || err != nil {
		t.Error("what has no password asks for one")
	}
	for _, p := range []grid.Password{{Algorithm: "WHIRLPOOL", Hash: "YQ==", Salt: "YQ=="}, {Algorithm: "SHA-512"}, {Algorithm: "SHA-512", Hash: "?", Salt: ""}, {Algorithm: "SHA-512", Hash: "YQ==", Spin: maxSpin + 1}, {Legacy: "xyz"}} {
		if ok, err := Matches(p, "x"); ok || !errors.Is(err, ErrUnknown) {
			t.Errorf("%+v: %v, %v", p, ok, err)
		}
	}
	if _, err := New(strings.Repeat("x", 256), rand.Reader); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if p, err := New("", rand.Reader); err != nil || p != (grid.Password{}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// read takes the password of the first sheet out of a file.
func read(t *testing.T, b []byte) (p grid.Password) {
	t.Helper()
	f, err := xlsx.Open(t.Context(), bytes.NewReader(b), int64(len(b)), xlsx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(t.Context(), 0, 1<<20-1)
	if err != nil {
		t.Fatal(err)
	}
	return s.Layout.Protection.Password
}
