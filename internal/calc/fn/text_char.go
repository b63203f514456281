package fn

import (
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"gridflow/internal/cell"
)

// The functions between characters and their numbers.
var characterFunctions = []Function{
	{Name: "CHAR", Category: TextFunctions, Params: "num", Since: 2007, Eval: char},
	{Name: "CODE", Category: TextFunctions, Params: "text", Since: 2007, Eval: code},
	{Name: "UNICHAR", Category: TextFunctions, Params: "num", Since: 2013, Eval: unichar},
	{Name: "UNICODE", Category: TextFunctions, Params: "text", Since: 2013, Eval: unicodeOf},
}

// char gives a character of Windows-1252, the code page of an Excel in English. The five
// places that it leaves open are the control characters of those numbers.
func char(c *Context, a Args) Value {
	n := count(a[0].Number())
	if n < 1 || n > 255 {
		return c.Fail(cell.ErrValue, "a character has a number from 1 to 255")
	}
	r := charmap.Windows1252.DecodeByte(byte(n))
	if r == utf8.RuneError {
		r = rune(n)
	}
	return Text(string(r))
}

// code gives the number of the first character in Windows-1252, and that of a question
// mark for one which is not in it.
func code(c *Context, a Args) Value {
	s := a[0].Str()
	if s == "" {
		return c.Fail(cell.ErrValue, "there is no character")
	}
	r, _ := utf8.DecodeRuneInString(s)
	if b, ok := charmap.Windows1252.EncodeRune(r); ok {
		return Num(float64(b))
	}
	if r < 256 {
		return Num(float64(r))
	}
	return Num('?')
}

func unichar(c *Context, a Args) Value {
	n := count(a[0].Number())
	switch {
	case n < 1 || n > utf8.MaxRune:
		return c.Fail(cell.ErrValue, "a character has a number from 1 to 1114111")
	case n >= 0xD800 && n <= 0xDFFF, n&0xFFFE == 0xFFFE:
		return c.Fail(cell.ErrNA, "this number is no character")
	}
	return Text(string(rune(n)))
}

func unicodeOf(c *Context, a Args) Value {
	s := a[0].Str()
	if s == "" {
		return c.Fail(cell.ErrValue, "there is no character")
	}
	r, _ := utf8.DecodeRuneInString(s)
	return Num(float64(r))
}
