/* The sources of a clip in a video element: the first one that plays. */

const HLS = 'application/vnd.apple.mpegurl';
const SLOW = 2_000; // milliseconds without an answer of the CDN
const HERE = import.meta.url;

/** hls.js, loaded once, and only for a clip that needs it. */
let library;
const loadHls = () => {
  library ??= import('./vendor/hls.js/hls.light.min.mjs').then((module) => module.default);
  return library;
};

export class Sources {
  /**
   * `onStart(source)`: this one is tried now. `onSlow()`: the CDN has not answered for two seconds.
   * `onReady()`: it plays. `onFail()`: none of them plays.
   */
  constructor(player, {onStart = () => {}, onSlow = () => {}, onReady = () => {}, onFail = () => {}}) {
    Object.assign(this, {player, onStart, onSlow, onReady, onFail, rest: [], isClosed: false});
    player.addEventListener('loadedmetadata', () => this.settle(() => this.onReady()));
    player.addEventListener('error', () => {
      if (!this.hls) { // it reports its own errors
        this.tryNext();
      }
    });
  }

  play(sources) {
    this.rest = [...sources];
    this.hasFailed = false;
    return this.tryNext();
  }

  async tryNext() {
    this.drop();
    const source = this.rest.shift();
    this.settle();
    if (this.isClosed) {
      return;
    }
    if (!source) {
      this.hasFailed = true;
      this.onFail();
      return;
    }
    const isLoading = this.player.getAttribute('src') === source.url && !this.player.error; // by the page's HTML
    if (!isLoading || this.player.readyState < HTMLMediaElement.HAVE_METADATA) {
      this.timer = setTimeout(() => this.onSlow(), SLOW);
    }
    if (source.type === HLS && !this.player.canPlayType(HLS)) {
      await this.playByScript(source);
    } else if (!isLoading) {
      this.player.src = source.url;
    }
    this.onStart(source);
  }

  async playByScript(source) {
    this.wanted = source;
    const Hls = await loadHls().catch(() => null);
    if (this.wanted !== source || this.isClosed) {
      return; // another one is tried by now
    }
    if (!Hls?.isSupported()) {
      this.tryNext();
      return;
    }
    this.hls = new Hls({workerPath: new URL('vendor/hls.js/hls.worker.js', HERE).href, maxBufferLength: 20});
    this.hls.on(Hls.Events.ERROR, (_event, {fatal}) => {
      if (fatal) {
        this.tryNext();
      }
    });
    this.hls.loadSource(source.url);
    this.hls.attachMedia(this.player);
  }

  settle(then = () => {}) {
    clearTimeout(this.timer);
    then();
  }

  drop() {
    this.wanted = null;
    this.hls?.destroy();
    this.hls = null;
  }

  /** End all loading. */
  close() {
    this.isClosed = true;
    this.settle();
    this.drop();
    this.player.removeAttribute('src');
    this.player.load();
  }
}
