// The line in which files wait to be sent: a few at a time, each on its own, and all of them patient when the studio asks for a rest.
import { postForm } from "../requests.js";

const AT_ONCE = 3;

/** One file on its way. `state`: waiting, sending, checking, done, there, failed, stopped. `changed(job)` is told of every step. */
export class Line {
  /** @param {string} url  @param {(job: object) => void} changed */
  constructor(url, changed) {
    Object.assign(this, { url, changed, waiting: [], running: new Set(), restsUntil: 0 });
  }

  get isBusy() { return this.running.size > 0 || this.waiting.length > 0; }

  add(job) {
    this.#step(job, "waiting", { problem: "", fraction: 0 });
    this.waiting.push(job);
    this.#next();
  }

  stop(job) {
    const place = this.waiting.indexOf(job);
    if (place >= 0) this.waiting.splice(place, 1);
    job.turn?.abort();
    if (place >= 0) this.#step(job, "stopped");
    this.#next();
  }

  #next() {
    const rest = this.restsUntil - Date.now();
    if (rest > 0) { clearTimeout(this.timer); this.timer = setTimeout(() => this.#next(), rest); return; }
    while (this.running.size < AT_ONCE && this.waiting.length) this.#send(this.waiting.shift());
  }

  async #send(job) {
    this.running.add(job);
    job.turn = new AbortController();
    this.#step(job, "sending", { fraction: 0 });
    const body = new FormData();
    body.set("file", job.file, job.file.name || "pasted.png");
    const onProgress = (fraction) => this.#step(job, fraction < 1 ? "sending" : "checking", { fraction });
    try {
      const answer = await postForm(this.url, body, { onProgress, signal: job.turn.signal });
      this.#leave(job);
      this.#step(job, answer.is_new ? "done" : "there", { answer });
    } catch (error) {
      this.#leave(job);
      if (error.name === "AbortError") this.#step(job, "stopped");
      else if (error.status === 429) this.#rest(job, error.wait || 5);
      // What the studio did not accept will not be accepted the next time either.
      else this.#step(job, "failed", { problem: error.message, login: error.login, canRetry: ![413, 422].includes(error.status) });
    }
    this.#next();
  }

  #leave(job) { this.running.delete(job); job.turn = null; }

  #rest(job, seconds) {
    this.restsUntil = Math.max(this.restsUntil, Date.now() + seconds * 1000);
    this.waiting.unshift(job);
    this.#step(job, "waiting", { problem: `Goes on in ${seconds} s.` });
  }

  #step(job, state, more = {}) {
    Object.assign(job, { state }, more);
    this.changed(job);
  }
}
