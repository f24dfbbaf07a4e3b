/* What stands beside the picture. All text comes from people outside: it is set as text, never as HTML. */

const element = (name, text, className = '') => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
};

/** A text of uploaders, in an element of its own direction. */
const outside = (text) => element('bdi', text);

export class Facts {
  constructor(root, texts) {
    this.texts = texts;
    this.part = (name) => root.querySelector(`[data-${name}]`);
  }

  show(clip) {
    const {texts} = this;
    this.part('title').replaceChildren(clip.title.trim() ? outside(clip.title) : texts.untitled);
    this.part('vod-id').textContent = clip.vodId;
    this.part('causes').replaceChildren(...clip.causes.map((cause) => element('span', cause, 'badge badge-attention')));
    this.part('details-link').href = clip.url;
    this.part('past').hidden = !clip.past;
    this.part('correct').hidden = !clip.isBlocked;
    this.showStanding(clip);
    this.showLabels(clip);
    this.showFacts(clip);
    this.showNotes(clip);
    this.part('history-lines').replaceChildren(...clip.history.map((line) => element('li', line.text, line.isOfEarlierSource ? 'quiet' : '')));
    this.part('history').hidden = !clip.history.length;
  }

  showStanding(clip) {
    const part = this.part('standing');
    part.hidden = !clip.standing;
    part.textContent = clip.standing;
  }

  showLabels(clip) {
    const best = new Map();
    for (const hit of clip.hits) {
      if (!best.has(hit.label) || best.get(hit.label).score < hit.score) {
        best.set(hit.label, hit);
      }
    }
    const badges = [...best.values()].sort((a, b) => b.score - a.score).map((hit) => element('span', `${hit.label} ${Math.round(hit.score)}`, `badge badge-${hit.tone}`));
    const verdict = element('span', clip.verdict ? this.texts.aiReview.replace('{verdict}', clip.verdict) : this.texts.noAiReview, 'quiet');
    this.part('labels').replaceChildren(verdict, ...badges);
  }

  showFacts(clip) {
    const rows = [
      [this.texts.uploader, this.uploader(clip.uploader)],
      [this.texts.description, clip.description && outside(clip.description)],
      [this.texts.tags, clip.tags.length && outside(clip.tags.join(', '))],
      [this.texts.status, [clip.statusLabel, clip.waiting].filter(Boolean).join(' · ')],
    ];
    this.part('facts').replaceChildren(...rows.filter(([, value]) => value).flatMap(([name, value]) => {
      const detail = document.createElement('dd');
      detail.append(value);
      return [element('dt', name), detail];
    }));
  }

  uploader(uploader) {
    if (!uploader) {
      return '';
    }
    const link = document.createElement('a');
    Object.assign(link, {href: uploader.url, target: '_blank', rel: 'noopener'});
    link.append(outside(uploader.name));
    const decided = uploader.approved + uploader.blocked;
    const figures = this.texts.uploaderFigures
      .replace('{clips}', uploader.clips)
      .replace('{decided}', decided)
      .replace('{blocked}', uploader.blocked);
    const made = document.createElement('span');
    made.append(link, element('span', figures, 'quiet uploader-figures'));
    return made;
  }

  showNotes(clip) {
    const part = this.part('notes');
    part.hidden = !clip.notes.length;
    part.replaceChildren(...clip.notes.map((note) => element('p', `${note.who}: ${note.text}`)));
  }
}
