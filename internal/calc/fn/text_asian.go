package fn

import (
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// The functions for East Asian texts and for Thai ones, which Excel has in every language.
var asianFunctions = []Function{
	{Name: "ASC", Category: TextFunctions, Params: "text", Since: 2007, Eval: ofText(narrow)},
	{Name: "BAHTTEXT", Category: TextFunctions, Params: "num", Since: 2007, Eval: bahtText},
	{Name: "DATESTRING", Category: Date, Params: "num", Since: 2007, Eval: dateString},
	{Name: "DBCS", Category: TextFunctions, Params: "text", Since: 2007, Eval: ofText(widen)},
	{Name: "ISTHAIDIGIT", Category: TextFunctions, Params: "text", Since: 2007, Eval: func(_ *Context, a Args) Value {
		s := a[0].Str()
		return Bool(s != "" && strings.Trim(s, thaiDigits) == "")
	}},
	{Name: "NUMBERSTRING", Category: TextFunctions, Params: "num num", Since: 2007, Eval: numberString},
	{Name: "PHONETIC", Category: TextFunctions, Params: "ref", Since: 2007, Eval: phonetic},
	{Name: "ROUNDBAHTDOWN", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 { return math.Trunc(x*4) / 4 })},
	{Name: "ROUNDBAHTUP", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 {
		return math.Copysign(math.Ceil(math.Abs(x)*4)/4, x)
	})},
	{Name: "THAIDAYOFWEEK", Category: TextFunctions, Params: "num", Since: 2007, Eval: thaiDay},
	{Name: "THAIDIGIT", Category: TextFunctions, Params: "text", Since: 2007, Eval: ofText(func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r - '0' + '๐'
			}
			return r
		}, s)
	})},
	{Name: "THAIMONTHOFYEAR", Category: TextFunctions, Params: "num", Since: 2007, Eval: thaiMonth},
	{Name: "THAINUMSOUND", Category: TextFunctions, Params: "num", Since: 2007, Eval: thaiNumber},
	{Name: "THAINUMSTRING", Category: TextFunctions, Params: "num", Since: 2007, Eval: thaiNumber},
	{Name: "THAISTRINGLENGTH", Category: TextFunctions, Params: "text", Since: 2007, Eval: func(_ *Context, a Args) Value {
		n := 0
		for _, r := range a[0].Str() {
			if !unicode.Is(unicode.Mn, r) { // vowels and tones above and below take no place
				n++
			}
		}
		return Num(float64(n))
	}},
	{Name: "THAIYEAR", Category: Date, Params: "num", Since: 2007, Eval: thaiYear},
}

// The marks that make か a が and は a ぱ, as characters of their own and combined.
const (
	voiced, voicedHalf, voicedMark             = '゛', 'ﾞ', '\u3099'
	semiVoiced, semiVoicedHalf, semiVoicedMark = '゜', 'ﾟ', '\u309a'
)

