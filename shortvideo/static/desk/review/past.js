/* Clips that the operator has decided: shown again, reversed, or blocked for another reason. */

export class Past {
  constructor(review, texts) {
    this.review = review;
    this.texts = texts;
    this.restart();
  }

  /** Begin with the last decision again. */
  restart() {
    this.before = '';
  }

  /** Put the clip of the decision before on the screen. Returns whether there is one. */
  async show() {
    const {review} = this;
    await Promise.allSettled(review.sending.values());
    const shown = review.current?.past ? review.current : null;
    const answer = await review.attempt('past', {before: this.before});
    if (!answer?.clip) {
      if (answer) {
        this.before = answer.decision || this.before;
        review.messages.say(answer.sentence);
      }
      return false;
    }
    const left = shown && shown === review.current ? review.next() : null;
    this.before = answer.decision;
    review.messages.hide();
    review.bringBack({...answer.clip, past: answer.decision});
    if (left) {
      await this.leave(left);
    }
    return true;
  }

  /** Free the clip for colleagues. */
  leave(clip) {
    return this.review.attempt('skip', {claim: clip.claim, shown_seconds: clip.shownSeconds, is_left: 'on'});
  }

  /** Ask for the reason of the opposite decision. */
  async reverse() {
    if (await this.showLast()) {
      const {current, dialogs} = this.review;
      dialogs.show(current.isBlocked ? 'lift' : 'block', current.typed);
    }
  }

  /** Ask for another reason of a block. */
  async correct() {
    if (!await this.showLast()) {
      return;
    }
    const {current, dialogs, messages} = this.review;
    if (current.isBlocked) {
      dialogs.show('block', {reason: current.reason, ...current.typed});
    } else {
      messages.say(this.texts.notBlocked);
    }
  }

  /** Show the clip of the last decision, unless a past clip is on the screen. */
  async showLast() {
    if (this.review.current?.past) {
      return true;
    }
    this.restart();
    return this.show();
  }
}
