// A transport of the npm SDKs for servers that speak in lines on a TCP port or a Unix socket.

import { once } from 'node:events';
import { connect } from 'node:net';

/** What `node:net` connects to, for a job. */
export function place(job) {
  return job.transport === 'tcp' ? { host: job.host, port: job.port } : { path: job.path };
}

/** Messages as the SDK itself writes and reads them on stdio: with its `ReadBuffer` and `serializeMessage`. */
export class LineTransport {
  #place;
  #serialize;
  #buffer;
  #socket;

  constructor(place, { ReadBuffer, serializeMessage }) {
    this.#place = place;
    this.#serialize = serializeMessage;
    this.#buffer = new ReadBuffer();
  }

  async start() {
    this.#socket = connect({ ...this.#place, noDelay: true });
    this.#socket.on('data', (chunk) => this.#read(chunk));
    this.#socket.on('error', (error) => this.onerror?.(error));
    this.#socket.on('close', () => this.onclose?.());
    await once(this.#socket, 'connect');
  }

  #read(chunk) {
    try {
      this.#buffer.append(chunk);
      for (let message = this.#buffer.readMessage(); message !== null; message = this.#buffer.readMessage()) {
        this.onmessage?.(message);
      }
    } catch (error) {
      this.onerror?.(error);
    }
  }

  send(message) {
    return new Promise((resolve, reject) => {
      this.#socket.write(this.#serialize(message), (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Ends this side, and waits for the server to end the other. */
  async close() {
    if (this.#socket.closed) return;
    this.#socket.end();
    await once(this.#socket, 'close');
  }

  /** Whether both sides have ended. */
  get closed() {
    return this.#socket.closed;
  }
}
