/* The player: the clip on the screen, and the next ones, which load behind it. */

import {Sources} from '../playing.js';

const STEP = 2; // seconds of one key press

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;

const image = (url) => Object.assign(document.createElement('img'), {src: url, alt: '', loading: 'eager', decoding: 'async'});

export class Stage {
  /**
   * `settings` says how the operator wants clips shown; its `texts` has the sentences about clips that
   * do not play. `askForSources(clip)` asks VOD for other sources: it resolves to them and to a
   * sentence that says why there are none.
   */
  constructor(root, settings, askForSources) {
    this.root = root;
    this.settings = settings;
    this.stage = root.querySelector('.review-stage');
    this.screen = root.querySelector('[data-screen]');
    this.message = root.querySelector('[data-message]');
    this.position = root.querySelector('[data-position]');
    this.clock = root.querySelector('[data-clock]');
    this.hits = root.querySelector('[data-hits]');
    this.snapshots = root.querySelector('[data-snapshots]');
    this.texts = settings.texts;
    this.askForSources = askForSources;
    this.players = new Map(); // of claims
    this.sources = new Map(); // of claims
    this.failures = new Map(); // sentences, of claims
    this.current = null;
    this.revealed = new Set(); // videos
    this.speed = settings.speed;
    this.isMuted = settings.isMuted;
    this.position.addEventListener('input', () => this.seekTo(this.duration * this.position.value / 1000));
  }

  get player() {
    return this.current && this.players.get(this.current.claim);
  }

  get duration() {
    return this.player?.duration || this.current?.duration || 0;
  }

  /** Load the clips of the queue; forget those that left it. */
  preload(clips) {
    const kept = new Set(clips.map((clip) => clip.claim));
    for (const [claim, player] of this.players) {
      if (!kept.has(claim)) {
        player.pause();
        this.sources.get(claim).close();
        player.remove();
        this.players.delete(claim);
        this.sources.delete(claim);
        this.failures.delete(claim);
      }
    }
    for (const clip of clips) {
      if (!this.players.has(clip.claim)) {
        this.load(clip);
      }
    }
  }

  load(clip) {
    const player = document.createElement('video');
    Object.assign(player, {muted: true, loop: true, playsInline: true, preload: 'auto', hidden: true});
    player.poster = clip.poster || '';
    const isShown = () => this.current?.claim === clip.claim;
    player.addEventListener('timeupdate', () => {
      if (isShown()) {
        this.showPosition();
      }
    });
    let hasAsked = false;
    const sources = new Sources(player, {
      onStart: () => {
        if (isShown()) {
          this.play();
        }
      },
      onSlow: () => this.fail(clip, this.texts.slow),
      onReady: () => {
        this.fail(clip, '');
        if (isShown()) {
          this.play(); // a load that began after the last call has ended it
        }
      },
      onFail: async () => {
        this.fail(clip, clip.unplayable || (clip.sources.length ? this.texts.doesNotPlay : this.texts.noFile));
        if (!hasAsked) {
          hasAsked = true;
          const found = await this.askForSources(clip);
          if (found.sources.length) {
            sources.play(found.sources);
          } else if (found.sentence) {
            this.fail(clip, found.sentence);
          }
        }
      },
    });
    this.players.set(clip.claim, player);
    this.sources.set(clip.claim, sources);
    this.screen.append(player);
    sources.play(clip.sources);
  }

  /** Play files that came after the clip was loaded. */
  renew(clip, sources) {
    if (this.failures.get(clip.claim) && sources.length > clip.sources.length) {
      clip.sources = sources;
      clip.unplayable = '';
      this.sources.get(clip.claim).play(sources);
    }
  }

  /** Remember why a clip does not play, and say so if it is on the screen; '' ends that. */
  fail(clip, sentence) {
    this.failures.set(clip.claim, sentence);
    if (this.current?.claim === clip.claim) {
      this.showFailure();
    }
  }

  showFailure() {
    const sentence = this.failures.get(this.current?.claim) || '';
    this.message.hidden = !sentence;
    this.message.textContent = sentence;
  }

  /** Put a clip on the screen; null clears it. */
  show(clip) {
    if (this.player && this.current.claim !== clip?.claim) {
      this.player.pause();
      this.player.hidden = true;
    }
    this.current = clip;
    this.showFailure();
    this.showVeil();
    if (!clip) {
      return;
    }
    this.showMarks(clip);
    this.showPosition();
    const {player} = this;
    player.hidden = false;
    this.applySpeed();
    player.muted = this.isMuted;
    this.play();
  }

