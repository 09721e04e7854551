// Code that is wider than the window scrolls, by finger and by keyboard, and its edge says so. On paper everything folded is open.
document.addEventListener("DOMContentLoaded", () => {
  const boxes = [...document.querySelectorAll(".bd-article div.highlight pre")];
  const look = box => {
    const hidden = box.scrollWidth - box.clientWidth;
    box.parentElement.classList.toggle("ae-more", hidden > 1 && box.scrollLeft < hidden - 1);
    if (hidden > 1) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  boxes.forEach(box => box.addEventListener("scroll", () => look(box), { passive: true }));
  const watch = new ResizeObserver(changes => changes.forEach(change => look(change.target)));
  boxes.forEach(box => watch.observe(box));  // a box that a reader unfolds gets its first size then
  const reach = box => {  // at once; the theme waits
    const over = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    box.tabIndex = over ? 0 : -1;
  };
  document.querySelectorAll(".pst-scrollable-table-container").forEach(box => {
    const tables = new ResizeObserver(() => reach(box));
    [box, ...box.children].forEach(part => tables.observe(part));
  });
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".bd-article details:not([open])")];
    opened.forEach(part => { part.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach(part => { part.open = false; }));
});
