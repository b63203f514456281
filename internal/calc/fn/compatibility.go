package fn

var compatibilityFunctions = []Function{}
