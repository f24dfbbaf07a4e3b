/* The player of a clip's page: its sources, qualities, and jumping to a machine's hit. */

import {Sources} from './playing.js';

const player = document.querySelector('[data-player]');
if (player) {
  const listed = JSON.parse(document.getElementById('player-sources').textContent);
  const error = document.querySelector('[data-player-error]');
  const choices = [...document.querySelectorAll('[data-source]')];
  const sources = new Sources(player, {
    onStart: (source) => {
      for (const choice of choices) {
        choice.setAttribute('aria-pressed', String(choice.dataset.source === source.url));
      }
    },
    onSlow: () => { error.hidden = false; },
    onReady: () => { error.hidden = true; },
    onFail: () => { error.hidden = false; },
  });
  sources.play(listed);
  for (const choice of choices) {
    choice.addEventListener('click', async () => {
      const moment = player.currentTime;
      const wasPlaying = !player.paused;
      await sources.play(listed.filter((source) => source.url === choice.dataset.source));
      player.currentTime = moment;
      if (wasPlaying) {
        player.play();
      }
    });
  }
  for (const mark of document.querySelectorAll('[data-seek]')) {
    mark.addEventListener('click', () => {
      player.currentTime = Number(mark.dataset.seek) / 1000;
      player.scrollIntoView({block: 'center'});
    });
  }
  const reveal = document.querySelector('[data-reveals]');
  if (reveal) {
    reveal.addEventListener('click', () => {
      player.parentElement.classList.add('is-revealed');
      reveal.remove();
      player.focus();
    });
  }
}
