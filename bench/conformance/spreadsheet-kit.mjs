// spreadsheet-mcp's own JavaScript client library (npm/spreadsheet-kit-sdk of its repository) as a
// client of gridflow: every function that its McpBackend has, in both the spellings that it takes.
//
//   node spreadsheet-kit.mjs SDK ROOT COMMAND…
//
// SDK is the folder of the library (with src/index.js), ROOT the folder that the server serves,
// with examples/*.xlsx in it, COMMAND a server over stdio in the compat profile with all tools.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const [sdk, root, ...command] = process.argv.slice(2);
const { McpBackend, BackendOperationError, CapabilityError } = createRequire(import.meta.url)(resolve(sdk, 'src'));

const client = new Client({ name: 'spreadsheet-kit', version: '1' });
await client.connect(new StdioClientTransport({ command: command[0], args: command.slice(1) }));

// What the library calls a transport: the result's object, or what the server says is wrong.
const transport = {
  async invoke(operation, params) {
    const result = await client.callTool({ name: operation, arguments: params });
    if (result.isError) {
      const error = new Error(result.content[0].text);
      error.code = result.structuredContent?.code;
      throw error;
    }
    return result.structuredContent ?? JSON.parse(result.content[0].text);
  },
};
const backend = new McpBackend({ transport });

const called = new Set();
for (const name of Object.getOwnPropertyNames(McpBackend.prototype)) {
  const was = backend[name];
  if (name === 'constructor' || name.startsWith('_')) continue;
  backend[name] = (...args) => (called.add(name), was.apply(backend, args));
}

let failed = 0;
async function step(name, f) {
  try {
    await f();
    console.log(`ok    ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL  ${name}: ${e.stack ?? e}`);
  }
}

const { workbooks } = await transport.invoke('list_workbooks', {});
const id = (slug) => workbooks.find((w) => w.slug === slug).workbook_id;
const workbookId = id('budget');
// What the library's callers hand on from one backend to another, which no server knows.
const context = { workbookId, sessionId: 'session-1' };
let sheets;

