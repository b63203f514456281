package xpath

import (
	"errors"
	"strings"
	"testing"
)

const sample = `<?xml version="1.0"?><t><s k="1" l="x">a</s><s k="2">12</s><!-- note --><u><s>bc</s> tail</u><s/><p:q xmlns:p="n">é</p:q><?do it?></t>`

func TestFind(t *testing.T) {
	d, err := ParseXML(sample)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"//s":                                "a|12|bc|",
		"/t/s":                               "a|12|",
		"/t/s[1]":                            "a",
		"//s[last()]":                        "bc|",
		"(//s)[last()]":                      "",
		"(//s)[3]":                           "bc",
		"//s[@k]":                            "a|12",
		"//s[@k='2']":                        "12",
		"//s[@k=2]":                          "12",
		"//s[@k>1]":                          "12",
		"//s/@*":                             "1|x|2",
		"//@k":                               "1|2",
		"//s[number()=.]":                    "12",
		"//s[.*0!=0]":                        "a|bc|", // NaN is not 0
		"//s[.=12]":                          "12",
		"//s[. > 11 and . < 13]":             "12",
		"//s[contains(.,'b') or .='a']":      "a|bc",
		"//s[not(@k)]":                       "bc|",
		"//s[starts-with(.,'b')]":            "bc",
		"//s[string-length()=2]":             "12|bc",
		"//s[string-length(.) > 1]":          "12|bc",
		"//s[position() mod 2 = 1]":          "a|bc|",
		"//s[position()<=2]":                 "a|12|bc",
		"/t/s[2]/following::*":               "bc tail|bc||é",
		"/t/s[2]/following-sibling::s":       "",
		"/t/u/preceding::*":                  "a|12",
		"/t/u/preceding-sibling::*[1]":       "12",
		"//u/s/ancestor::u":                  "bc tail",
		"//u/s/ancestor-or-self::*[1]":       "bc",
		"//u/s/..":                           "bc tail",
		"//u//text()":                        "bc| tail",
		"//comment()":                        " note ",
		"//processing-instruction('do')":     "it",
		"//u/node()":                         "bc| tail",
		"//p:q":                              "é",
		"//*[local-name()='q']":              "é",
		"//*[name()='p:q']":                  "é",
		"//p:*":                              "é",
		"//s[1] | //u":                       "a|bc tail|bc",
		"//s[translate(.,'ab','AB')='Bc']":   "bc",
		"//s[substring(.,2)='c']":            "bc",
		"//s[substring('12345',1.5,2.6)=.]":  "",
		"//s[substring-before(.,'c')='b']":   "bc",
		"//s[substring-after(.,'b')='c']":    "bc",
		"//s[concat(.,'x')='ax']":            "a",
		"//s[normalize-space(' b  c ')!=.]":  "a|12|bc|",
		"//s[floor(1.5)=1][ceiling(1.5)=2]":  "a|12|bc|",
		"//s[round(-1.5)=-1]":                "a|12|bc|",
		"//s[count(//s)=4]":                  "a|12|bc|",
		"//s[sum(//@k)=3]":                   "a|12|bc|",
		"//s[boolean('')]":                   "",
		"//s[true()][position()=1]":          "a|bc",
		"//s[-(-1)=1]":                       "a|12|bc|",
		"//s[2*3=6][7 div 2=3.5][7 mod 2=1]": "a|12|bc|",
		"//s[//s=.]":                         "a|12|bc|",
		"/t/child::s[attribute::k='1']":      "a",
		"/":                                  "a12bc tailé",
		".":                                  "a12bc tailé",
		"t":                                  "a12bc tailé",
		"//descendant::s[1]":                 "a|bc",
		"//z":                                "",
		"//div":                              "",
	} {
		p, err := Compile(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		found, err := p.Find(d, 1_000_000, func() bool { return false })
		if got := strings.Join(found, "|"); got != want || err != nil {
			t.Errorf("%s: %q %v, want %q", path, got, err, want)
		}
	}
}

func TestUnique(t *testing.T) {
	d, _ := ParseXML("<t><s>a</s><s>a</s><s>b</s></t>")
	p, err := Compile("//s[not(preceding::*=.)]")
	if err != nil {
		t.Fatal(err)
	}
	if found, err := p.Find(d, 1000, func() bool { return false }); err != nil || strings.Join(found, "|") != "a|b" {
		t.Errorf("%q %v", found, err)
	}
}

func TestRefused(t *testing.T) {
	for _, s := range []string{"", "<a>", "<a></b>", "a", "<a/><b/>", "<a>&nbsp;</a>", "<a/>x", "<a b></a>"} {
		if _, err := ParseXML(s); err == nil {
			t.Errorf("%q is read as XML", s)
		}
	}
	for _, s := range []string{"", "//", "//[", "a[", "a[1", "f()", "count()", "'a", "1 2", "a b", "//s[", "foo::a", "$x", "(a", "a]", "a/", "text(", "node(1)",
		strings.Repeat("(", 5000) + "a" + strings.Repeat(")", 5000)} {
		if _, err := Compile(s); !errors.Is(err, ErrSyntax) {
			t.Errorf("%.20q: %v", s, err)
		}
	}
	d, _ := ParseXML("<a/>")
	for _, s := range []string{"1", "'a'", "true()", "count(//a)", "-a"} {
		p, err := Compile(s)
		if err != nil {
			t.Fatal(s, err)
		}
		if _, err := p.Find(d, 1000, func() bool { return false }); !errors.Is(err, ErrNoNodes) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestSearchEnds(t *testing.T) {
	d, _ := ParseXML("<a>" + strings.Repeat("<b>", 300) + strings.Repeat("</b>", 300) + "</a>")
	p, err := Compile("//*[.//*[.//*[.//*]]]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Find(d, 100_000, func() bool { return false }); !errors.Is(err, ErrSteps) {
		t.Error(err)
	}
	for _, stopAt := range []int{2, 100} { // what has a million steps asks fifteen times
		asked := 0
		if _, err := p.Find(d, 1_000_000, func() bool { asked++; return asked == stopAt }); !errors.Is(err, ErrSteps) || asked != min(stopAt, 15) {
			t.Errorf("told to stop when it asked for the %d. time it asked %d times: %v", stopAt, asked, err)
		}
	}
}

// Whatever the texts, reading and searching them ends and does not panic.
func FuzzFind(f *testing.F) {
	f.Add(sample, "//s[@k=1]/following::*[last()]")
	f.Add("<a b='c'>d</a>", "count(//a | @b) + 1 div 0")
	f.Fuzz(func(t *testing.T, text, path string) {
		p, err := Compile(path)
		if err != nil {
			return
		}
		d, err := ParseXML(text)
		if err != nil {
			return
		}
		_, _ = p.Find(d, 100_000, func() bool { return false })
	})
}
