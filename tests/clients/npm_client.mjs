// npm @modelcontextprotocol/client 2.x.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { check, checkGone, job, perform } from './deeds.mjs';

const mode = job.era === 'modern' ? 'auto' : 'legacy';
const client = new Client({ name: 'npm-client', version: '2.4.0' }, { versionNegotiation: { mode } });
const transport = job.transport === 'stdio'
  ? new StdioClientTransport({ command: job.command[0], args: job.command.slice(1), stderr: 'inherit' })
  : new StreamableHTTPClientTransport(new URL(job.url));

await perform({
  client,
  async connect() {
    await client.connect(transport);
    return client.getNegotiatedProtocolVersion();
  },
  callTool: (name, args, options) => client.callTool({ name, arguments: args }, options),
  async close() {
    if (job.transport === 'stdio') {
      const { pid } = transport;
      await client.close();
      return checkGone(pid);
    }
    if (job.era === 'legacy') {
      check(transport.sessionId, 'there is no session to end');
      await transport.terminateSession();
      check(transport.sessionId === undefined, 'the session was not ended');
    }
    await client.close();
    return job.era === 'legacy' ? 'session ended with DELETE' : 'closed';
  },
});
process.exit(0);
