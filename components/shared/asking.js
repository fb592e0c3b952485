// Questions to our own server: the newest counts, one that is busy is asked again, what goes wrong comes back in words.

const RETRIES = 6;
const RETRY_MS = 900;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Asker {
  /**
   * The reply as an object, or null if something newer was asked meanwhile.
   * @param {string} url
   * @param {object} [body] posted as JSON; without one it is a GET.
   * @throws {Error} with the server's own words.
   */
  async ask(url, body) {
    this.stop?.abort();
    const stop = new AbortController();
    this.stop = stop;
    const how = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
    try {
      for (let attempt = 0; ; attempt += 1) {
        const answer = await fetch(url, { ...how, signal: stop.signal });
        if (answer.status === 503 && attempt < RETRIES) {
          await pause(RETRY_MS * (attempt + 1));
          continue;
        }
        const record = await answer.json().catch(() => ({}));
        if (stop.signal.aborted) return null;
        if (!answer.ok) throw new Error(record.error ?? "The server did not answer. Try again.");
        return record;
      }
    } catch (error) {
      if (stop.signal.aborted) return null;
      throw error instanceof TypeError ? new Error("The server can't be reached. What is shown stays; try again.") : error;
    }
  }

  forget() {
    this.stop?.abort();
  }
}
