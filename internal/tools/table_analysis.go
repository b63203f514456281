package tools

// analysisTools are the rows of the tools that search and analyse.
var analysisTools = []Tool{
	explainCell,
	findErrors,
	findFormula,
	findValue,
	formulaTrace,
	scanVolatiles,
	sheetFormulaMap,
	sheetOverview,
	sheetStatistics,
	tableProfile,
	verifyCalculation,
	workbookSummary,
}
