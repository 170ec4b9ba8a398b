// The official TypeScript server SDK 2: its handler for both eras, JSON answers, on node:http without a framework.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { listen, register } from './tools.mjs';

const handler = createMcpHandler(() => register(new McpServer({ name: 'bench', version: '1.0.0' })), {
  responseMode: 'json',
});
listen(createServer(toNodeHandler(handler)));
