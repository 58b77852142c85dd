// What the rest of the page sets: a net, a picture from the gallery.

let shown = props.value.serial;
function follow() {
  if (props.value.serial === shown) return;
  shown = props.value.serial;
  if (props.value.picture) putPicture(props.value.picture);
  else changed(); // another net: ask it about the drawing that is there
}
watch("value", follow);

showBlank();
redraw();
if (props.value.picture) putPicture(props.value.picture);
