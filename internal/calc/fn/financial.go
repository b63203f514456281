package fn

var financialFunctions = []Function{}
