package fn

var informationFunctions = []Function{}
