// The TypeScript SDK, version 1: the era with sessions.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { check, run, target, url } from './check.mjs';

run(async () => {
  const client = new Client({ name: 'sdk-v1', version: '1' });
  const transport = url
    ? new StreamableHTTPClientTransport(url)
    : new StdioClientTransport({ command: target[0], args: target.slice(1) });
  // The client keeps the negotiated revision to itself, but tells its transport.
  let negotiated;
  const tell = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (version) => {
    negotiated = version;
    tell?.(version);
  };
  await client.connect(transport);
  await check(client, negotiated);
});
