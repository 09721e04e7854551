// Folded answers: a link to something inside one opens it, and print shows them all.
(() => {
  const open = target => {
    for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  };
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.closest("details:not([open])")) { open(target); target.scrollIntoView(); }
  };
  addEventListener("hashchange", follow);
  document.addEventListener("DOMContentLoaded", follow);
  document.addEventListener("click", event => {  // a second click on the same link changes no hash
    const link = event.target.closest?.("a[href^='#']");
    if (link) open(document.getElementById(decodeURIComponent(link.hash.slice(1))));
  });
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("article details.reveal:not([open])")];
    closed.forEach(fold => fold.open = true);
  });
  addEventListener("afterprint", () => closed.forEach(fold => fold.open = false));
})();
