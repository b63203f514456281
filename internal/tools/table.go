package tools

import (
	"slices"
	"strings"
)

// readTools are the rows of the tools that list, read and describe.
var readTools = []Tool{
	closeWorkbook,
	compareTables,
	describeWorkbook,
	executeManifest,
	getManifestStub,
	gridExport,
	inspectCells,
	layoutPage,
	listRules,
	listSheets,
	listWorkbooks,
	namedRanges,
	rangeValues,
	readTable,
	serverStatus,
	sheetPage,
	sheetStyles,
	vbaModuleSource,
	vbaProjectSummary,
	workbookStyleSummary,
}

// batchTools are the rows of the tools that change many cells of a fork by one rule.
var batchTools = []Tool{
	applyFormulaPattern,
	columnSizeBatch,
	fillSeries,
	gridImport,
	removeDuplicates,
	replaceInFormulas,
	sortRange,
	rulesBatch,
	structureBatch,
	styleBatch,
	transformBatch,
}

// nameTools are the rows of the tools that change defined names.
var nameTools = []Tool{defineName, deleteName, updateName}

// whatIfTools are the rows of the tools that try inputs.
var whatIfTools = []Tool{
	goalSeek,
	runScenarios,
	sensitivityTable,
}

// editTools are the rows of the tools that make forks and change them.
var editTools = []Tool{
	appendRows,
	applyStagedChange,
	changesSince,
	checkpointFork,
	createFork,
	createWorkbook,
	deleteCheckpoint,
	discardFork,
	discardStagedChange,
	editBatch,
	exportCSV,
	forkHistory,
	diffWorkbooks,
	getChangeset,
	getEdits,
	importCSV,
	listCheckpoints,
	listForks,
	listStagedChanges,
	mergeFork,
	recalculate,
	redo,
	restoreCheckpoint,
	saveFork,
	undo,
	verifyWorkbook,
}

// officeTools are the rows of the tools that only LibreOffice can do.
var officeTools = []Tool{
	exportWorkbook,
	screenshotSheet,
}

var table = sorted(readTools, analysisTools, editTools, batchTools, nameTools, whatIfTools, officeTools)

func sorted(groups ...[]Tool) []Tool {
	all := slices.Concat(groups...)
	slices.SortFunc(all, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Table gives all tools, sorted by name. The caller must not change it.
func Table() []Tool { return table }
