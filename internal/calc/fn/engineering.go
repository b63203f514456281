package fn

var engineeringFunctions = []Function{}
