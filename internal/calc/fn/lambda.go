package fn

var lambdaFunctions = []Function{}
