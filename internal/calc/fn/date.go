package fn

var dateFunctions = []Function{}