// narrow turns full-width letters, digits and katakana to half-width ones.
func narrow(s string) string {
	if ascii(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if n := width.LookupRune(r).Narrow(); n != 0 {
			b.WriteRune(n)
			continue
		}
		if r >= 'ァ' && r <= 'ヾ' {
			if d := []rune(norm.NFD.String(string(r))); len(d) == 2 {
				n, mark := width.LookupRune(d[0]).Narrow(), rune(voicedHalf)
				if d[1] == semiVoicedMark {
					mark = semiVoicedHalf
				}
				if n != 0 {
					b.WriteRune(n)
					b.WriteRune(mark)
					continue
				}
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// widen turns half-width letters, digits and katakana to full-width ones.
func widen(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == voicedHalf || r == semiVoicedHalf {
			mark := rune(voicedMark)
			if r == semiVoicedHalf {
				mark = semiVoicedMark
			}
			whole := b.String()
			last, n := utf8.DecodeLastRuneInString(whole)
			if c := norm.NFC.String(string([]rune{last, mark})); utf8.RuneCountInString(c) == 1 {
				b.Reset()
				b.WriteString(whole[:len(whole)-n])
				b.WriteString(c)
				continue
			}
		}
		if w := width.LookupRune(r).Wide(); w != 0 {
			r = w
		}
		b.WriteRune(r)
	}
	return b.String()
}

// phonetic gives the text itself: the readings that a Japanese input method leaves with a
// text are not among a calculation's values, and a text without one is its own.
func phonetic(c *Context, a Args) Value {
	v := c.Single(a[0])
	switch v.Kind() {
	case cell.Text, cell.Error:
		return Scalar(v)
	}
	return Text("")
}

// numberString writes a whole number in Chinese characters as Japanese does: by place, by
// place in the characters of contracts, or digit by digit.
func numberString(c *Context, a Args) Value {
	x, form := math.Trunc(a[0].Number()), count(a[1].Number())
	if x < 0 || x >= 1e16 || form < 1 || form > 3 {
		return c.Fail(cell.ErrNum, "the number is negative or too large, or the form is not 1, 2 or 3")
	}
	digits := []rune("〇一二三四五六七八九")
	places, groups := []string{"", "十", "百", "千"}, []string{"", "万", "億", "兆"}
	if form == 2 {
		digits = []rune("〇壱弐参四伍六七八九")
		places, groups = []string{"", "拾", "百", "阡"}, []string{"", "萬", "億", "兆"}
	}
	n := uint64(x)
	if form == 3 || n == 0 {
		var s string
		for _, d := range NumberText(x) {
			s += string(digits[d-'0'])
		}
		return Text(s)
	}
	var s string
	for group := range groups {
		part := n % 10000
		n /= 10000
		if part == 0 {
			continue
		}
		text := ""
		for place := 0; part > 0; place++ {
			d := part % 10
			part /= 10
			switch {
			case d == 0:
			case d == 1 && place > 0 && form == 1:
				text = places[place] + text
			default:
				text = string(digits[d]) + places[place] + text
			}
		}
		s = text + groups[group] + s
	}
	return Text(s)
}

// eras are those of Japan's emperors that Excel's calendar has, by the first day of each.
var eras = []struct {
	year, month, day int
	name             string
}{
	{2019, 5, 1, "令和"}, {1989, 1, 8, "平成"}, {1926, 12, 25, "昭和"}, {1912, 7, 30, "大正"}, {1868, 1, 25, "明治"},
}

// dateString writes a date in the Japanese calendar.
func dateString(c *Context, a Args) Value {
	y, m, d, _, _, _, _, ok := numfmt.FromSerial(math.Floor(a[0].Number()), c.Dates)
	if !ok {
		return c.Fail(cell.ErrNum, "the number is no date")
	}
	for _, e := range eras {
		if y > e.year || y == e.year && (m > e.month || m == e.month && d >= e.day) {
			return Text(fmt.Sprintf("%s%02d年%02d月%02d日", e.name, y-e.year+1, m, d))
		}
	}
	return c.Fail(cell.ErrNum, "the date lies before the calendar")
}

const (
	thaiDigits  = "๐๑๒๓๔๕๖๗๘๙"
	thaiMillion = "ล้าน"
)

// thaiWords reads a whole number aloud in Thai. It is given by its digits.
func thaiWords(n string) string {
	digits := [...]string{"ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"}
	places := [...]string{"", "สิบ", "ร้อย", "พัน", "หมื่น", "แสน"}
	if n = strings.TrimLeft(n, "0"); n == "" {
		return digits[0]
	}
	var s string
	if high := len(n) - 6; high > 0 {
		s, n = thaiWords(n[:high])+thaiMillion, n[high:]
	}
	for i, c := range []byte(n) {
		place, d := len(n)-1-i, c-'0'
		switch {
		case d == 0:
			continue
		case place == 1 && d == 1:
		case place == 1 && d == 2:
			s += "ยี่"
		case place == 0 && d == 1 && i > 0 && n[i-1] != '0':
			s += "เอ็ด"
			continue
		default:
			s += digits[d]
		}
		s += places[place]
	}
	return s
}

// bahtText reads an amount of money aloud in Thai.
func bahtText(_ *Context, a Args) Value {
	amount, negative := decimalText(a[0].Number(), 2, false)
	baht, satang, _ := strings.Cut(amount, ".")
	var s string
	if negative {
		s = "ลบ"
	}
	if baht != "0" || satang == "00" {
		s += thaiWords(baht) + "บาท"
	}
	if satang == "00" {
		return Text(s + "ถ้วน")
	}
	return Text(s + thaiWords(satang) + "สตางค์")
}

// thaiNumber reads a number aloud in Thai, what stands behind the point digit by digit.
func thaiNumber(_ *Context, a Args) Value {
	amount, negative := decimalText(a[0].Number(), 15, false)
	whole, fraction, _ := strings.Cut(strings.TrimRight(amount, "0"), ".")
	s := thaiWords(whole)
	if negative {
		s = "ลบ" + s
	}
	if fraction != "" {
		s += "จุด"
		for _, d := range strings.Split(fraction, "") {
			s += thaiWords(d)
		}
	}
	return Text(s)
}

func thaiDay(c *Context, a Args) Value {
	x := math.Floor(a[0].Number())
	if _, _, _, _, _, _, _, ok := numfmt.FromSerial(x, c.Dates); !ok {
		return c.Fail(cell.ErrNum, "the number is no date")
	}
	days := [...]string{"วันอาทิตย์", "วันจันทร์", "วันอังคาร", "วันพุธ", "วันพฤหัสบดี", "วันศุกร์", "วันเสาร์"}
	first := 6 // serial 0 of the 1900 system is a Saturday, 1904-01-01 a Friday
	if c.Dates == numfmt.Date1904 {
		first = 5
	}
	return Text(days[(int(x)+first)%7])
}

func thaiMonth(c *Context, a Args) Value {
	_, m, _, _, _, _, _, ok := numfmt.FromSerial(math.Floor(a[0].Number()), c.Dates)
	if !ok {
		return c.Fail(cell.ErrNum, "the number is no date")
	}
	months := [...]string{"มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
		"กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม"}
	return Text(months[m-1])
}

// thaiYear counts the years of a date as the Buddhist calendar does.
func thaiYear(c *Context, a Args) Value {
	y, _, _, _, _, _, _, ok := numfmt.FromSerial(math.Floor(a[0].Number()), c.Dates)
	if !ok {
		return c.Fail(cell.ErrNum, "the number is no date")
	}
	return Num(float64(y + 543))
}
