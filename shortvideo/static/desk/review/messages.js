/* What the page says: the toast with the undo, and the banner while the server does not answer. */

const SHOWN = 6_000; // milliseconds of a toast without undo

export class Messages {
  /** `retry()` is called when the operator wants the page to call the server at once. */
  constructor(root, retry) {
    this.part = (name) => root.querySelector(`[data-${name}]`);
    this.part('banner-retry').addEventListener('click', retry);
  }

  say(text) {
    this.hide();
    this.part('toast-text').textContent = text;
    this.part('spoken').textContent = text; // always on the page, and without the countdown
    this.part('toast').hidden = false;
    this.timer = setTimeout(() => this.hide(), SHOWN);
  }

  /** Say what was decided, with a button that counts down. */
  offerUndo({label, undoMilliseconds}) {
    this.say(label);
    if (undoMilliseconds <= 0) {
      return;
    }
    clearTimeout(this.timer);
    const end = Date.now() + undoMilliseconds;
    this.part('toast-undo').hidden = false;
    const tick = () => {
      const seconds = Math.ceil((end - Date.now()) / 1000);
      this.part('toast-seconds').textContent = seconds;
      if (seconds <= 0) {
        this.hide();
      }
    };
    tick();
    this.countdown = setInterval(tick, 250);
  }

  /** End the toast. */
  hide() {
    clearTimeout(this.timer);
    clearInterval(this.countdown);
    this.part('toast').hidden = true;
    this.part('toast-undo').hidden = true;
  }

  showBanner(text, {login = false} = {}) {
    this.part('banner-text').textContent = text;
    this.part('banner-login').hidden = !login;
    this.part('banner-retry').hidden = false;
    this.part('banner').hidden = false;
  }

  hideBanner() {
    this.part('banner').hidden = true;
  }
}
