// The tools of the subject, registered with whatever server of the TypeScript SDKs there is.
import * as z from 'zod';

const record = z.object({ id: z.number(), name: z.string(), even: z.boolean(), weight: z.number() });

export function register(server) {
  server.registerTool(
    'echo',
    { description: 'Returns the message as it is.', inputSchema: z.object({ message: z.string() }) },
    async ({ message }) => ({ content: [{ type: 'text', text: message }] }),
  );
  server.registerTool(
    'count',
    { description: 'Counts the records.', inputSchema: z.object({ records: z.array(record) }) },
    async ({ records }) => ({ content: [{ type: 'text', text: `${records.length} records` }] }),
  );
  return server;
}

// Listens on a free port and prints the address.
export function listen(server) {
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));
}
