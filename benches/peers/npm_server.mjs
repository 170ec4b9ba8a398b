// The official TypeScript server SDK 2: its handler for both eras as it is by default, which answers a modern client with JSON when
// nothing was told before, on node:http without a framework.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { listen, register } from './tools.mjs';

const handler = createMcpHandler(() => register(new McpServer({ name: 'bench', version: '1.0.0' })));
listen(createServer(toNodeHandler(handler)));
