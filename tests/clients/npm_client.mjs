// npm @modelcontextprotocol/client 2.x.

import { Client, ReadBuffer, serializeMessage, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { CAPABILITIES, performAsking } from './asking.mjs';
import { brief, Cannot, check, checkGone, job, perform } from './deeds.mjs';
import { LineTransport, place } from './line_transport.mjs';

const TASKS = 'io.modelcontextprotocol/tasks';

const mode = job.era === 'modern' ? 'auto' : 'legacy';
// The extension is declared so that the server answers with a task, and the client has to say what it makes of it.
const capabilities = job.sheet === 'asking' ? { ...CAPABILITIES, extensions: { [TASKS]: {} } } : {};
const client = new Client({ name: 'npm-client', version: '2.4.0' }, { versionNegotiation: { mode }, capabilities });
const transports = {
  stdio: () => new StdioClientTransport({ command: job.command[0], args: job.command.slice(1), stderr: 'inherit' }),
  http: () => new StreamableHTTPClientTransport(new URL(job.url)),
  tcp: () => new LineTransport(place(job), { ReadBuffer, serializeMessage }),
  unix: () => new LineTransport(place(job), { ReadBuffer, serializeMessage }),
};
const transport = transports[job.transport]();

const adapter = {
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
    if (transport instanceof LineTransport) {
      await client.close();
      check(transport.closed, 'the connection is still open after close');
      return 'both sides of the connection are closed';
    }
    if (job.era === 'legacy') {
      check(transport.sessionId, 'there is no session to end');
      await transport.terminateSession();
      check(transport.sessionId === undefined, 'the session was not ended');
    }
    await client.close();
    return job.era === 'legacy' ? 'session ended with DELETE' : 'closed';
  },
};

const listen = async (filter) => {
  if (job.era === 'legacy') return;
  const { honoredFilter } = await client.listen(filter);
  check(Object.keys(filter).every((key) => honoredFilter[key]), `the server honours only ${brief(honoredFilter)}`);
};

const asking = {
  ...adapter,
  onElicitation: (answer) => client.setRequestHandler('elicitation/create', ({ params }) => answer(params)),
  onSampling: (answer) => client.setRequestHandler('sampling/createMessage', ({ params }) => answer(params)),
  onUpdated: (hear) => client.setNotificationHandler('notifications/resources/updated', ({ params }) => hear(params)),
  onListChanged: (hear) => client.setNotificationHandler('notifications/resources/list_changed', () => hear()),
  watchResource: (uri) => (job.era === 'legacy' ? client.subscribeResource({ uri }) : listen({ resourceSubscriptions: [uri] })),
  watchList: () => listen({ resourcesListChanged: true }),
  // Tries, since only the client itself can say that it has no way.
  async callTask(name, args) {
    let result;
    try {
      result = await client.callTool({ name, arguments: args, task: {} });
    } catch (error) {
      // 2026-07-28: a result of a kind that it does not know. 2025-11-25: a result that is not one of tools/call.
      const isUnknown = error.code === 'UNSUPPORTED_RESULT_TYPE' && error.data?.resultType === 'task';
      const isForeign = error.code === 'INVALID_RESULT' && error.message.includes("the body carries 'task'");
      if (isUnknown || isForeign) throw new Cannot(error.message);
      throw new Error(`${error.message}: ${brief(error.data)} (code ${error.code})`);
    }
    throw new Error(`answered with ${brief(result)}`);
  },
};

await (job.sheet === 'asking' ? performAsking(asking) : perform(adapter));
process.exit(0);
