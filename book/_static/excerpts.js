// An excerpt below a search result comes from the page's article, not from the buttons and the table of contents around it.
document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return;  // every page but the search page
  const words = Search.htmlToText;
  Search.htmlToText = (page, anchor) => {
    const parsed = new DOMParser().parseFromString(page, "text/html"), article = parsed.querySelector("article");
    article?.querySelectorAll("svg, pre, details, .math").forEach(part => part.remove());
    const text = article ? words(`<div role="main">${article.innerHTML}</div>`, anchor) : words(page, anchor);
    return text.replace(/\s+/g, " ").trim();
  };
});
