/* The review page: a queue of claimed clips, one on the screen, the next ones loading behind it. */

import {CallError, Server} from './calls.js';
import {Dialogs, leaveMenu} from './dialogs.js';
import {Facts} from './facts.js';
import {listen} from './keys.js';
import {Messages} from './messages.js';
import {Past} from './past.js';
import {Stage} from './stage.js';

const HELD = 3; // clips that a page claims: the one on the screen and the next two
const BEAT = 45_000; // milliseconds
const NEWS = 1_000;
const LOOK_AGAIN = 5_000; // at an empty queue
const RETRIES = [500, 1_000, 2_000, 4_000, 8_000];

const settings = JSON.parse(document.getElementById('review-settings').textContent);
const {texts} = settings;
const root = document.querySelector('[data-review]');
const part = (name) => root.querySelector(`[data-${name}]`);
const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

class Review {
  constructor() {
    const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
    this.server = new Server(settings.calls, crypto.randomUUID(), token);
    this.stage = new Stage(root, settings, (clip) => this.server.askForSources(clip));
    this.facts = new Facts(root, texts);
    this.messages = new Messages(root, () => this.retryNow?.());
    this.dialogs = new Dialogs(settings, (name, values) => this.onDialog(name, values));
    this.past = new Past(this, texts);
    this.queue = []; // claimed clips; the first is on the screen
    this.sending = new Map(); // decisions on their way, by claim
    this.sent = Promise.resolve(); // the answer of the last decision
    this.undoable = []; // own decisions in the order of their keys
    this.skippedSince = '';
    this.activeAt = Date.now();
    this.dialogs.showKeys(settings.keyNames, texts.commands);
    if (settings.hasSingleKeys) {
      listen(settings.keys, (command, number) => this.run(command, number));
    }
    for (const button of document.querySelectorAll('[data-command]')) {
      button.addEventListener('click', (event) => {
        leaveMenu(button);
        if (event.detail) {
          document.activeElement.blur(); // after a mouse's click Space is the key of the page, not of the button
        }
        this.run(button.dataset.command);
      });
    }
    part('empty').querySelector('[data-key="unskip"]').addEventListener('click', () => this.run('unskip'));
    part('order').value = settings.order;
    part('order').addEventListener('change', () => this.changeOrder());
    for (const name of ['keydown', 'pointerdown', 'pointermove']) {
      document.addEventListener(name, () => { this.activeAt = Date.now(); }, {passive: true});
    }
    window.addEventListener('pagehide', () => this.server.leave());
    window.addEventListener('beforeunload', (event) => {
      if (this.sending.size) {
        event.preventDefault();
      }
    });
    setInterval(() => this.beat(), BEAT);
    document.addEventListener('visibilitychange', () => this.beat());
    this.watchNews();
    this.fill();
  }

  get current() {
    return this.queue[0];
  }

  // --- The queue

  /** Claim clips until the page holds enough of them. */
  async fill() {
    this.filling ??= this.fillOnce().finally(() => { this.filling = null; });
    return this.filling;
  }

  async fillOnce() {
    const answer = await this.call('clips', {limit: HELD, order: part('order').value, skipped_since: this.skippedSince});
    const known = new Set([...this.queue.map((clip) => clip.claim), ...this.sending.keys()]);
    this.queue.push(...answer.clips.filter((clip) => !known.has(clip.claim)));
    this.showWaiting(answer);
    this.show();
    clearTimeout(this.again);
    if (!this.queue.length || answer.preparing) {
      this.again = setTimeout(() => this.fill(), answer.preparing ? NEWS : LOOK_AGAIN);
    }
  }

  showWaiting({waiting: count, preparing}) {
    const label = count > settings.counted - 1 ? `${(settings.counted - 1).toLocaleString()}+` : count;
    part('waiting').textContent = [preparing, texts.waiting.replace('{count}', label)].filter(Boolean).join(' · ');
    part('preparing').textContent = preparing;
    part('preparing').hidden = !preparing;
    for (const badge of document.querySelectorAll('[data-live="waiting"]')) {
      badge.textContent = label;
      badge.hidden = !count;
    }
  }

