package fn

var databaseFunctions = []Function{}
