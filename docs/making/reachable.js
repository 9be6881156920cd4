/* What is wider than the screen is reached by keyboard too; the buttons of each block of code have a name. */
const makeReachable = () => {
  for (const one of document.querySelectorAll(".md-typeset__scrollwrap, pre > code"))
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
  document.querySelectorAll(".md-code__nav").forEach((one, place) => one.setAttribute("aria-label", `Code ${place + 1}`));
};
new MutationObserver(makeReachable).observe(document.body, { childList: true, subtree: true });
addEventListener("resize", makeReachable);
makeReachable();
