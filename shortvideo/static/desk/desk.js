/* What the desk's pages do in the browser; without it they still work. */
'use strict';
{
  const bytes = (text) => new TextEncoder().encode(text).length;

  /* Fields with a limit in bytes: a live meter, and no submitting above the limit. */
  const showBytes = (field) => {
    const meter = document.querySelector(`.byte-meter[for="${field.id}"]`);
    const limit = Number(field.dataset.maxBytes);
    const length = bytes(field.value);
    const isOver = length > limit;
    meter.textContent = `${length} / ${limit} ${meter.dataset.unit}`;
    meter.classList.toggle('is-near', !isOver && length > limit * 0.85);
    meter.classList.toggle('is-over', isOver);
    field.setAttribute('aria-invalid', String(isOver));
    for (const button of field.form.querySelectorAll('[data-submits="limited"]')) {
      button.disabled = field.form.querySelector('[data-max-bytes][aria-invalid="true"]') !== null;
    }
  };

  for (const field of document.querySelectorAll('[data-max-bytes]')) {
    field.addEventListener('input', () => showBytes(field));
    showBytes(field);
  }

  for (const chip of document.querySelectorAll('[data-fills]')) {
    chip.addEventListener('click', () => {
      const field = document.getElementById(chip.dataset.fills);
      field.value = chip.dataset.text;
      showBytes(field);
      field.focus();
    });
  }

  /* Menus close on a click elsewhere, when the focus leaves them, and on Escape, unless that closes a dialog. */
  const menus = [...document.querySelectorAll('details[data-closes="outside"]')];
  document.addEventListener('click', (event) => {
    for (const menu of menus) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });
  for (const menu of menus) {
    menu.addEventListener('focusout', ({relatedTarget}) => {
      if (relatedTarget && !menu.contains(relatedTarget)) {
        menu.open = false; // it would cover what has the focus now
      }
    });
  }
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
      for (const menu of menus.filter((each) => each.open)) {
        menu.open = false;
        menu.querySelector('summary').focus();
      }
    }
  });

  /* In place of a picture that is gone stands the mark of a clip without one; for a blocked or deleted clip, words. */
  const showGone = (picture) => {
    const place = picture.closest('[data-gone]');
    picture.hidden = true;
    if (!place) {
      picture.parentElement.classList.add('thumb-empty');
    } else if (!place.querySelector('.thumb-gone')) {
      const mark = document.createElement('span');
      mark.className = 'thumb-gone';
      mark.textContent = mark.title = place.dataset.gone;
      place.append(mark);
    }
  };
  const watchPictures = (root) => {
    for (const picture of root.querySelectorAll('.thumb img, [data-gone] img')) {
      picture.addEventListener('error', () => showGone(picture));
      if (picture.complete && picture.naturalWidth === 0 && picture.currentSrc) {
        showGone(picture);
      }
    }
  };
  watchPictures(document);

  /* Folds of the navigation stay as the operator left them. */
  for (const fold of document.querySelectorAll('details[data-remembers]')) {
    const name = `desk.${fold.dataset.remembers}`;
    fold.open ||= localStorage.getItem(name) === 'open';
    fold.querySelector('summary').addEventListener('click', () => localStorage.setItem(name, fold.open ? 'closed' : 'open'));
  }

  /* While the demo makes its clips, the first page reads its live parts again. */
  const live = (root, name) => root.querySelectorAll(`[data-live="${name}"]`);
  const refresh = async () => {
    let fresh;
    try {
      const response = await fetch(window.location.href);
      fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
    } catch {
      setTimeout(refresh, 2000); // no connection
      return;
    }
    for (const part of document.querySelectorAll('[data-live]')) {
      const now = live(fresh, part.dataset.live)[0];
      if (!now) {
        part.hidden = true;
      } else if (!part.contains(document.activeElement)) {
        part.hidden = now.hidden;
        part.replaceChildren(...now.cloneNode(true).childNodes);
        watchPictures(part);
      }
    }
    if (live(fresh, 'preparing').length) {
      setTimeout(refresh, 2000);
    }
  };
  if (live(document, 'preparing').length) {
    setTimeout(refresh, 2000);
  }

  /* On a phone each row is a card: its cells say which column they are. Of a list it shows the link, the picture, fields and three facts. */
  for (const table of document.querySelectorAll('#result_list, table[data-labels]')) {
    const names = [...table.querySelectorAll('thead th')].map((head) => (head.querySelector('.text') || head).textContent.trim());
    const unnamed = '.action-checkbox, .field-picture, .field-heading, .field-video_link';
    const list = table.closest('[data-phone-columns]');
    const chosen = list ? list.dataset.phoneColumns.split(' ').filter(Boolean).map((name) => `field-${name}`) : [];
    for (const row of table.tBodies[0].rows) {
      let facts = 0;
      [...row.cells].forEach((cell, index) => {
        const isEmpty = cell.textContent.trim() === '' && !cell.querySelector('input, img');
        if (names[index] && !isEmpty && !cell.matches(unnamed)) {
          cell.dataset.label = names[index];
          if (list && cell.matches('td') && !cell.querySelector('input, select')) {
            facts += 1;
            cell.classList.toggle('is-minor', chosen.length ? !chosen.some((name) => cell.classList.contains(name)) : facts > 3);
          }
        }
      });
    }
  }

  /* Undo buttons count down and go when it is too late. The key U presses the first. */
  for (const button of document.querySelectorAll('[data-undo]')) {
    const end = performance.now() + Number(button.dataset.undo);
    const tick = () => {
      const seconds = Math.ceil((end - performance.now()) / 1000);
      button.querySelector('.countdown').textContent = seconds;
      if (seconds <= 0) {
        clearInterval(timer);
        button.remove();
      }
    };
    const timer = setInterval(tick, 250);
    tick();
  }
  document.addEventListener('keydown', (event) => {
    const isTyping = event.target.matches('input, textarea, select, [contenteditable]') || event.isComposing;
    const button = document.querySelector('[data-undo]');
    if (button && event.key === 'u' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      button.click();
    }
  });

  /* What the server says about the values of a form, while they are typed: a sentence and a table. */
  const preview = document.querySelector('[data-preview-url]');
  if (preview) {
    const form = preview.closest('form');
    const table = preview.querySelector('[data-preview-table]');
    const showPreview = ({sentence, rows}) => {
      preview.querySelector('[data-preview-sentence]').textContent = sentence;
      table.hidden = !rows.length;
      table.tBodies[0].replaceChildren(...rows.map(({label, cells}) => {
        const row = document.createElement('tr');
        const head = document.createElement('th');
        head.scope = 'row';
        head.textContent = label;
        row.append(head);
        for (const cell of cells) {
          row.insertCell().textContent = cell;
        }
        return row;
      }));
    };
    let newest = 0;
    const show = async () => {
      newest += 1;
      const number = newest;
      const values = new URLSearchParams(new FormData(form));
      values.delete('csrfmiddlewaretoken');
      const answer = await fetch(`${preview.dataset.previewUrl}&${values}`);
      if (answer.ok && number === newest) {
        showPreview(await answer.json());
      }
    };
    form.addEventListener('input', show);
    show();
  }

  /* When Django's scripts are done. */
  window.addEventListener('load', () => {
    for (const help of document.querySelectorAll('.help-tooltip[aria-label]')) {
      help.setAttribute('role', 'img'); // of Django's script for many choices: a span has no name
    }
  });
}