  show() {
    const clip = this.current;
    root.dataset.state = clip ? 'clip' : 'empty';
    part('empty').hidden = Boolean(clip);
    part('empty').querySelector('[data-key="unskip"]').hidden = !this.hasSkipped;
    this.stage.preload(this.queue);
    if (this.shown !== clip?.claim) {
      this.stage.show(clip || null);
      this.shown = clip?.claim;
      this.shownAt = Date.now();
    }
    if (clip && this.described !== clip) {
      this.facts.show(clip); // once: a link in it may have the focus
      this.described = clip;
    }
  }

  /** Take the clip from the screen; the next one plays at once. */
  next() {
    const clip = this.queue.shift();
    this.past.restart();
    clip.shownSeconds = (Date.now() - this.shownAt) / 1000;
    this.show();
    return clip;
  }

  /** Put a clip back on the screen. */
  bringBack(clip) {
    this.queue = [clip, ...this.queue.filter((other) => other.video !== clip.video)];
    this.shown = null;
    this.show();
  }

  // --- Commands

  run(command, number) {
    const commands = {
      approve: () => this.approve(),
      block: () => this.dialogs.show('block', this.current?.typed),
      reason: () => this.dialogs.chooseNumber(number),
      skip: () => this.skip(),
      undo: () => this.undo(),
      escalate: () => this.dialogs.show('escalate', this.current?.typed),
      note: () => this.dialogs.show('note', this.current?.typed),
      previous: () => this.past.show(),
      reverse: () => this.past.reverse(),
      correct: () => this.past.correct(),
      pause: () => this.stage.togglePause(),
      back: () => this.stage.seek(-1),
      forward: () => this.stage.seek(1),
      hit: () => this.stage.seekToNextHit(),
      speed: () => this.changeSpeed(),
      sound: () => this.stage.toggleSound(),
      reveal: () => this.stage.reveal(),
      fullscreen: () => this.stage.toggleFullscreen(),
      details: () => window.open(this.current.url, '_blank', 'noopener'),
      unskip: () => this.showSkipped(),
      help: () => this.dialogs.show('help'),
    };
    const isFree = ['undo', 'help', 'unskip', 'previous', 'reverse', 'correct', 'speed', 'sound'].includes(command);
    if (commands[command] && (this.current || isFree)) {
      commands[command]();
    }
  }

  onDialog(name, values) {
    if (!this.current) {
      return;
    }
    if (name === 'block' || name === 'lift') {
      this.decide(name === 'lift' ? 'Normal' : 'Blocked', values);
    } else if (name === 'note') {
      this.note(values.note);
    } else {
      this.escalate(values);
    }
  }

  /** Lifting a block needs a reason. */
  approve() {
    if (this.current.isBlocked) {
      this.dialogs.show('lift', this.current.typed);
    } else {
      this.decide('Normal');
    }
  }

  /** Decide about the clip on the screen. The next clip plays while the decision is sent. */
  async decide(decision, values = {}) {
    const clip = this.next();
    const sent = {claim: clip.claim, shown_seconds: clip.shownSeconds, seen: clip.seen, decision, reason: '', comment: '', ...values};
    if (clip.isConfirming) {
      sent.is_confirmed = 'on';
    }
    const done = this.sent.catch(() => {}).then(() => this.call('decide', sent)); // one by one: the log has the order of the keys
    this.sent = done;
    this.sending.set(clip.claim, done);
    this.showSending();
    try {
      const answer = await done;
      this.undoable = [...this.undoable.filter((made) => made !== answer.decision), answer.decision];
      this.messages.offerUndo(answer);
    } catch (error) {
      this.onRefusal(error, clip, values);
    } finally {
      this.sending.delete(clip.claim);
      this.showSending();
    }
    this.fill();
  }

  showSending() {
    root.setAttribute('aria-busy', String(this.sending.size > 0));
  }

  /** The clip comes back with what stands, and with the typed reason. */
  onRefusal(error, clip, values) {
    if (!(error instanceof CallError)) {
      throw error;
    }
    this.messages.say(error.sentence || texts.refused);
    if (error.problem !== 'gone') {
      const now = error.clip || clip;
      this.bringBack({...now, past: clip.past, typed: values, isConfirming: error.problem === 'changed'});
    }
  }

  async skip() {
    const clip = this.next();
    if (!clip.past) {
      this.messages.say(texts.skipped);
    }
    this.hasSkipped ||= !clip.past;
    await (clip.past ? this.past.leave(clip) : this.attempt('skip', {claim: clip.claim, shown_seconds: clip.shownSeconds}));
    this.fill();
  }

