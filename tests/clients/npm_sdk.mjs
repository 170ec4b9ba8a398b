// npm @modelcontextprotocol/sdk 1.x.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ReadBuffer, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';

import { CAPABILITIES, performAsking } from './asking.mjs';
import { check, checkGone, job, perform } from './deeds.mjs';
import { LineTransport, place } from './line_transport.mjs';

const capabilities = job.sheet === 'asking' ? CAPABILITIES : {};
const client = new Client({ name: 'npm-sdk', version: '1.32.2' }, { capabilities });
const transports = {
  stdio: () => new StdioClientTransport({ command: job.command[0], args: job.command.slice(1), stderr: 'inherit' }),
  http: () => new StreamableHTTPClientTransport(new URL(job.url)),
  tcp: () => new LineTransport(place(job), { ReadBuffer, serializeMessage }),
  unix: () => new LineTransport(place(job), { ReadBuffer, serializeMessage }),
};
const transport = transports[job.transport]();

// The SDK tells a transport which revision was agreed on and keeps no record that its user could ask.
let revision;
const setProtocolVersion = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = (version) => {
  revision = version;
  setProtocolVersion?.(version);
};

const adapter = {
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
    if (transport instanceof LineTransport) {
      await client.close();
      check(transport.closed, 'the connection is still open after close');
      return 'both sides of the connection are closed';
    }
    check(transport.sessionId, 'there is no session to end');
    await transport.terminateSession();
    check(transport.sessionId === undefined, 'the session was not ended');
    await client.close();
    return 'session ended with DELETE';
  },
};

const asking = {
  ...adapter,
  onElicitation: (answer) => client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(params)),
  onSampling: (answer) => client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => answer(params)),
  onUpdated: (hear) => client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => hear(params)),
  onListChanged: (hear) => client.setNotificationHandler(ResourceListChangedNotificationSchema, () => hear()),
  watchResource: (uri) => client.subscribeResource({ uri }),
  watchList: async () => {},
  async callTask(name, args) {
    const seen = [];
    const options = { task: { ttl: 60_000 } };
    for await (const message of client.experimental.tasks.callToolStream({ name, arguments: args }, undefined, options)) {
      if (message.type === 'error') throw message.error;
      if (message.type === 'result') return { result: message.result, seen };
      seen.push(message.task.status);
    }
    throw new Error('the stream ended without a result');
  },
};

await (job.sheet === 'asking' ? performAsking(asking) : perform(adapter));
process.exit(0);
