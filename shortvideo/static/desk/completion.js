/* A field that finds a row by typing. The row that is chosen applies to its form at once. */

import Combobox from './vendor/combobox-nav/index.js';

const PAUSE = 200; // milliseconds after the last key

const makeOption = (text, value) => {
  const option = document.createElement('li');
  option.role = 'option';
  option.textContent = text;
  if (value === undefined) {
    option.ariaDisabled = 'true';
  } else {
    option.dataset.value = value;
  }
  return option;
};

for (const form of document.querySelectorAll('[data-completes]')) {
  const chosen = form.querySelector('[data-chosen]');
  const field = form.querySelector('[type="text"]');
  const list = form.querySelector('[role="listbox"]');
  const before = field.value;
  const combobox = new Combobox(field, list, {firstOptionSelectionMode: 'active', tabInsertsSuggestions: false});
  let newest = 0;
  let timer;

  const close = () => {
    newest += 1;
    clearTimeout(timer);
    combobox.stop();
    list.hidden = true;
    field.value = before;
  };
  const search = async () => {
    newest += 1;
    const number = newest;
    const term = field.value === before ? '' : field.value;
    const answer = await fetch(`${form.dataset.completes}&${new URLSearchParams({term})}`).catch(() => null);
    if (!answer?.ok || number !== newest) {
      return;
    }
    const {results} = await answer.json();
    const options = results.map(({text, id}) => makeOption(text, id));
    list.replaceChildren(...(options.length ? options : [makeOption(list.dataset.nothing)]));
    list.hidden = false;
    combobox.start();
  };

  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE);
  });
  field.addEventListener('click', search);
  field.addEventListener('blur', close);
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) {
      return;
    }
    if (event.key === 'Escape') {
      close();
    } else if (event.key === 'Enter') {
      event.preventDefault(); // only a row that is chosen is sent
    } else if (event.key === 'ArrowDown' && list.hidden) {
      search();
    }
  });
  list.addEventListener('mousedown', (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener('combobox-commit', ({target}) => {
    chosen.value = target.dataset.value;
    form.submit();
  });
}
