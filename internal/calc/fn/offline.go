package fn

import (
	"slices"

	"gridflow/internal/cell"
)

// offlineFunctions ask a server, another program or a library outside of the workbook.
// They answer as Excel does where it cannot reach it.
var offlineFunctions = []Function{
	{Name: "CALL", Category: Information, Params: "range range*", Since: 2007, Errors: true, Eval: unreachable(cell.ErrBlocked, "code of a library is not called")},
	{Name: "CUBEKPIMEMBER", Category: Cube, Params: "any any num any?", Since: 2007, Eval: noCube},
	{Name: "CUBEMEMBER", Category: Cube, Params: "any range any?", Since: 2007, Eval: noCube},
	{Name: "CUBEMEMBERPROPERTY", Category: Cube, Params: "any any any", Since: 2007, Eval: noCube},
	{Name: "CUBERANKEDMEMBER", Category: Cube, Params: "any any num any?", Since: 2007, Eval: noCube},
	{Name: "CUBESET", Category: Cube, Params: "any range any? num? any?", Since: 2007, Eval: noCube},
	{Name: "CUBESETCOUNT", Category: Cube, Params: "any", Since: 2007, Eval: noCube},
	{Name: "CUBEVALUE", Category: Cube, Params: "any range*", Since: 2007, Eval: noCube},
	{Name: "DETECTLANGUAGE", Category: TextFunctions, Params: "text", Since: 2024, Eval: noService},
	{Name: "IMAGE", Category: Lookup, Params: "text text? num? num? num?", Since: 2024, Eval: unreachable(cell.ErrConnect, "pictures are not fetched from the web")},
	{Name: "REGISTER.ID", Category: Information, Params: "text text any?", Since: 2007, Eval: unreachable(cell.ErrBlocked, "code of a library is not called")},
	{Name: "RTD", Category: Lookup, Params: "text text text...", Since: 2007, Eval: unreachable(cell.ErrNA, "there is no server of real-time data")},
	{Name: "STOCKHISTORY", Category: Financial, Params: "any any any? any? any? any*", Since: 2021, Eval: noService},
	{Name: "TRANSLATE", Category: TextFunctions, Params: "text text? text?", Since: 2024, Eval: noService},
	{Name: "WEBSERVICE", Category: Web, Params: "text", Since: 2013, Eval: unreachable(cell.ErrValue, "nothing is fetched from the web")},

	// The name that Japanese workbooks have for DBCS; Excel in English does not know it.
	{Name: "JIS", Category: TextFunctions, Params: "text", Since: 2007, Eval: unreachable(cell.ErrName, "JIS is the Japanese name of DBCS")},
}

// Offline reports whether the function asks what cannot be asked here: what it gives is an
// error, and the value that a file has for it is better.
func (f *Function) Offline() bool {
	return f.Name == "GETPIVOTDATA" || slices.ContainsFunc(offlineFunctions, func(o Function) bool { return o.Name == f.Name })
}

var (
	noCube    = unreachable(cell.ErrName, "there is no connection to a cube")
	noService = unreachable(cell.ErrConnect, "no service on the web is asked")
)

// unreachable makes a function that always gives one error and says why.
func unreachable(code cell.ErrorCode, reason string) func(*Context, Args) Value {
	return func(c *Context, _ Args) Value { return c.Fail(code, reason) }
}
