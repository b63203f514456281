// The TypeScript SDK, version 2: it negotiates the era, or keeps to the older one.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { check, revision, run, target, url } from './check.mjs';

run(async () => {
  const mode = revision >= '2026-07-28' ? 'auto' : 'legacy';
  const client = new Client({ name: 'sdk-v2', version: '1' }, { versionNegotiation: { mode } });
  await client.connect(
    url ? new StreamableHTTPClientTransport(url) : new StdioClientTransport({ command: target[0], args: target.slice(1) }),
  );
  await check(client, client.getNegotiatedProtocolVersion());
});
