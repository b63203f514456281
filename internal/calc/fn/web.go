package fn

var webFunctions = []Function{}
