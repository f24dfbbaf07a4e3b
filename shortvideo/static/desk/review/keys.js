/* From key presses to commands. */

export const DEFAULT_KEYS = {
  approve: 'a',
  block: 'b',
  skip: 's',
  undo: 'u',
  escalate: 'e',
  note: 'n',
  previous: 'p',
  pause: ' ',
  back: 'ArrowLeft',
  forward: 'ArrowRight',
  hit: 'h',
  speed: 'x',
  sound: 'm',
  reveal: 'r',
  fullscreen: 'f',
  details: 'd',
  unskip: 'o',
  help: '?',
};

const NAMES = {' ': 'Space', ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓'};

export const nameOf = (key) => NAMES[key] || (key.length === 1 ? key.toUpperCase() : key);

const isTyping = (element) => element.matches('input:not([type=range]), textarea, select, [contenteditable]');

/** Call `run(command)` for keys of the map, `run("reason", number)` for 1 to 9. */
export const listen = (keys, run, {isOn}) => {
  const commands = new Map(Object.entries(keys).map(([command, key]) => [key.toLowerCase(), command]));
  document.addEventListener('keydown', (event) => {
    const isComposing = event.isComposing || event.keyCode === 229; // an input method is open
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (isComposing || hasModifier || event.defaultPrevented || !isOn() || isTyping(event.target)) {
      return;
    }
    if (document.querySelector('dialog[open]')) {
      return; // dialogs have keys of their own
    }
    if (event.key === ' ' && event.target.matches('button, a, summary')) {
      return; // it presses what has the focus
    }
    const command = commands.get(event.key.toLowerCase());
    const number = /^[1-9]$/.test(event.key) ? Number(event.key) : 0;
    if (event.repeat && command !== 'back' && command !== 'forward') {
      event.preventDefault();
      return; // a key that is held down decides one clip
    }
    if (command || number) {
      event.preventDefault();
      run(command || 'reason', number);
    }
  });
};
