package fn

var textFunctions = []Function{}
