package fn

var webFunctions = concat(offlineFunctions, []Function{
	{Name: "ENCODEURL", Category: Web, Params: "text", Since: 2013, Eval: func(c *Context, a Args) Value {
		const hex = "0123456789ABCDEF"
		s := a[0].Str()
		b := make([]byte, 0, len(s)+len(s)/2)
		for i := range len(s) {
			switch x := s[i]; {
			case x >= 'a' && x <= 'z', x >= 'A' && x <= 'Z', x >= '0' && x <= '9', x == '-', x == '_', x == '.', x == '~':
				b = append(b, x)
			default:
				b = append(b, '%', hex[x>>4], hex[x&15])
			}
		}
		return c.text(string(b))
	}},
	{Name: "FILTERXML", Category: Web, Params: "text text", Since: 2013, Eval: filterXML},
})
