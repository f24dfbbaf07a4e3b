/* From key presses to commands. */

/* Until the next frame a field keeps the focus although its dialog is closed: a key then is a command. */
const isTyping = (element) => element.matches('input:not([type=range]), textarea, select, [contenteditable]') && !element.closest('dialog:not([open])');

/** Call `run(command)` for keys of the map, `run("reason", number)` for 1 to 9. */
export const listen = (keys, run) => {
  const commands = new Map(Object.entries(keys).map(([command, key]) => [key.toLowerCase(), command]));
  commands.delete(''); // a command without a key
  document.addEventListener('keydown', (event) => {
    const isComposing = event.isComposing || event.keyCode === 229; // an input method is open
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (isComposing || hasModifier || event.defaultPrevented || isTyping(event.target)) {
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