  showSkipped() {
    this.skippedSince = new Date().toISOString();
    this.hasSkipped = false;
    this.fill();
  }

  async undo() {
    await Promise.allSettled(this.sending.values());
    const last = this.undoable.pop();
    if (!last) {
      this.messages.say(texts.nothingToUndo);
      return;
    }
    const answer = await this.attempt('undo', {decision: last});
    if (answer) {
      this.messages.hide();
      this.bringBack(answer.clip);
      this.messages.say(texts.undone);
    }
  }

  async note(text) {
    const answer = await this.attempt('note', {claim: this.current.claim, text});
    if (answer && this.current?.video === answer.clip.video) {
      this.queue[0] = {...this.current, notes: answer.clip.notes};
      this.show();
      this.messages.say(texts.noteKept);
    }
  }

  async escalate({addressee, escalation}) {
    const [kind, pk] = addressee.split(' ');
    const clip = this.next();
    const answer = await this.attempt('escalate', {claim: clip.claim, shown_seconds: clip.shownSeconds, [kind]: pk, text: escalation});
    if (answer) {
      this.messages.say(answer.label);
    } else {
      this.bringBack({...clip, typed: {escalation}});
    }
    this.fill();
  }

  changeSpeed() {
    const speed = this.stage.changeSpeed();
    this.messages.say(`${speed}×`);
    this.attempt('remember', {speed_percent: Math.round(speed * 100)});
  }

  async changeOrder() {
    this.attempt('remember', {order: part('order').value});
    const [current, ...others] = this.queue;
    this.queue = current ? [current] : [];
    for (const clip of others) {
      await this.attempt('skip', {claim: clip.claim, is_left: 'on'});
    }
    this.fill();
  }

  // --- Calls

  /** Call the server, and say so if it refuses. Returns its answer, or undefined. */
  async attempt(name, values) {
    try {
      return await this.call(name, values);
    } catch (error) {
      if (!(error instanceof CallError)) {
        throw error;
      }
      this.messages.say(error.sentence || texts.refused);
      return undefined;
    }
  }

  /** Call until there is an answer: through lost connections and ended sessions. */
  async call(name, values) {
    for (let tried = 0; ; tried += 1) {
      try {
        const answer = await this.server.post(name, values);
        this.messages.hideBanner();
        return answer;
      } catch (error) {
        if (!['offline', 'login'].includes(error.problem)) {
          this.messages.hideBanner();
          throw error;
        }
        const isLogin = error.problem === 'login';
        this.messages.showBanner(isLogin ? texts.loggedOut : texts.offline, {login: isLogin});
        await this.pause(RETRIES[Math.min(tried, RETRIES.length - 1)]);
        if (isLogin) {
          await this.renewToken();
        }
      }
    }
  }

  pause(milliseconds) {
    return Promise.race([wait(milliseconds), new Promise((resolve) => { this.retryNow = resolve; })]);
  }

  async renewToken() {
    try {
      if (await this.server.renewToken() !== settings.operator) {
        window.location.reload(); // another operator has logged in: their page, their claims
      }
    } catch (error) {
      if (!(error instanceof CallError)) {
        throw error;
      }
    }
  }

  async beat() {
    try {
      await this.server.post('beat', {idle_seconds: (Date.now() - this.activeAt) / 1000});
    } catch (error) {
      if (!(error instanceof CallError)) {
        throw error;
      }
    }
  }

  /** Ask once a second what became of the held clips. */
  async watchNews() {
    for (;;) {
      await wait(NEWS);
      if (document.hidden || !this.queue.length) {
        continue;
      }
      try {
        const {claims} = await this.server.get('news', {claims: this.queue.map((clip) => clip.claim).join(',')});
        claims.forEach((news) => this.onNews(news));
      } catch (error) {
        if (!(error instanceof CallError)) {
          throw error;
        }
      }
    }
  }

  onNews(news) {
    const clip = this.queue.find((each) => each.claim === news.claim);
    if (!clip) {
      return;
    }
    if (news.isOpen && news.seen === clip.seen) {
      this.stage.renew(clip, news.sources);
      return;
    }
    const isShown = clip === this.current;
    this.queue = this.queue.filter((each) => each !== clip);
    this.show();
    if (isShown) {
      this.dialogs.close();
      this.messages.say(news.sentence);
    }
    this.fill();
  }
}

new Review();