await step('describeWorkbook', async () => {
  for (const input of [context, { workbook_id: workbookId }, { contextId: workbookId }]) {
    const d = await backend.describeWorkbook(input);
    assert.equal(d.workbookId, workbookId);
    assert.equal(d.shortId, workbookId.slice(3));
    assert.equal(d.slug, 'budget');
    assert.match(d.path, /budget\.xlsx$/);
    assert.match(d.revisionId, /^[0-9a-f]{64}$/);
    for (const field of ['bytes', 'sheetCount', 'definedNames', 'tables']) assert.equal(typeof d[field], 'number', field);
    assert.equal(d.macrosPresent, false);
    assert.ok(d.caps && !Number.isNaN(Date.parse(d.lastModified)));
  }
});
await step('listSheets', async () => {
  sheets = await backend.listSheets({ ...context, includeBounds: true });
  assert.ok(sheets.length > 1 && sheets.every((s) => typeof s === 'string'), sheets);
  assert.deepEqual(await backend.listSheets({ workbook_id: workbookId, limit: 1, offset: 1 }), [sheets[1]]);
});
await step('namedRanges', async () => {
  const all = await backend.namedRanges(context);
  assert.equal(all.workbookId, workbookId);
  assert.ok(all.items.length > 0);
  for (const item of all.items) assert.ok(item.name && item.refers_to && item.kind, JSON.stringify(item));
  const prefix = all.items[0].name.slice(0, 2).toLowerCase();
  const some = await backend.namedRanges({ ...context, namePrefix: prefix });
  assert.ok(some.items.length > 0 && some.items.every((item) => item.name.toLowerCase().startsWith(prefix)));
});
await step('sheetOverview', async () => {
  const o = await backend.sheetOverview({ ...context, sheetName: sheets[0], maxRegions: 1, maxHeaders: 2, includeHeaders: true });
  assert.equal(o.workbookId, workbookId);
  assert.equal(o.sheetName, sheets[0]);
  assert.equal(typeof o.narrative, 'string');
  assert.equal(o.detectedRegions.length, 1);
  assert.match(o.detectedRegions[0].region_kind, /^likely_/);
  assert.equal(o.detectedRegions[0].id, 0);
  assert.equal(typeof o.detectedRegionsTruncated, 'boolean');
  assert.equal(typeof o.formulaRatio, 'number');
  assert.ok(o.regions.length > 0 && o.detectedRegionCount > 0);
});
await step('rangeValues', async () => {
  for (const ranges of [['A1:B3'], 'A1:B3']) {
    const r = await backend.rangeValues({ ...context, sheetName: sheets[0], ranges });
    assert.equal(r.sheetName, sheets[0]);
    assert.equal(r.values.length, 1);
    assert.equal(r.values[0].range, 'A1:B3');
  }
  const r = await backend.rangeValues({ ...context, sheetName: sheets[0], ranges: ['A1:B3', 'C2'], format: 'json', includeFormulas: true });
  assert.equal(r.values.length, 2);
  assert.equal(r.values[0].rows.length, 3);
  for (const value of r.values[0].rows.flat()) assert.ok(value === null || (value.kind && value.value !== undefined), JSON.stringify(value));
});
await step('findValue', async () => {
  const { values } = await backend.rangeValues({ ...context, sheetName: sheets[0], ranges: ['A1'], format: 'values' });
  const query = values[0].values[0][0];
  const f = await backend.findValue({ ...context, query, sheetName: sheets[0], caseSensitive: true, limit: 1, offset: 0 });
  assert.equal(f.workbookId, workbookId);
  assert.equal(f.matches[0].address, 'A1');
  assert.equal(f.matches[0].sheet_name, sheets[0]);
  assert.deepEqual(f.matches[0].value, { kind: 'Text', value: query });
  const none = await backend.findValue({ ...context, query: 'no cell says this' });
  assert.deepEqual(none.matches, []);
  assert.equal(none.nextOffset, undefined);
});
await step('readTable', async () => {
  const id2 = id('sales');
  const [sheet] = await backend.listSheets({ workbookId: id2 });
  for (const format of ['json', 'csv', 'values', 'dense', 'rows', undefined]) {
    const t = await backend.readTable({ workbookId: id2, sheetName: sheet, format, limit: 2, includeHeaders: true, includeTypes: true });
    assert.equal(t.workbookId, id2);
    assert.equal(t.sheetName, sheet);
    assert.ok(t.totalRows > 2, `${format}: ${t.totalRows} rows`);
    assert.equal(t.nextOffset, 2, format);
    if (format === 'json' || format === 'rows') assert.equal(t.rows.length, 2, format);
    if (format === 'values' || format === 'dense') assert.equal(t.values.length, 2, format);
    if (format === 'csv' || !format) assert.ok(t.csv?.includes('\n') || t.rows.length === 2, format);
    if (format !== 'csv' && format) assert.ok(t.headers.length > 0, format);
  }
});
await step('sheetPage', async () => {
  for (const format of ['full', 'compact', 'values_only', undefined]) {
    const p = await backend.sheetPage({ ...context, sheetName: sheets[0], startRow: 2, pageSize: 2, format, includeFormulas: true, includeStyles: true, includeHeader: true });
    assert.equal(p.workbookId, workbookId);
    assert.equal(p.sheetName, sheets[0]);
    assert.equal(p.nextStartRow, 4, format);
    if (format) assert.equal(p.format, format);
    const shape = p.format === 'full' ? p.rows : p.format === 'compact' ? p.compact.rows : p.valuesOnly.rows;
    assert.ok(shape.length >= 2, format);
    if (p.format === 'compact') assert.equal(p.compact.headers[0], 'Row');
    if (p.format === 'full') assert.ok(p.headerRow, 'headerRow');
  }
  const byHeader = await backend.sheetPage({ ...context, sheetName: sheets[0], columns: ['A'], format: 'full', columnsByHeader: undefined });
  assert.ok(byHeader.rows.every((row) => row.cells.every((cell) => /^A\d+$/.test(cell.address))));
});

