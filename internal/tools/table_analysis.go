package tools

// analysisTools are the rows of the tools that search and analyse.
var analysisTools = []Tool{}
