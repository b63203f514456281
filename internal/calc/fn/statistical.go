package fn

var statisticalFunctions = []Function{}
