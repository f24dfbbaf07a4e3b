/* The fields of keys: the pressed key is the value. Tab leaves, Enter saves, Backspace deletes. */

const NAMED = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown', 'Insert'];

const shown = (key) => {
  if (key === ' ') {
    return 'Space';
  }
  return key.length === 1 && key.toUpperCase().length === 1 ? key.toUpperCase() : key;
};

for (const field of document.querySelectorAll('[data-key-field]')) {
  field.addEventListener('keydown', (event) => {
    const isComposing = event.isComposing || event.keyCode === 229; // an input method is open
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (isComposing || hasModifier || (event.key.length !== 1 && !NAMED.includes(event.key))) {
      return;
    }
    event.preventDefault();
    field.value = shown(event.key);
  });
}
