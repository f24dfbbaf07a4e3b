/* The server's side of the review page: POST with form data, JSON back. */

const TIMEOUT = 10_000; // milliseconds

/** An answer that is not 200, or no answer: `problem` is "offline" then. */
export class CallError extends Error {
  constructor(answer) {
    super(answer.sentence || '');
    Object.assign(this, answer);
  }
}

export class Server {
  constructor(urls, page, token) {
    this.urls = urls;
    this.page = page;
    this.token = token;
  }

  post(name, values = {}) {
    const body = new URLSearchParams({page: this.page, ...values});
    return this.call(this.urls[name], {method: 'POST', body, headers: {'X-CSRFToken': this.token}});
  }

  get(name, values = {}) {
    return this.call(`${this.urls[name]}?${new URLSearchParams({page: this.page, ...values})}`);
  }

  /** Other sources of a clip whose own do not play, or why there are none. */
  async askForSources(clip) {
    try {
      return await this.post('play', {claim: clip.claim});
    } catch (error) {
      if (!(error instanceof CallError)) {
        throw error;
      }
      return {sources: [], sentence: error.sentence};
    }
  }

  /** Free the page's clips while it is being closed: no answer is awaited. */
  leave() {
    const body = new URLSearchParams({page: this.page, csrfmiddlewaretoken: this.token});
    navigator.sendBeacon(this.urls.leave, body);
  }

  /** Take the token of the present session. Returns the operator's id. */
  async renewToken() {
    const {token, operator} = await this.get('session');
    this.token = token;
    return operator;
  }

  async call(url, options = {}) {
    let response;
    try {
      response = await fetch(url, {...options, signal: AbortSignal.timeout(TIMEOUT), redirect: 'error'});
    } catch {
      throw new CallError({problem: 'offline'});
    }
    const isJson = (response.headers.get('Content-Type') || '').startsWith('application/json');
    const answer = isJson ? await response.json() : {};
    if (response.ok && isJson) {
      return answer;
    }
    if (!isJson && response.status === 403) { // the token is of an earlier session
      throw new CallError({problem: 'login'});
    }
    throw new CallError({problem: response.status >= 500 ? 'offline' : 'refused', ...answer});
  }
}
