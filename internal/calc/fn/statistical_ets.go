package fn

var etsFunctions = []Function{}