let forkId;
await step('createFork, listForks', async () => {
  const fork = await backend.createFork({ workbookId });
  forkId = fork.fork_id;
  assert.match(forkId, /^fork-/);
  assert.match(fork.base_workbook, /budget\.xlsx$/);
  assert.equal(typeof fork.ttl_seconds, 'number');
  const other = await backend.createFork({ workbookOrForkId: workbookId, sessionId: 'session-1' });
  const { forks } = await backend.listForks();
  assert.deepEqual(forks.map((f) => f.fork_id).sort(), [forkId, other.fork_id].sort());
  assert.equal((await backend.discardFork({ fork_id: other.fork_id })).discarded, true);
  const third = await backend.createFork({ workbook_or_fork_id: workbookId });
  assert.equal((await backend.discardFork({ forkId: third.fork_id })).discarded, true);
});
let grid;
await step('gridExport', async () => {
  grid = await backend.gridExport({ ...context, sheetName: sheets[0], range: 'A1:C4' });
  assert.equal(grid.sheet, sheets[0]);
  assert.equal(grid.anchor, 'A1');
  assert.equal(grid.columns.length, 3);
  assert.ok(grid.columns.every((c) => typeof c.width_chars === 'number'));
  assert.equal(grid.rows.length, 3); // a row without cells has none
  assert.deepEqual(grid.rows[0].cells[0].offset, [0, 0]);
});
await step('transformBatch', async () => {
  const ops = [
    { kind: 'write_matrix', sheet_name: sheets[0], anchor: 'H1', rows: [[{ v: 1 }, { v: 'x' }, { f: '=H1*2' }, null]] },
    { kind: 'fill_range', sheet_name: sheets[0], target: { kind: 'range', range: 'H2:H4' }, value: '7' },
    { kind: 'clear_range', sheet_name: sheets[0], target: { kind: 'cells', cells: ['H4'] } },
  ];
  const dry = await backend.transformBatch({ forkId, ops, options: { dryRun: true } });
  assert.equal(dry.opsApplied, 3);
  const staged = await backend.listStagedChanges({ forkId });
  assert.equal(staged.staged_changes.length, 1);
  const applied = await backend.applyStagedChange({ forkId, changeId: staged.staged_changes[0].change_id });
  assert.equal(applied.ops_applied, 3);
  const again = await backend.transformBatch({ ...context, forkId, ops });
  assert.equal(again.opsApplied, 3);
  const r = await backend.rangeValues({ workbookId: forkId, sheetName: sheets[0], ranges: ['H1:K1', 'H2:H4'], format: 'values' });
  assert.deepEqual(r.values[0].values, [[1, 'x', 2, null]]);
  assert.deepEqual(r.values[1].values, [[7], [7], [null]]);
});
await step('staged changes', async () => {
  await backend.transformBatch({ forkId, ops: [{ kind: 'clear_range', sheet_name: sheets[0], target: { kind: 'range', range: 'H1:H2' } }], options: { dryRun: true } });
  const { staged_changes: [change] } = await backend.listStagedChanges({ fork_id: forkId });
  assert.match(change.change_id, /^chg-/);
  assert.deepEqual(await backend.discardStagedChange({ fork_id: forkId, change_id: change.change_id }), { fork_id: forkId, change_id: change.change_id, discarded: true });
  assert.equal((await backend.listStagedChanges({ forkId })).staged_changes, undefined); // an empty list is left out
});
await step('structureBatch', async () => {
  const ops = [{ kind: 'insert_rows', sheet_name: sheets[0], at_row: 1, count: 1 }];
  const preview = await backend.structureBatch({ forkId, ops, mode: 'preview', impactReport: true, showFormulaDelta: true });
  assert.equal(preview.forkId, forkId);
  assert.equal(preview.mode, 'preview');
  assert.match(preview.changeId, /^chg-/);
  assert.ok(preview.impactReport.shifted_spans.length > 0);
  assert.ok(preview.formulaDeltaPreview.length > 0);
  assert.ok(preview.summary.op_kinds.includes('insert_rows'));
  await backend.discardStagedChange({ forkId, changeId: preview.changeId });
  const done = await backend.structureBatch({ forkId, ops });
  assert.equal(done.mode, 'apply');
  assert.equal(done.opsApplied, 1);
  assert.equal(done.summary.counts.rows_inserted, 1);
  const r = await backend.rangeValues({ workbookId: forkId, sheetName: sheets[0], ranges: ['H2:J2'], format: 'json', includeFormulas: true });
  assert.deepEqual(r.values[0].formulas[0], [null, null, 'H2*2']);
});
await step('replaceInFormulas', async () => {
  const dry = await backend.replaceInFormulas({ forkId, sheetName: sheets[0], find: 'H2*2', replace: 'H2*3', options: { dryRun: true } });
  assert.equal(dry.mode, 'preview');
  assert.equal(dry.formulasChanged, 1);
  assert.ok(dry.formulasChecked >= 1 && dry.samples[0].before && dry.samples[0].after && dry.samples[0].address === 'J2');
  await backend.applyStagedChange({ forkId, change_id: dry.changeId });
  const r = await backend.rangeValues({ workbookId: forkId, sheetName: sheets[0], ranges: ['J2'], format: 'values' });
  assert.deepEqual(r.values[0].values, [[3]]);
  const none = await backend.replaceInFormulas({ forkId, sheetName: sheets[0], find: 'NOSUCH', caseSensitive: false });
  assert.equal(none.formulasChanged, 0);
  assert.match(none.warnings.join(), /WARN_NO_MATCH/);
});
await step('defineName, updateName, deleteName', async () => {
  const quoted = `'${sheets[0].replaceAll("'", "''")}'`;
  const d = await backend.defineName({ forkId, name: 'kit_rate', refersTo: `${quoted}!$H$2` });
  assert.equal(d.name, 'kit_rate');
  assert.equal(d.scope_kind, 'workbook');
  const s = await backend.defineName({ forkId, name: 'kit_local', refers_to: `${quoted}!$H$2:$H$4`, scope: 'sheet', scopeSheetName: sheets[0] });
  assert.equal(s.scope_sheet_name, sheets[0]);
  const u = await backend.updateName({ forkId, name: 'kit_rate', refersTo: `${quoted}!$H$3` });
  assert.match(u.previous_refers_to, /H\$2$/);
  assert.equal((await backend.deleteName({ workbookId: forkId, name: 'kit_local', scope: 'sheet', scopeSheetName: sheets[0] })).deleted, true);
});
await step('verifyWorkbook, verifyTargets, verifyErrors', async () => {
  const pair = { baselineWorkbookOrForkId: workbookId, currentWorkbookOrForkId: forkId };
  await transport.invoke('edit_batch', { fork_id: forkId, sheet_name: sheets[0], edits: ['H3==1/0', 'H2=5'] });
  const targets = [`${sheets[0]}!H2`, `'${sheets[0].replaceAll("'", "''")}'!J2`];
  const all = await backend.verifyWorkbook({ ...pair, targets, includeNamedRangeDeltas: true });
  assert.equal(all.baselineRef, workbookId);
  assert.equal(all.currentRef, forkId);
  assert.equal(all.targetDeltas.length, 2);
  assert.equal(all.summary.targetCount, 2);
  assert.equal(all.summary.newErrorCount, 1);
  assert.equal(all.newErrors[0].afterError, '#DIV/0!');
  assert.ok(all.namedRangeDeltas.some((n) => n.name === 'kit_rate' && n.change === 'added'));
  const some = await backend.verifyTargets({ baseline_id: workbookId, currentId: forkId, targets });
  assert.equal(some.targetDeltas.length, 2);
  assert.equal(some.newErrors.length, 0);
  const errors = await backend.verifyErrors({ baselineId: workbookId, current_id: forkId });
  assert.equal(errors.newErrors.length, 1);
  assert.equal(errors.targetDeltas.length, 0);
});
await step('saveFork', async () => {
  const target = `kit-${Date.now()}.xlsx`;
  const s = await backend.saveFork({ forkId, targetPath: target, dropFork: false });
  assert.equal(s.fork_dropped, false);
  assert.ok(existsSync(join(root, target)));
  const dropped = await backend.saveFork({ fork_id: forkId, target_path: `2-${target}` });
  assert.equal(dropped.fork_dropped, true);
  assert.deepEqual((await backend.listForks({})).forks ?? [], []);
});
await step('errors', async () => {
  await assert.rejects(backend.listSheets({ workbookId: 'wb-nonesuch00' }), (e) => e instanceof BackendOperationError && e.operation === 'list_sheets' && /nonesuch/.test(e.message));
  await assert.rejects(backend.rangeValues({ workbookId, sheetName: 'No such sheet', ranges: ['A1'] }), (e) => e instanceof BackendOperationError && /No such sheet/.test(e.message));
  await assert.rejects(backend.transformBatch({ forkId: 'fork-nonesuch0000', ops: [] }), BackendOperationError);
  await assert.rejects(backend.createSession(), CapabilityError);
  await assert.rejects(backend.exportWorkbook(), CapabilityError);
  await assert.rejects(backend.disposeSession(), CapabilityError);
  assert.equal(backend.getCapabilities().supportsStaging, true);
});

for (const name of Object.getOwnPropertyNames(McpBackend.prototype)) {
  if (name !== 'constructor' && !name.startsWith('_') && !called.has(name)) {
    failed++;
    console.log(`FAIL  ${name} was not called`);
  }
}
console.log(`${called.size} functions, ${failed} failed`);
await client.close();
process.exit(failed ? 1 : 0);
