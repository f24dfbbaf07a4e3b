/* The dialogs of the review page: block, note, escalate, keys. */

/** Close the menu around an element. The focus goes to its summary, which stays on the page. */
export const leaveMenu = (element) => {
  const menu = element.closest('details[data-closes]');
  if (menu?.open) {
    menu.querySelector('summary').focus();
    menu.open = false;
  }
};

export class Dialogs {
  /** `send(name, values)` is called when a dialog is sent. */
  constructor({hasSingleKeys, keys}, send) {
    this.hasSingleKeys = hasSingleKeys;
    this.blockKey = keys.block.toLowerCase();
    this.send = send;
    for (const button of document.querySelectorAll('[data-send]')) {
      button.addEventListener('click', () => this.submit(button.dataset.send));
    }
    for (const button of document.querySelectorAll('[data-template]')) {
      button.addEventListener('click', () => this.sendTemplate(button));
    }
    document.addEventListener('keydown', (event) => this.onKey(event));
  }

  get open() {
    return document.querySelector('dialog[open]');
  }

  dialog(name) {
    return document.querySelector(`[data-dialog="${name}"]`);
  }

  field(name) {
    return document.querySelector(`[data-field="${name}"]`);
  }

  /** Open a dialog; `values` are texts that were typed before. */
  show(name, values = {}) {
    const dialog = this.dialog(name);
    for (const field of dialog.querySelectorAll('[data-field]:not(select)')) {
      field.value = values[field.dataset.field] || '';
      field.dispatchEvent(new Event('input'));
    }
    leaveMenu(document.activeElement); // a closed dialog gives the focus back
    dialog.showModal();
    const first = dialog.querySelector('[data-template], [data-field]');
    (values.reason ? this.field('reason') : first)?.focus();
  }

  close() {
    this.open?.close();
  }

  onKey(event) {
    const {open} = this;
    if (!open || event.isComposing || event.keyCode === 229) {
      return;
    }
    const isChoosing = this.hasSingleKeys && open.dataset.dialog === 'block' && !event.target.matches('input, textarea, select');
    if (isChoosing && /^[1-9]$/.test(event.key)) {
      event.preventDefault();
      this.chooseNumber(Number(event.key));
    } else if (isChoosing && event.key.toLowerCase() === this.blockKey) {
      event.preventDefault();
      this.field('reason').focus();
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey || event.target.matches('input[data-field]'))) {
      event.preventDefault();
      this.submit(open.dataset.dialog);
    }
  }

  /** Block with the reason of this number. Returns whether there is one. */
  chooseNumber(number) {
    const button = document.querySelector(`[data-number="${number}"]`);
    if (button) {
      this.sendTemplate(button);
    }
    return Boolean(button);
  }

  sendTemplate(button) {
    const comment = this.field('comment').value;
    this.close();
    this.send('block', {template: button.dataset.template, comment});
  }

  submit(name) {
    const dialog = this.dialog(name);
    const fields = [...dialog.querySelectorAll('[data-field]')];
    const wrong = fields.find((field) => field.getAttribute('aria-invalid') === 'true' || (field.dataset.field !== 'comment' && !field.value.trim()));
    if (wrong) {
      wrong.focus();
      return;
    }
    const values = Object.fromEntries(fields.map((field) => [field.dataset.field, field.value]));
    this.close();
    this.send(name, values);
  }

  /** Show the key of each command in the list of `?`, and on the buttons if the keys are on. */
  showKeys(keys, names) {
    const list = document.querySelector('[data-key-list]');
    list.replaceChildren(...Object.entries(keys).flatMap(([command, key]) => {
      const name = document.createElement('dt');
      const detail = document.createElement('dd');
      const shown = document.createElement('kbd');
      shown.textContent = key;
      name.append(shown);
      detail.textContent = names[command] || command;
      return [name, detail];
    }));
    for (const place of document.querySelectorAll('[data-key-of]')) {
      place.textContent = this.hasSingleKeys ? keys[place.dataset.keyOf] : '';
    }
  }
}
