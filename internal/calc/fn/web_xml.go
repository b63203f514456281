package fn

import (
	"strings"

	"gridflow/internal/calc/xpath"
	"gridflow/internal/cell"
)

// maxXMLSteps bounds the work of one XPath.
const maxXMLSteps = 50_000_000

// filterXML gives the contents of the nodes of an XML text that an XPath finds, one under
// another; what reads as a number is one.
func filterXML(c *Context, a Args) Value {
	document, err := xpath.ParseXML(a[0].Str())
	if err != nil {
		return c.Fail(cell.ErrValue, "the text is no XML")
	}
	path, err := xpath.Compile(a[1].Str())
	if err != nil {
		return c.Fail(cell.ErrValue, "the XPath cannot be read")
	}
	found, err := path.Find(document, maxXMLSteps, c.Stop)
	if err != nil {
		return c.Fail(cell.ErrValue, "the XPath gives no nodes, or would take too long")
	}
	if len(found) == 0 {
		return c.Fail(cell.ErrValue, "the XPath finds nothing")
	}
	values := make([]cell.Value, len(found))
	for i, s := range found {
		values[i] = cell.TextValue(s)
		if t := strings.TrimSpace(s); t != "" {
			if f, ok := parseDecimal(t); ok {
				values[i] = cell.NumberValue(f)
			}
		}
	}
	if len(values) == 1 {
		return Scalar(values[0])
	}
	return Of(Column(values))
}
