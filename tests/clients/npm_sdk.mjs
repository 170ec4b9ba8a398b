// npm @modelcontextprotocol/sdk 1.x.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';

import { check, checkGone, job, perform } from './deeds.mjs';

const client = new Client({ name: 'npm-sdk', version: '1.32.2' });
const transport = job.transport === 'stdio'
  ? new StdioClientTransport({ command: job.command[0], args: job.command.slice(1), stderr: 'inherit' })
  : new StreamableHTTPClientTransport(new URL(job.url));

// The SDK tells a transport which revision was agreed on and keeps no record that its user could ask.
let revision;
const setProtocolVersion = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  revision = version;
  setProtocolVersion?.(version);
};

await perform({
  client,
  async connect() {
    await client.connect(transport);
    return revision;
  },
  callTool: (name, args, options) => client.callTool({ name, arguments: args }, CallToolResultSchema, options),
  async close() {
    if (job.transport === 'stdio') {
      const { pid } = transport;
      await client.close();
      return checkGone(pid);
    }
    check(transport.sessionId, 'there is no session to end');
    await transport.terminateSession();
    check(transport.sessionId === undefined, 'the session was not ended');
    await client.close();
    return 'session ended with DELETE';
  },
});
process.exit(0);
