package fn

var lookupFunctions = []Function{}
