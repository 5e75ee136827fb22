// Chunks of a live run, from the lines of JSON of its answer.

/**
 * Lines of JSON as they arrive. An error line of the server becomes an Error.
 * @param {Response} response
 * @returns {AsyncGenerator<Api.LiveChunk | Api.LiveState>}
 */
export async function* readChunks(response) {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line) continue;
      const chunk = JSON.parse(line);
      if (chunk.error) throw new Error(chunk.error);
      yield chunk;
    }
  }
}
