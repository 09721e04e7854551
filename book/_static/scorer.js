// The order of search results: what teaches comes first, and what lists (the package's functions, the tables of checks) last.
var Scorer = {
  score: ([page, title, anchor, description, score]) => score + (
    page.startsWith("chapters/") ? 1000 : page.startsWith("exercises/") ? 500 : description || /^book\/(api|package)/.test(page) ? 0 :
    /^book\/(claims|oracles|floors|instructors)$/.test(page) ? 100 : 200),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
