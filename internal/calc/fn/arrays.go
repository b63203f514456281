package fn

var arrayFunctions = []Function{}
