// What both SDK clients do once they are connected: list the tools, call one,
// look at the answer. Arguments: REVISION TOOL ARGUMENTS EXPECTED (URL | COMMAND…)
export const [revision, tool, args, expected, ...target] = process.argv.slice(2);
export const url = /^https?:/.test(target[0] ?? '') ? new URL(target[0]) : undefined;

export async function check(client, negotiated) {
  if (negotiated !== revision) throw new Error(`negotiated ${negotiated}, want ${revision}`);
  const { tools } = await client.listTools();
  if (!tools.some((t) => t.name === tool)) throw new Error(`tools/list has no ${tool} among ${tools.length} tools`);
  const result = await client.callTool({ name: tool, arguments: JSON.parse(args) });
  const text = JSON.stringify(result.content);
  if (result.isError || !text.includes(expected)) throw new Error(`${tool} answered ${text}`);
  const name = client.getServerVersion()?.name;
  console.log(`${name}: ${tools.length} tools, ${revision}, ${tool} answered ${text.length} characters`);
  await client.close();
}

export function run(main) {
  main().then(
    () => process.exit(0),
    (err) => {
      console.error(err);
      process.exit(1);
    },
  );
}