  async play() {
    try {
      await this.player.play();
    } catch (error) {
      if (error.name === 'NotAllowedError' && !this.player.muted) {
        this.player.muted = true; // a browser plays sound only after a click or a key
        await this.player.play();
      }
    }
  }

  showMarks(clip) {
    const length = (clip.duration || 1) * 1000;
    this.hits.replaceChildren(...clip.hits.filter((hit) => hit.at !== null).map((hit) => {
      const mark = document.createElement('button');
      mark.type = 'button';
      mark.className = `hit hit-${hit.tone}`;
      mark.title = `${hit.label} ${Math.round(hit.score)} · ${clock(hit.at / 1000)}`;
      mark.setAttribute('aria-label', mark.title);
      mark.style.insetInlineStart = `${Math.min(99, hit.at / length * 100)}%`;
      mark.addEventListener('click', () => this.seekTo(hit.at / 1000));
      if (hit.picture) {
        const frame = document.createElement('span');
        frame.className = 'hit-picture';
        frame.append(image(hit.picture));
        mark.append(frame);
      }
      return mark;
    }));
    const pictured = clip.hits.filter((hit) => hit.picture);
    this.snapshots.replaceChildren(
      ...pictured.map((hit) => this.makeShot(hit.picture, (hit.at || 0) / 1000, hit)),
      ...clip.snapshots.map((url, index) => this.makeShot(url, clip.duration * index / clip.snapshots.length)),
    );
  }

  /** A picture of the strip, which seeks to its moment; that of a hit has its label. */
  makeShot(url, at, hit = null) {
    const item = document.createElement('li');
    const button = document.createElement('button');
    const picture = image(url);
    button.type = 'button';
    button.setAttribute('aria-label', hit ? `${hit.label} ${Math.round(hit.score)} · ${clock(at)}` : clock(at));
    button.addEventListener('click', () => this.seekTo(at));
    picture.addEventListener('error', () => item.remove());
    button.append(picture);
    if (hit) {
      const label = document.createElement('span');
      label.className = `badge badge-${hit.tone}`;
      label.textContent = hit.label;
      item.className = `shot-${hit.tone}`;
      button.append(label);
    }
    item.append(button);
    return item;
  }

  showPosition() {
    const at = this.player?.currentTime || 0;
    this.position.value = this.duration ? Math.round(at / this.duration * 1000) : 0;
    this.clock.textContent = `${clock(at)} / ${clock(this.duration)}`;
    this.position.setAttribute('aria-valuetext', this.clock.textContent);
  }

  seekTo(seconds) {
    if (this.player) {
      this.player.currentTime = Math.max(0, Math.min(seconds, this.duration - 0.05));
      this.showPosition();
    }
  }

  seek(direction) {
    this.seekTo((this.player?.currentTime || 0) + direction * STEP);
  }

  /** Go to the next hit of the AI; from the last to the first. */
  seekToNextHit() {
    const moments = (this.current?.hits || []).filter((hit) => hit.at !== null).map((hit) => hit.at / 1000).sort((a, b) => a - b);
    if (moments.length) {
      const now = this.player?.currentTime || 0;
      this.seekTo(moments.find((at) => at > now + 0.2) ?? moments[0]);
      this.player?.pause();
    }
  }

  togglePause() {
    if (this.player?.paused) {
      this.play();
    } else {
      this.player?.pause();
    }
  }

  changeSpeed() {
    const {speeds} = this.settings;
    this.speed = speeds[(speeds.indexOf(this.speed) + 1) % speeds.length];
    this.applySpeed();
    return this.speed;
  }

  /** A browser goes back to the default when another source is tried. */
  applySpeed() {
    if (this.player) {
      this.player.defaultPlaybackRate = this.player.playbackRate = this.speed;
    }
  }

  toggleSound() {
    this.isMuted = !(this.player ? this.player.muted : this.isMuted);
    if (this.player) {
      this.player.muted = this.isMuted;
    }
  }

  reveal() {
    this.revealed.add(this.current.video);
    this.showVeil();
  }

  /** Blur the clip and its snapshots, or take their colours, until the clip is revealed. */
  showVeil() {
    const isVeiled = this.current && !this.revealed.has(this.current.video);
    this.stage.classList.toggle('is-veiled', Boolean(isVeiled && (this.settings.isBlurred || this.current.isBlocked)));
    this.stage.classList.toggle('is-grey', Boolean(isVeiled && this.settings.isGrey));
  }

  toggleFullscreen() {
    if (document.fullscreenElement) {
      document.exitFullscreen();
    } else {
      this.root.requestFullscreen();
    }
  }
}
