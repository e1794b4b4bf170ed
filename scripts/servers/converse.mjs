import { connect } from "node:net";

/**
 * Connects to a port of 127.0.0.1, sends `request`, and resolves to what was received as soon as `isComplete(text)` says so.
 * Rejects where the connection fails, ends before that, or takes longer than `limitMs`.
 */
export function converse(port, request, isComplete, limitMs = 2_000) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let received = "";
    const end = (settle, outcome) => {
      clearTimeout(timer);
      socket.destroy();
      settle(outcome);
    };
    const timer = setTimeout(
      () => end(reject, new Error(`No answer within ${limitMs} ms`)),
      limitMs,
    );
    socket.setEncoding("latin1");
    socket.on("connect", () => socket.write(request, "latin1"));
    socket.on("data", (text) => {
      received += text;
      if (isComplete(received)) end(resolve, received);
    });
    socket.on("error", (error) => end(reject, error));
    socket.on("close", () => end(reject, new Error("The connection was closed")));
  });
}
